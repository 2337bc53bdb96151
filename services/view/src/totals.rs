//! Totals: per day (UTC, by the events' own time), and how many orders have which status.
//!
//! Invariant: an order counts once under its status, once as placed and once as ended, whatever the stream has twice.

use std::collections::BTreeMap;

use chassis::{Row, Turn};
use events::{MinorUnits, Money};
use jiff::{Timestamp, civil::Date, tz::Offset};
use serde::{Deserialize, Serialize};

use crate::{
    rows::{End, Order, word},
    standing::Status,
};

/// What happened on a day, under its date.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Day {
    pub placed: u64,
    pub completed: u64,
    /// By reason.
    pub cancelled: BTreeMap<String, u64>,
    pub refunds: u64,
    pub customers_registered: u64,
    pub units_stocked: u64,
    pub notifications_sent: u64,
    pub notifications_failed: u64,
}

/// What moved on a day in one currency, under `<date>/<currency>`. A sum that is more than can be told is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// Of the orders that were completed on that day.
    pub revenue: Option<MinorUnits>,
    pub refunded: Option<MinorUnits>,
}

/// How many orders have a status, under its word.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    pub orders: u64,
}

impl Row for Day {
    const TABLE: &'static str = "day";
}

impl Row for Moved {
    const TABLE: &'static str = "money";
}

impl Row for Count {
    const TABLE: &'static str = "count";
}

/// The day of a time, in UTC.
pub fn date(at: Timestamp) -> Date {
    Offset::UTC.to_datetime(at).date()
}

/// Counts what the order's row has come to tell.
pub fn count(turn: &mut Turn<'_>, before: Option<&Order>, after: &Order) {
    let was = before.map(Order::status);
    if was != Some(after.status()) {
        was.into_iter().for_each(|status| count_status(turn, status, |orders| orders.saturating_sub(1)));
        count_status(turn, after.status(), |orders| orders + 1);
    }
    if let (None, Some(placed)) = (before.and_then(|it| it.placed.as_ref()), &after.placed) {
        on(turn, placed.at, |day| day.placed += 1);
    }
    if let (None, Some(end)) = (before.and_then(|it| it.end.as_ref()), &after.end) {
        on(turn, end.at, |day| match end.cancelled {
            None => day.completed += 1,
            Some(reason) => *day.cancelled.entry(word(reason).to_owned()).or_default() += 1,
        });
    }
    // The amount is known once the order was placed: that may be told after its end.
    if let (None, Some((at, revenue))) = (before.and_then(revenue), revenue(after)) {
        moved(turn, at, revenue, |moved| &mut moved.revenue);
    }
}

/// Money that goes back now.
pub fn refund(turn: &mut Turn<'_>, money: Money) {
    day(turn, |day| day.refunds += 1);
    moved(turn, turn.now(), money, |moved| &mut moved.refunded);
}

/// Changes the totals of the day of the event that is heard.
pub fn day(turn: &mut Turn<'_>, change: impl FnOnce(&mut Day)) {
    on(turn, turn.now(), change);
}

/// What a completed order brought, and when.
fn revenue(order: &Order) -> Option<(Timestamp, Money)> {
    match (&order.end, &order.placed) {
        (Some(End { cancelled: None, at }), Some(placed)) => {
            Some((*at, Money { amount: placed.total, currency: placed.currency }))
        }
        _ => None,
    }
}

fn on(turn: &mut Turn<'_>, at: Timestamp, change: impl FnOnce(&mut Day)) {
    let key = date(at).to_string();
    let mut day: Day = turn.row(&key).unwrap_or_default();
    change(&mut day);
    turn.put(key, &day);
}

fn moved(turn: &mut Turn<'_>, at: Timestamp, money: Money, sum: impl FnOnce(&mut Moved) -> &mut Option<MinorUnits>) {
    let key = format!("{}/{}", date(at), money.currency);
    let nothing = Moved { revenue: Some(MinorUnits(0)), refunded: Some(MinorUnits(0)) };
    let mut moved: Moved = turn.row(&key).unwrap_or(nothing);
    let sum = sum(&mut moved);
    *sum = sum.and_then(|sum| sum.checked_add(money.amount));
    turn.put(key, &moved);
}

fn count_status(turn: &mut Turn<'_>, status: Status, change: impl FnOnce(u64) -> u64) {
    let count: Count = turn.row(status.word()).unwrap_or_default();
    turn.put(status.word(), &Count { orders: change(count.orders) });
}
