//! `svc.view.orders`: orders by status, customer and age, a page at a time, the oldest first.
//!
//! Invariant: a question examines a bounded number of rows. Where that does not suffice, the page is short and says where
//! to go on.

use std::collections::VecDeque;

use chassis::{Refusal, Turn, settings::parse_duration};
use events::{CustomerId, OrderId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{order::Short, read, up_to};
use crate::{
    index::{self, ByCustomer, ByStatus, Index, UnderWay},
    rows::Order,
    sheets::{FULL, Sheet},
    standing::{SagaStatus, Status},
};

/// How many orders a page shows, where nobody says it, and at most.
const LIMIT: usize = 20;
const LIMIT_AT_MOST: usize = 100;

/// How many orders one question looks at. Each may be one of a part of the store that was not compared yet: half a megabyte.
const EXAMINED_AT_MOST: usize = 500;

/// Sorts behind every order id.
const BEHIND_ALL: &str = "~";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct List {
    status: Option<Status>,
    saga_status: Option<SagaStatus>,
    customer_id: Option<CustomerId>,
    /// `15m`: placed so long ago, or longer.
    older_than: Option<String>,
    placed_before: Option<String>,
    placed_after: Option<String>,
    limit: Option<usize>,
    /// `next` of the page before.
    after: Option<String>,
}

#[derive(Serialize)]
pub struct Page {
    orders: Vec<Short>,
    /// There may be more: ask the same again with this as `after`.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    up_to: u64,
}

/// Which parts of an index are read, and what is asked of an order beyond that.
struct Search {
    /// What the keys of each part start with.
    prefixes: Vec<String>,
    /// As part of a key.
    placed_after: Option<String>,
    placed_before: Option<String>,
    status: Option<Status>,
    saga_status: Option<SagaStatus>,
    limit: usize,
}

/// A part of an index, as it is read: `<age>/<order id>`, ascending.
struct Part<'s> {
    prefix: &'s str,
    orders: Orders,
    /// Up to where it was read.
    after: Option<String>,
    read: VecDeque<String>,
    /// There is no more to read.
    is_over: bool,
}

/// Which orders of an index: they stand in different tables.
#[derive(Clone, Copy)]
enum Orders {
    UnderWay,
    Ended,
}

impl Part<'_> {
    /// What comes next in it. So many are read at a time.
    fn next<I: Index>(&mut self, turn: &Turn<'_>, at_a_time: usize) -> Option<&str> {
        while self.read.is_empty() && !self.is_over {
            self.read_on::<I>(turn, at_a_time);
        }
        self.read.front().map(String::as_str)
    }

    fn read_on<I: Index>(&mut self, turn: &Turn<'_>, at_a_time: usize) {
        let after = self.after.as_ref().map(|after| format!("{}{after}", self.prefix));
        let within = |key: &str| key[self.prefix.len()..].to_owned();
        let (at_most, rows): (usize, Vec<_>) = match self.orders {
            Orders::UnderWay => {
                let rows = turn.rows::<UnderWay<I>>(self.prefix, after.as_deref(), at_a_time);
                (at_a_time, rows.iter().map(|(key, _)| (within(key), vec![within(key)])).collect())
            }
            Orders::Ended => {
                let at_most = at_a_time.div_ceil(FULL);
                let rows = turn.rows::<Sheet<I>>(self.prefix, after.as_deref(), at_most);
                (at_most, rows.into_iter().map(|(key, sheet)| (within(&key), sheet.places)).collect())
            }
        };
        self.is_over = rows.len() < at_most;
        for (key, places) in rows {
            // The first sheet may begin before that.
            let behind = places.into_iter().filter(|place| self.after.as_ref().is_none_or(|after| place > after));
            self.read.extend(behind);
            self.after = Some(key);
        }
    }
}

