//! Orders by status and by customer: rows that are keys alone, so that a page of orders is read without looking at all of
//! them. Within each, the oldest order comes first: all orders by age are those of each status, put together by age.
//!
//! Invariant: an order stands in each index once, where its row says.

use chassis::{Row, Turn};
use events::{CustomerId, OrderId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{rows::Order, standing::Status};

/// `<status>/<age>/<order id>`.
#[derive(Serialize, Deserialize)]
pub struct ByStatus {}

/// `<customer id>/<age>/<order id>`; an order that was not placed yet has no customer.
#[derive(Serialize, Deserialize)]
pub struct ByCustomer {}

impl Row for ByStatus {
    const TABLE: &'static str = "by-status";
}

impl Row for ByCustomer {
    const TABLE: &'static str = "by-customer";
}

/// How many digits the latest time has.
const AGE_DIGITS: usize = 18;

/// A time as part of a key: microseconds since the earliest time that there is, in digits that sort as the times do.
pub fn age(at: Timestamp) -> String {
    format!("{:0AGE_DIGITS$}", at.as_microsecond() - Timestamp::MIN.as_microsecond())
}

/// What the keys of all orders of a status start with.
pub fn of_status(status: Status) -> String {
    format!("{}/", status.word())
}

/// What the keys of all orders of a customer start with.
pub fn of_customer(customer_id: &CustomerId) -> String {
    format!("{customer_id}/")
}

/// The age and the order of what stands behind the prefix of a key.
pub fn parts(place: &str) -> Option<(&str, OrderId)> {
    let (age, order_id) = place.split_once('/')?;
    let is_age = age.len() == AGE_DIGITS && age.bytes().all(|digit| digit.is_ascii_digit());
    Some((age, OrderId::try_from(order_id).ok().filter(|_| is_age)?))
}

/// Where an order stands in the indexes.
#[derive(PartialEq, Eq)]
struct Place<'a> {
    status: Status,
    at: Timestamp,
    customer_id: Option<&'a CustomerId>,
}

impl Place<'_> {
    fn of(order: &Order) -> Place<'_> {
        let placed = order.placed.as_ref();
        Place { status: order.status(), at: order.age(), customer_id: placed.map(|it| &it.customer_id) }
    }

    fn by_status(&self, order_id: &OrderId) -> String {
        format!("{}{}/{order_id}", of_status(self.status), age(self.at))
    }

    fn by_customer(&self, order_id: &OrderId) -> Option<String> {
        self.customer_id.map(|it| format!("{}{}/{order_id}", of_customer(it), age(self.at)))
    }
}

/// Moves the order in the indexes where its place changed.
pub fn keep(turn: &mut Turn<'_>, order_id: &OrderId, before: Option<&Order>, after: &Order) {
    let (before, after) = (before.map(Place::of), Place::of(after));
    if before.as_ref() == Some(&after) {
        return;
    }
    let status = |place: &Place<'_>| Some(place.by_status(order_id));
    let customer = |place: &Place<'_>| place.by_customer(order_id);
    shift(turn, before.as_ref().and_then(status), status(&after), &ByStatus {});
    shift(turn, before.as_ref().and_then(customer), customer(&after), &ByCustomer {});
}

fn shift<R: Row>(turn: &mut Turn<'_>, from: Option<String>, to: Option<String>, mark: &R) {
    if from == to {
        return;
    }
    if let Some(key) = from {
        turn.remove::<R>(key);
    }
    if let Some(key) = to {
        turn.put(key, mark);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_sort_as_times_do() {
        let times = ["-009999-01-02T01:59:59Z", "1969-12-31T23:59:59.999999Z", "1970-01-01T00:00:00Z"];
        let later = ["2026-01-01T00:00:05Z", "2026-01-01T00:00:05.5Z", "9999-12-30T22:00:00.999999999Z"];
        let ages: Vec<_> = times.iter().chain(&later).map(|time| age(time.parse().unwrap())).collect();
        assert!(ages.is_sorted() && ages.iter().all(|age| age.len() == 18), "{ages:?}");
    }
}
