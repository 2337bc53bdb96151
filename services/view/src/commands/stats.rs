//! `svc.view.stats`: totals per day, and how many orders have which status.

use std::collections::BTreeMap;

use chassis::{Refusal, Turn};
use events::MinorUnits;
use jiff::{ToSpan, civil::Date};
use serde::{Deserialize, Serialize};

use super::{read, up_to};
use crate::{
    standing::Status,
    totals::{Count, Day, Moved, date},
};

/// How many days are summed up, where nobody says it, and at most.
const DAYS: i32 = 30;
const DAYS_AT_MOST: i32 = 366;

/// How many currencies of a day are told: an answer has a limit.
const CURRENCIES_AT_MOST: usize = 10;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stats {
    /// The first day; by default thirty days up to `to`.
    from: Option<String>,
    /// The last day; by default today, in UTC.
    to: Option<String>,
}

#[derive(Serialize)]
pub struct Summed {
    /// The days on which something happened.
    days: Vec<OneDay>,
    statuses: BTreeMap<&'static str, u64>,
    up_to: u64,
}

/// Sums are in minor units by currency; one that is more than can be told is null.
#[derive(Serialize)]
struct OneDay {
    day: String,
    #[serde(flatten)]
    counts: Day,
    revenue: BTreeMap<String, Option<MinorUnits>>,
    refunded: BTreeMap<String, Option<MinorUnits>>,
    /// There are more currencies than are told.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    currencies_left_out: bool,
}

/// What happened on which day, by the events' own time.
pub fn sum_up(turn: &mut Turn<'_>, command: Stats) -> Result<Summed, Refusal> {
    let day = |name, text: Option<String>| read(name, text.as_deref(), "a day such as 2026-01-31");
    let to: Date = day("to", command.to)?.unwrap_or_else(|| date(turn.now()));
    let from = day("from", command.from)?.unwrap_or_else(|| to.saturating_sub((DAYS - 1).days()));
    let days = from.until(to).map_or(i32::MAX, |span| span.get_days().saturating_add(1));
    if !(1..=DAYS_AT_MOST).contains(&days) {
        let message = format!("from {from} to {to} is not 1 to {DAYS_AT_MOST} days: ask for others");
        return Err(Refusal::unprocessable(message));
    }
    let before = from.checked_sub(1.day()).ok().map(|date| date.to_string());
    let rows = turn.rows::<Day>("", before.as_deref(), DAYS_AT_MOST as usize);
    let last = to.to_string();
    let days = rows.into_iter().take_while(|(day, _)| *day <= last);
    let count = |status: Status| (status.word(), turn.row::<Count>(status.word()).unwrap_or_default().orders);
    Ok(Summed {
        days: days.map(|(day, counts)| one_day(turn, day, counts)).collect(),
        statuses: Status::ALL.into_iter().map(count).collect(),
        up_to: up_to(turn),
    })
}

fn one_day(turn: &Turn<'_>, day: String, counts: Day) -> OneDay {
    let prefix = format!("{day}/");
    let mut moved = turn.rows::<Moved>(&prefix, None, CURRENCIES_AT_MOST + 1);
    let currencies_left_out = moved.len() > CURRENCIES_AT_MOST;
    moved.truncate(CURRENCIES_AT_MOST);
    let (mut revenue, mut refunded) = (BTreeMap::new(), BTreeMap::new());
    for (key, moved) in moved {
        let currency = key[prefix.len()..].to_owned();
        revenue.insert(currency.clone(), moved.revenue);
        refunded.insert(currency, moved.refunded);
    }
    OneDay { day, counts, revenue, refunded, currencies_left_out }
}
