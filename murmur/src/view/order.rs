//! `murmur view order`: where an order stands, and how it came there.

use chassis::Client;
use clap::Args;
use events::Key;
use serde_json::{Value, json};

use super::{ask, cell, list, money};
use crate::{
    Error, Exit, output,
    table::table,
    timeline::{Entry, render},
};

const EXAMPLES: &str = "\
Examples:
  murmur view order 7f9cf0a2-9f5c-4c7e-8a51-0e7c3d0a1b2c
  murmur view order --json 7f9cf0a2-9f5c-4c7e-8a51-0e7c3d0a1b2c | jq .waits_for

Exit code 0 when the order is known, 2 when nothing was heard of it, 3 where the read side does not answer.";

/// Shows an order: its status, whose turn it is, what it waits for and since when, and its timeline
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Order {
    /// The order
    #[arg(value_parser = |text: &str| Key::try_from(text))]
    order_id: Key,

    /// Show the timeline behind this message of the stream
    #[arg(long, value_name = "SEQUENCE")]
    after: Option<u64>,

    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
}

impl Order {
    pub async fn run(self, client: &Client) -> Result<Exit, Error> {
        let question = json!({ "order_id": self.order_id.as_str(), "after": self.after });
        let shown = ask(client, "order", question).await?;
        output::print(&match self.json {
            true => shown.to_string(),
            false => text(&shown),
        })?;
        Ok(Exit::Done)
    }
}

fn text(shown: &Value) -> String {
    let mut rows = vec![["order".to_owned(), cell(&shown["order_id"])]];
    let mut row = |name: &str, value: String| {
        if !value.is_empty() {
            rows.push([name.to_owned(), value]);
        }
    };
    row("customer", cell(&shown["customer_id"]));
    row("total", money(shown));
    row("placed", cell(&shown["placed_at"]));
    row("status", format!("{} (saga {})", cell(&shown["status"]), cell(&shown["saga_status"])));
    row("reason", cell(&shown["reason"]));
    row("turn", cell(&shown["whose_turn"]));
    row("waits for", cell(&shown["waits_for"]));
    row("since", cell(&shown["since"]));
    row("stuck", stuck(&shown["stuck"]));
    let timeline = render(&entries(shown));
    let more = match shown["next"].as_u64() {
        Some(next) => format!("\n({} events in all: --after {next} shows those behind)", shown["events"]),
        None => String::new(),
    };
    format!("{}\n\n{timeline}{more}", table(&rows))
}

fn stuck(stuck: &Value) -> String {
    match stuck {
        Value::Object(_) => format!(
            "{} tried {} times since {}: {}",
            cell(&stuck["service"]),
            stuck["attempts"],
            cell(&stuck["since"]),
            cell(&stuck["reason"])
        ),
        _ => String::new(),
    }
}

fn entries(shown: &Value) -> Vec<Entry> {
    let number = |value: &Value| value.as_u64().and_then(|number| usize::try_from(number).ok());
    let entry = |told: &Value| Entry {
        number: number(&told["number"]).unwrap_or_default(),
        source: cell(&told["source"]).rsplit('/').next().unwrap_or_default().to_owned(),
        kind: cell(&told["kind"]),
        key: cell(&shown["order_id"]),
        after: number(&told["cause"]),
        note: told["note"].as_str().map(str::to_owned),
    };
    list(&shown["timeline"]).iter().map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_that_is_stuck_says_where_and_since_when() {
        let told = |number: u64, source: &str, kind: &str, cause: Option<u64>, note: Option<&str>| json!({ "number": number, "source": source, "kind": kind, "cause": cause, "note": note });
        let shown = json!({
            "order_id": "o-1", "customer_id": "alice", "total": 3998, "currency": "USD",
            "placed_at": "2026-01-01T00:00:01Z", "status": "cancelling", "saga_status": "compensating",
            "reason": "shipping_failed", "whose_turn": "payment", "waits_for": "payment.refunded",
            "since": "2026-01-01T00:00:05Z", "events": 7, "next": 6,
            "stuck": { "service": "payment", "attempts": 5, "reason": "disputed", "since": "2026-01-01T00:00:06Z" },
            "timeline": [
                told(1, "/external", "order.created", None, None),
                told(2, "/services/shipping", "shipping.failed", Some(1), Some("unserviceable_address")),
            ],
        });
        insta::assert_snapshot!(text(&shown), @r"
        order      o-1
        customer   alice
        total      3998 USD
        placed     2026-01-01T00:00:01Z
        status     cancelling (saga compensating)
        reason     shipping_failed
        turn       payment
        waits for  payment.refunded
        since      2026-01-01T00:00:05Z
        stuck      payment tried 5 times since 2026-01-01T00:00:06Z: disputed

         1 external   order.created      o-1
         2 shipping   shipping.failed    o-1   after 1   unserviceable_address
        (7 events in all: --after 6 shows those behind)
        ");
    }

    #[test]
    fn what_is_not_known_yet_is_left_out() {
        let shown = json!({ "order_id": "o-1", "status": "confirmed", "saga_status": "pending", "timeline": [] });
        insta::assert_snapshot!(text(&shown).trim_end(), @r"
        order   o-1
        status  confirmed (saga pending)
        ");
    }
}
