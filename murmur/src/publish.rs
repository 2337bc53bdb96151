//! `murmur pub`: says an event by hand, and waits until it is stored.

use chassis::{Client, Settings};
use clap::Args;
use events::{DEAD_LETTERS, EVENTS};
use serde_json::json;

use crate::{Error, Exit, output, parse};

const EXAMPLES: &str = "\
Examples:
  murmur pub order.created '{\"customer_id\":\"alice\",\"items\":[{\"sku\":\"widget\",\"quantity\":2,\"unit_price\":1999}]}'
  murmur pub order.created -H ce-id:test-1 - < order.json

Like `nats pub`, and it waits: when it returns, the event is on the broker's disk. No header is needed, and no key: the
service that owns the event fills in what is missing. The same ce-id means the same event, however often it is sent.
Exit code 2 where the broker refuses the event, 3 where it does not answer.";

/// Publishes an event as it is typed, and waits until it is stored
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Publish {
    /// Where the event is said: <producer>.<event>, or <producer>.<event>.<key>
    #[arg(value_parser = parse::subject)]
    subject: String,

    /// The event's body; - reads it from standard input
    #[arg(value_name = "JSON")]
    body: String,

    /// A header, as often as needed
    #[arg(short = 'H', long = "header", value_name = "NAME:VALUE", value_parser = parse::header)]
    headers: Vec<(String, String)>,

    /// Print where it is stored as JSON
    #[arg(long)]
    json: bool,
}

impl Publish {
    pub async fn run(self) -> Result<Exit, Error> {
        let body = parse::body(self.body)?;
        let client = Client::connect(&Settings::from_env()?).await?;
        let stored = client.publish(&self.subject, &self.headers.into_iter().collect(), body).await;
        let sequence = stored.map_err(Error::NotStored)?;
        let stream = if self.subject.starts_with("dead.") { DEAD_LETTERS } else { EVENTS };
        output::print(&match self.json {
            true => json!({ "stream": stream, "sequence": sequence }).to_string(),
            false => format!("stored as message {sequence} of {stream}"),
        })?;
        Ok(Exit::Done)
    }
}
