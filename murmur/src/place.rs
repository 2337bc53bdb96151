//! `murmur place`: places an order, and follows it.

use std::time::Duration;

use chassis::{Client, Settings};
use clap::Args;
use events::{Currency, Key, MinorUnits, Money};
use serde::Deserialize;
use serde_json::json;

use crate::{
    Error, Exit,
    follow::Followed,
    output,
    parse::{self, Item},
};

/// The command.
const PLACE: &str = "svc.order.place";

const EXAMPLES: &str = "\
Examples:
  murmur place widget:2
  murmur place --payment-method pm_card_declined widget:1 gadget:1
  murmur place --postal-code 00000 widget:1        (no carrier goes there)
  murmur place gizmo:5                             (there are only 3)
  murmur place --json --no-wait --idempotency-key cart-42 widget:2 | jq -r .order_id

Payment methods of the sandbox: pm_card_visa, pm_card_declined, pm_gateway_down, pm_gateway_flaky,
pm_refund_refused.
Exit code 0 when the order is completed, or with --no-wait when it is placed; 2 when it is refused, 3 when nobody
answers, 5 when it is cancelled, 4 when it comes to no end in time.";

/// Places an order, and prints its timeline until its end
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Place {
    #[command(flatten)]
    pub order: Order,

    /// Print the answer as it came, and each event whole, as JSON on one line
    #[arg(long)]
    json: bool,

    /// Leave as soon as the order is placed
    #[arg(long)]
    no_wait: bool,

    /// How long to wait for the order's end
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = parse::seconds)]
    timeout: Duration,
}

/// What is ordered, by whom, paid how and sent where.
#[derive(Clone, Debug, Args)]
pub(crate) struct Order {
    /// Who orders
    #[arg(long, value_name = "ID", default_value = "alice")]
    pub customer: String,

    /// How it is paid
    #[arg(long, value_name = "ID", default_value = "pm_card_visa")]
    pub payment_method: String,

    /// Where it goes, in Germany; no carrier goes to 00000
    #[arg(long, value_name = "CODE", default_value = "10115")]
    pub postal_code: String,

    /// The same key again gives the same order again, not another one
    #[arg(long, value_name = "KEY")]
    pub idempotency_key: Option<String>,

    /// What is ordered: <sku>:<quantity>
    #[arg(required = true, value_name = "SKU:QUANTITY")]
    pub items: Vec<Item>,
}

/// What the service answers.
#[derive(Debug, Deserialize)]
pub(crate) struct Placed {
    pub order_id: Key,
    status: String,
    total: MinorUnits,
    currency: Currency,
}

impl Place {
    pub async fn run(self) -> Result<Exit, Error> {
        let client = Client::connect(&Settings::from_env()?).await?;
        let (answer, placed) = self.order.place(&client).await?;
        let Placed { order_id, status, total, currency } = placed;
        output::print(&match self.json {
            true => output::text(&answer),
            false => format!("order {order_id} {status}, {}", Money { amount: total, currency }),
        })?;
        if self.no_wait {
            return Ok(Exit::Done);
        }
        Followed::new(order_id, self.json).until_its_end(&client, self.timeout).await
    }
}

impl Order {
    /// Sends the order, and returns the answer as it came and as it reads.
    pub async fn place(&self, client: &Client) -> Result<(Vec<u8>, Placed), Error> {
        let answer = client.command(PLACE, self.body()).await;
        let answer = answer.map_err(|refusal| Error::refused(PLACE, refusal))?;
        let unread = |source| Error::Answer { subject: PLACE.to_owned(), source };
        let placed = serde_json::from_slice(&answer).map_err(unread)?;
        Ok((answer, placed))
    }

    fn body(&self) -> Vec<u8> {
        let mut body = json!({
            "customer_id": self.customer,
            "items": self.items,
            "payment_method": self.payment_method,
            "ship_to": {
                "name": self.customer,
                "line1": "Invalidenstr. 1",
                "city": "Berlin",
                "postal_code": self.postal_code,
                "country": "DE",
            },
        });
        if let Some(key) = &self.idempotency_key {
            body["idempotency_key"] = json!(key);
        }
        body.to_string().into_bytes()
    }
}