/// A page of orders, the oldest first. While orders move on, none stands twice in a listing, unless it was there before its
/// `order.created` was heard, which gives it its age; one that comes to have the status that is asked for is not shown where
/// the listing is past its age.
pub fn list(turn: &mut Turn<'_>, command: List) -> Result<Page, Refusal> {
    let search = Search::new(turn, &command)?;
    let after = command.after;
    if after.as_deref().is_some_and(|after| index::parts(after).is_none()) {
        return Err(Refusal::unprocessable("after is not the next of an answer: leave it out to begin"));
    }
    let (orders, next) = match command.customer_id {
        Some(_) => search.run::<ByCustomer>(turn, after),
        None => search.run::<ByStatus>(turn, after),
    };
    Ok(Page { orders, next, up_to: up_to(turn) })
}

impl Search {
    fn new(turn: &Turn<'_>, asked: &List) -> Result<Search, Refusal> {
        let &List { status, saga_status, .. } = asked;
        let limit = asked.limit.unwrap_or(LIMIT);
        if !(1..=LIMIT_AT_MOST).contains(&limit) {
            return Err(Refusal::unprocessable(format!("the limit is {limit}: use 1 to {LIMIT_AT_MOST}")));
        }
        let long_ago = asked.older_than.as_deref().map(|text| ago(turn.now(), text)).transpose()?;
        let time = |name, text: &Option<String>| read(name, text.as_deref(), "a time such as 2026-01-31T12:00:00Z");
        let placed_after: Option<Timestamp> = time("placed_after", &asked.placed_after)?;
        let placed_before = time("placed_before", &asked.placed_before)?;
        let placed_before = placed_before.into_iter().chain(long_ago).min();
        let fits =
            |it: &Status| status.is_none_or(|status| *it == status) && saga_status.is_none_or(|saga| it.saga() == saga);
        let prefixes = match &asked.customer_id {
            Some(customer_id) => vec![index::of_customer(customer_id)],
            None => Status::ALL.into_iter().filter(fits).map(index::of_status).collect(),
        };
        let (placed_after, placed_before) = (placed_after.map(index::age), placed_before.map(index::age));
        Ok(Search { prefixes, placed_after, placed_before, status, saga_status, limit })
    }

    /// The orders behind `after`, and where to go on where there may be more.
    fn run<I: Index>(&self, turn: &Turn<'_>, after: Option<String>) -> (Vec<Short>, Option<String>) {
        let from = after.max(self.placed_after.as_ref().map(|age| format!("{age}/{BEHIND_ALL}")));
        let part =
            |(prefix, orders)| Part { prefix, orders, after: from.clone(), read: VecDeque::new(), is_over: false };
        let both = |prefix| [(prefix, Orders::UnderWay), (prefix, Orders::Ended)];
        let mut parts: Vec<_> = self.prefixes.iter().map(String::as_str).flat_map(both).map(part).collect();
        let (mut orders, mut examined, mut last) = (Vec::new(), 0, None);
        loop {
            let ahead = parts.iter_mut().enumerate();
            let ahead = ahead.filter_map(|(at, part)| Some((part.next::<I>(turn, self.limit + 1)?, at)));
            let Some((_, oldest)) = ahead.min() else { return (orders, None) };
            let Some(place) = parts[oldest].read.pop_front() else { return (orders, None) };
            let Some((age, order_id)) = index::parts(&place) else { continue };
            if self.placed_before.as_deref().is_some_and(|before| age >= before) {
                return (orders, None);
            }
            if orders.len() == self.limit || examined == EXAMINED_AT_MOST {
                return (orders, last);
            }
            examined += 1;
            orders.extend(self.look(turn, order_id));
            last = Some(place);
        }
    }

    fn look(&self, turn: &Turn<'_>, order_id: OrderId) -> Option<Short> {
        let order: Order = turn.row(&order_id)?;
        let status = order.status();
        let fits = self.status.is_none_or(|it| it == status) && self.saga_status.is_none_or(|it| it == status.saga());
        fits.then(|| Short::of(order_id, &order))
    }
}

/// The time that is `text` before `now`.
fn ago(now: Timestamp, text: &str) -> Result<Timestamp, Refusal> {
    let time = parse_duration(text).and_then(|age| now.checked_sub(age).ok());
    time.ok_or_else(|| {
        let shown: String = text.chars().take(40).collect();
        Refusal::unprocessable(format!("older_than is {shown:?}: use a time such as 90s, 15m or 1h 30m"))
    })
}
