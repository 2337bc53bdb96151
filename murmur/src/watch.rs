//! `murmur watch`: an order's timeline, so far and until its end.

use std::time::Duration;

use chassis::{Client, Settings};
use clap::Args;
use events::Key;

use crate::{Error, Exit, follow::Followed, parse};

const EXAMPLES: &str = "\
Examples:
  murmur watch 7f9cf0a2-9f5c-4c7e-8a51-0e7c3d0a1b2c
  murmur watch --no-wait --json 7f9cf0a2-9f5c-4c7e-8a51-0e7c3d0a1b2c | jq .subject

Each line is an event: its number, who said it, what it is, the order, and the number of the event that caused it.
Exit code 0 when the order is completed (or with --no-wait, when it is known), 5 when it is cancelled, 4 when it comes
to no end in time.";

/// Prints an order's timeline so far, and what comes until its end
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Watch {
    /// The order; any other key works too, such as a sku
    #[arg(value_parser = key)]
    order_id: Key,

    /// Print each event whole, as JSON on one line
    #[arg(long)]
    json: bool,

    /// Print the timeline so far, and do not wait for the end
    #[arg(long)]
    no_wait: bool,

    /// How long to wait for the end
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = parse::seconds)]
    timeout: Duration,
}

impl Watch {
    pub async fn run(self) -> Result<Exit, Error> {
        let client = Client::connect(&Settings::from_env()?).await?;
        let mut followed = Followed::new(self.order_id, self.json);
        if !self.no_wait {
            return followed.until_its_end(&client, self.timeout).await;
        }
        followed.look(&client).await?;
        match followed.events.is_empty() {
            true => Err(Error::NoSuchOrder(followed.order.to_string())),
            false => Ok(Exit::Done),
        }
    }
}

fn key(text: &str) -> Result<Key, String> {
    Key::try_from(text)
}
