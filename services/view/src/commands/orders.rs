//! `svc.view.orders`: orders by status, customer and age, a page at a time, the oldest first.
//!
//! Invariant: a question examines a bounded number of rows. Where that does not suffice, the page is short and says where
//! to go on.

use chassis::{Refusal, Row, Turn, settings::parse_duration};
use events::{CustomerId, OrderId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{order::Short, read, up_to};
use crate::{
    index::{self, ByAge, ByCustomer, ByStatus},
    rows::Order,
    standing::{SagaStatus, Status},
};

/// How many orders a page shows, where nobody says it, and at most.
const LIMIT: usize = 20;
const LIMIT_AT_MOST: usize = 100;

/// How many orders one question looks at.
const EXAMINED_AT_MOST: usize = 2000;

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

/// Which part of an index is read, and what is asked of an order beyond that.
struct Search {
    /// The parts of one index, by what their keys start with.
    prefixes: Vec<String>,
    /// As part of a key.
    placed_after: Option<String>,
    placed_before: Option<String>,
    status: Option<Status>,
    saga_status: Option<SagaStatus>,
    limit: usize,
}

/// A page that is being filled.
struct Found {
    orders: Vec<Short>,
    examined: usize,
    /// The key of the last order that was examined.
    last: Option<String>,
}

/// A page of orders. While orders move on, each stands once in a listing by age or by customer; in one by status it stands
/// where it was when its page was asked for.
pub fn list(turn: &mut Turn<'_>, command: List) -> Result<Page, Refusal> {
    let search = Search::new(turn, &command)?;
    let after = command.after.as_deref();
    let (orders, next) = match command {
        List { customer_id: Some(_), .. } => search.run::<ByCustomer>(turn, after),
        List { status: None, saga_status: None, .. } => search.run::<ByAge>(turn, after),
        _ => search.run::<ByStatus>(turn, after),
    }?;
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
            None if status.is_none() && saga_status.is_none() => vec![String::new()],
            None => Status::ALL.into_iter().filter(fits).map(index::of_status).collect(),
        };
        let (placed_after, placed_before) = (placed_after.map(index::age), placed_before.map(index::age));
        Ok(Search { prefixes, placed_after, placed_before, status, saga_status, limit })
    }

    fn run<I: Row>(&self, turn: &Turn<'_>, after: Option<&str>) -> Result<(Vec<Short>, Option<String>), Refusal> {
        let foreign = || Refusal::unprocessable("after is not from an answer to this question: leave it out to begin");
        let belongs = |after: &str| self.prefixes.iter().position(|it| index::parts(after, it).is_some());
        let begin = after.map(|after| belongs(after).ok_or_else(foreign)).transpose()?.unwrap_or_default();
        let mut found = Found { orders: Vec::new(), examined: 0, last: None };
        let mut after = after.map(str::to_owned);
        for prefix in &self.prefixes[begin..] {
            if !self.read::<I>(turn, prefix, after.take(), &mut found) {
                return Ok((found.orders, found.last));
            }
        }
        Ok((found.orders, None))
    }

    /// Reads the part of the index whose keys start with `prefix`. Whether that was all of it: else the page is full.
    fn read<I: Row>(&self, turn: &Turn<'_>, prefix: &str, after: Option<String>, found: &mut Found) -> bool {
        let placed_after = self.placed_after.as_ref().map(|age| format!("{prefix}{age}/{BEHIND_ALL}"));
        let mut after = after.max(placed_after);
        loop {
            let keys = turn.rows::<I>(prefix, after.as_deref(), self.limit + 1);
            let Some((last, _)) = keys.last() else { return true };
            after = Some(last.clone());
            for (key, _) in keys {
                let Some((age, order_id)) = index::parts(&key, prefix) else { continue };
                if self.placed_before.as_deref().is_some_and(|before| age >= before) {
                    return true;
                }
                if found.orders.len() == self.limit || found.examined == EXAMINED_AT_MOST {
                    return false;
                }
                found.examined += 1;
                found.orders.extend(self.look(turn, order_id));
                found.last = Some(key);
            }
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
