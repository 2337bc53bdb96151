//! Orders by status and by customer, so that a page of orders is read without looking at all of them. Within each, the oldest
//! order comes first: all orders by age are those of each status, put together by age.
//!
//! Invariant: an order stands in each index once, where its row says: as a row that is a key alone while it is under way, and
//! on a sheet once it has ended (or as a row still, where it ended under an older version and has not moved since).

use std::marker::PhantomData;

use chassis::{Row, Turn};
use events::{CustomerId, OrderId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{rows::Order, sheets::Sheet, standing::Status};

/// An index, and the tables that it is made of.
pub trait Index {
    /// Orders that are under way: keys alone.
    const UNDER_WAY: &'static str;
    /// Orders that have ended. An older version kept them with the others, where they stay until they move.
    const ENDED: &'static str;
}

/// `<status>/<age>/<order id>`.
pub struct ByStatus;

/// `<customer id>/<age>/<order id>`; an order that was not placed yet has no customer.
pub struct ByCustomer;

impl Index for ByStatus {
    const UNDER_WAY: &'static str = "by-status";
    const ENDED: &'static str = "ended-by-status";
}

impl Index for ByCustomer {
    const UNDER_WAY: &'static str = "by-customer";
    const ENDED: &'static str = "ended-by-customer";
}

/// An order that is under way, in an index.
#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
pub struct UnderWay<I> {
    #[serde(skip)]
    index: PhantomData<I>,
}

impl<I: Index> Row for UnderWay<I> {
    const TABLE: &'static str = I::UNDER_WAY;
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

/// Where an order stands in an index: `<age>/<order id>`, behind a prefix.
#[derive(PartialEq, Eq)]
struct Stands {
    prefix: String,
    place: String,
    has_ended: bool,
}

impl Stands {
    fn by_status(order_id: &OrderId, order: &Order) -> Stands {
        Stands::behind(of_status(order.status()), order_id, order)
    }

    fn by_customer(order_id: &OrderId, order: &Order) -> Option<Stands> {
        let placed = order.placed.as_ref()?;
        Some(Stands::behind(of_customer(&placed.customer_id), order_id, order))
    }

    fn behind(prefix: String, order_id: &OrderId, order: &Order) -> Stands {
        Stands { prefix, place: format!("{}/{order_id}", age(order.age())), has_ended: order.end.is_some() }
    }

    fn key(&self) -> String {
        format!("{}{}", self.prefix, self.place)
    }
}

/// Moves the order in the indexes where its place changed.
pub fn keep(turn: &mut Turn<'_>, order_id: &OrderId, before: Option<&Order>, after: &Order) {
    if before.map(decides) == Some(decides(after)) {
        return;
    }
    let by_status = |it: &Order| Stands::by_status(order_id, it);
    let by_customer = |it: &Order| Stands::by_customer(order_id, it);
    shift::<ByStatus>(turn, before.map(by_status), Some(by_status(after)));
    shift::<ByCustomer>(turn, before.and_then(by_customer), by_customer(after));
}

/// All that decides where an order stands.
fn decides(order: &Order) -> (Status, Timestamp, Option<&CustomerId>, bool) {
    let customer_id = order.placed.as_ref().map(|placed| &placed.customer_id);
    (order.status(), order.age(), customer_id, order.end.is_some())
}

fn shift<I: Index>(turn: &mut Turn<'_>, from: Option<Stands>, to: Option<Stands>) {
    if from == to {
        return;
    }
    if let Some(from) = from {
        // Also where it has ended: under an older version, perhaps.
        turn.remove::<UnderWay<I>>(from.key());
        if from.has_ended {
            Sheet::<I>::remove(turn, &from.prefix, &from.place);
        }
    }
    match to {
        Some(to) if to.has_ended => Sheet::<I>::add(turn, &to.prefix, to.place),
        Some(to) => turn.put(to.key(), &UnderWay::<I> { index: PhantomData }),
        None => {}
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
