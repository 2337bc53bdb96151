//! `murmur view stats`: totals per day, and how many orders have which status.

use chassis::Client;
use clap::Args;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{ask, cell, list};
use crate::{Error, Exit, output, table::table};

const EXAMPLES: &str = "\
Examples:
  murmur view stats
  murmur view stats --from 2026-01-01 --to 2026-01-31
  murmur view stats --json | jq .statuses

Days are in UTC, by the events' own time. Amounts are in minor units.";

/// Shows what happened on which day, and how many orders have which status
#[derive(Debug, Args, Serialize)]
#[command(after_help = EXAMPLES)]
pub(super) struct Stats {
    /// The first day; thirty days where it is left out
    #[arg(long, value_name = "DAY")]
    from: Option<String>,

    /// The last day; today where it is left out
    #[arg(long, value_name = "DAY")]
    to: Option<String>,

    /// Print the answer as JSON
    #[arg(long)]
    #[serde(skip)]
    json: bool,
}

impl Stats {
    pub async fn run(self, client: &Client) -> Result<Exit, Error> {
        let stats = ask(client, "stats", json!(self)).await?;
        output::print(&match self.json {
            true => stats.to_string(),
            false => text(&stats),
        })?;
        Ok(Exit::Done)
    }
}

fn text(stats: &Value) -> String {
    let mut days = vec![["day", "placed", "completed", "cancelled", "revenue", "refunded"].map(str::to_owned)];
    days.extend(list(&stats["days"]).iter().map(day));
    let mut statuses = vec![["status", "orders"].map(str::to_owned)];
    statuses.extend(pairs(&stats["statuses"]).map(|(status, orders)| [status.clone(), cell(orders)]));
    format!("{}\n\n{}\n\nup to message {} of the stream", table(&days), table(&statuses), stats["up_to"])
}

fn day(day: &Value) -> [String; 6] {
    let cancelled: u64 = pairs(&day["cancelled"]).filter_map(|(_, orders)| orders.as_u64()).sum();
    [
        cell(&day["day"]),
        cell(&day["placed"]),
        cell(&day["completed"]),
        cancelled.to_string(),
        sums(&day["revenue"]),
        sums(&day["refunded"]),
    ]
}

/// Sums by currency; one that is more than can be told is null.
fn sums(sums: &Value) -> String {
    let told = |sum: &Value| if sum.is_null() { "very many".to_owned() } else { sum.to_string() };
    pairs(sums).map(|(currency, sum)| format!("{} {currency}", told(sum))).collect::<Vec<_>>().join(", ")
}

fn pairs(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_statuses_are_lines() {
        let stats = json!({
            "days": [
                { "day": "2026-01-01", "placed": 3, "completed": 1, "cancelled": { "out_of_stock": 1, "payment_declined": 1 },
                  "revenue": { "EUR": 7, "USD": 3998 }, "refunded": { "USD": 0 } },
                { "day": "2026-01-02", "placed": 1, "completed": 1, "cancelled": {}, "revenue": { "USD": null },
                  "refunded": {} },
            ],
            "statuses": { "cancelled": 2, "shipped": 2 },
            "up_to": 27,
        });
        insta::assert_snapshot!(text(&stats), @r"
        day         placed  completed  cancelled  revenue          refunded
        2026-01-01  3       1          2          7 EUR, 3998 USD  0 USD
        2026-01-02  1       1          0          very many USD

        status     orders
        cancelled  2
        shipped    2

        up to message 27 of the stream
        ");
    }
}
