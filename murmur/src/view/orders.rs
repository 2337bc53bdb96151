//! `murmur view orders`: orders by status, customer and age.

use chassis::Client;
use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};

use super::{ask, cell, list, money};
use crate::{Error, Exit, output, table::table};

const EXAMPLES: &str = "\
Examples:
  murmur view orders
  murmur view orders --saga-status compensating
  murmur view orders --status confirmed --older-than 15m
  murmur view orders --customer alice --json | jq -r '.orders[].order_id'

Statuses: pending, confirmed, paid, shipped, delivered, cancelling, cancelled.
Saga statuses: pending, completed, compensating, failed.
The oldest come first, a page at a time: the last line, and .next in the JSON, says how to go on.";

/// Lists orders by status, customer and age, the oldest first
#[derive(Debug, Args, Serialize)]
#[command(after_help = EXAMPLES)]
pub(super) struct Orders {
    /// Only orders of this status
    #[arg(long)]
    status: Option<String>,

    /// Only orders whose saga has this status
    #[arg(long, value_name = "STATUS")]
    saga_status: Option<String>,

    /// Only orders of this customer
    #[arg(long = "customer", value_name = "ID")]
    customer_id: Option<String>,

    /// Only orders that were placed so long ago, or longer: 90s, 15m, 1h 30m
    #[arg(long, value_name = "TIME")]
    older_than: Option<String>,

    /// How many, up to 100
    #[arg(long, value_name = "NUMBER", default_value = "20")]
    limit: u64,

    /// Go on behind the page before
    #[arg(long, value_name = "NEXT")]
    after: Option<String>,

    /// Print the answer as JSON
    #[arg(long)]
    #[serde(skip)]
    json: bool,
}

impl Orders {
    pub async fn run(self, client: &Client) -> Result<Exit, Error> {
        let page = ask(client, "orders", json!(self)).await?;
        output::print(&match self.json {
            true => page.to_string(),
            false => text(&page),
        })?;
        Ok(Exit::Done)
    }
}

fn text(page: &Value) -> String {
    let orders = list(&page["orders"]);
    let mut rows = vec![["order", "customer", "total", "placed", "status", "waits for", "since"].map(str::to_owned)];
    rows.extend(orders.iter().map(row));
    let shown = match orders {
        [] => "no such orders on this page".to_owned(),
        _ => table(&rows),
    };
    match page["next"].as_str() {
        Some(next) => format!("{shown}\n(there may be more: add --after {next})"),
        None => shown,
    }
}

fn row(order: &Value) -> [String; 7] {
    let waits_for = match order["stuck"].is_object() {
        true => format!("{} (stuck)", cell(&order["waits_for"])),
        false => cell(&order["waits_for"]),
    };
    [
        cell(&order["order_id"]),
        cell(&order["customer_id"]),
        money(order),
        cell(&order["placed_at"]),
        cell(&order["status"]),
        waits_for,
        cell(&order["since"]),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_lines_and_the_last_line_says_how_to_go_on() {
        let page = json!({
            "orders": [
                { "order_id": "o-1", "customer_id": "alice", "total": 3998, "currency": "USD", "status": "cancelling",
                  "placed_at": "2026-01-01T00:00:01Z", "waits_for": "payment.refunded", "since": "2026-01-01T00:00:05Z",
                  "stuck": { "attempts": 5 } },
                { "order_id": "o-2", "status": "shipped", "since": "2026-01-01T00:00:07Z" },
            ],
            "next": "379472248802000000/o-2",
        });
        insta::assert_snapshot!(text(&page), @r"
        order  customer  total     placed                status      waits for                 since
        o-1    alice     3998 USD  2026-01-01T00:00:01Z  cancelling  payment.refunded (stuck)  2026-01-01T00:00:05Z
        o-2                                              shipped                               2026-01-01T00:00:07Z
        (there may be more: add --after 379472248802000000/o-2)
        ");
        assert_eq!(text(&json!({ "orders": [] })), "no such orders on this page");
    }
}
