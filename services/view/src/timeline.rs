//! The timeline of an order: a line for each event about it, numbered from 1. Lines of an order are read together, so they
//! stand together: the first ones in the row of the order, which each event writes anyway, the others a page in a row.
//!
//! Invariant: a line stands in one place, with the order, on the page of its number or alone, and is never moved.

use chassis::{Row, Turn};
use events::{EventId, OrderId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::{RawValue, to_raw_value};

use crate::rows::Order;

/// How many lines stand with the order. Nearly every order has 7 to 12.
const WITH_THE_ORDER: u64 = 12;

/// How many lines a page has. A line writes the row of its order, with the first lines, and its page again: that is what it
/// costs at most, however many events somebody says about one order.
const LINES: u64 = 16;

/// How many bytes of other people's text a line has at most that does not stand alone: a page of such lines fits into a row,
/// and so does an order with its own, in whatever way JSON writes the text.
const TEXT_BYTES: usize = 100;

/// An event about an order. It stands alone under `<order id>/<place in the stream>` where its text is long, and so do all
/// that were told before there were pages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Counts from 1, in the order of the stream.
    pub number: u64,
    /// Its place in the stream.
    pub sequence: u64,
    pub id: EventId,
    /// `payment.failed`.
    pub kind: String,
    /// Who said it: `/services/payment`.
    pub source: String,
    pub time: Timestamp,
    /// The event or command that caused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causation: Option<EventId>,
    /// Why it is so, or that it undoes something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Other lines that stand together, in their order, under `<order id>/<number of the page>`. Who adds one leaves the others unread.
#[derive(Serialize, Deserialize)]
struct Page<L> {
    lines: Vec<L>,
}

/// The row of an order, for who reads its lines.
#[derive(Serialize, Deserialize)]
struct WithTheOrder {
    #[serde(default)]
    lines: Vec<Told>,
}

impl Row for WithTheOrder {
    const TABLE: &'static str = Order::TABLE;
}

impl Row for Told {
    const TABLE: &'static str = "timeline";
}

impl<L: Serialize + DeserializeOwned> Row for Page<L> {
    const TABLE: &'static str = "timeline-page";
}

/// Adds the next line of an order; `with_it` are those that stand in its row. Once one of the first lines stands elsewhere,
/// alone or on a page as in an older store, those that follow stand on pages.
pub fn add(turn: &mut Turn<'_>, order_id: &OrderId, with_it: &mut Vec<Box<RawValue>>, told: Told) {
    if told.source.len() + told.note.as_ref().map_or(0, String::len) > TEXT_BYTES {
        return turn.put(alone(order_id, told.sequence), &told);
    }
    if told.number <= WITH_THE_ORDER && told.number == with_it.len() as u64 + 1 {
        return with_it.push(without_names(&told));
    }
    let key = page(order_id, told.number.div_ceil(LINES));
    let mut page: Page<Box<RawValue>> = turn.row(&key).unwrap_or(Page { lines: Vec::new() });
    page.lines.push(without_names(&told));
    turn.put(key, &page);
}

/// The lines of an order that has `events` of them: those behind the place `after` in the stream where one is given, in the
/// order of the stream, `at_most` so many. However many there are, it looks at few rows beside those that hold these.
pub fn lines(turn: &Turn<'_>, order_id: &OrderId, events: u64, after: Option<u64>, at_most: usize) -> Vec<Told> {
    let first = after.map_or(1, |sequence| page_at(turn, order_id, events.div_ceil(LINES), sequence));
    // The page before the lines, and those that they reach into.
    let pages = 1 + at_most.div_ceil(LINES as usize) + 1;
    let pages = turn.rows::<Page<Told>>(&of(order_id), Some(&page(order_id, first - 1)), pages);
    let behind = after.map(|sequence| alone(order_id, sequence));
    let alone = turn.rows::<Told>(&of(order_id), behind.as_deref(), at_most);
    let with_it = turn.row::<WithTheOrder>(order_id).map_or(Vec::new(), |order| order.lines);
    let mut lines: Vec<_> = with_it.into_iter().chain(pages.into_iter().flat_map(|(_, page)| page.lines)).collect();
    lines.extend(alone.into_iter().map(|(_, told)| told));
    lines.retain(|it| after.is_none_or(|sequence| it.sequence > sequence));
    lines.sort_by_key(|it| it.sequence);
    lines.truncate(at_most);
    lines
}

/// The number of the last page that begins at or before the place `sequence`, or 1: no page before it has a line behind that
/// place. `last` is the number of the last page that may be there.
fn page_at(turn: &Turn<'_>, order_id: &OrderId, last: u64, sequence: u64) -> u64 {
    // A page that is not there begins where the next one does.
    let begins_behind = |number: u64| {
        let there = turn.rows::<Page<Told>>(&of(order_id), Some(&page(order_id, number - 1)), 1);
        there.first().and_then(|(_, page)| page.lines.first()).is_none_or(|line| line.sequence > sequence)
    };
    let (mut at, mut behind) = (1, last + 1);
    while behind - at > 1 {
        let middle = at.midpoint(behind);
        *if begins_behind(middle) { &mut behind } else { &mut at } = middle;
    }
    at
}

/// What the keys of all lines and of all pages of an order start with.
fn of(order_id: &OrderId) -> String {
    format!("{order_id}/")
}

/// Where the line of the event at `sequence` stands alone.
fn alone(order_id: &OrderId, sequence: u64) -> String {
    format!("{}{sequence:020}", of(order_id))
}

/// Where the page stands that is counted `number`, from 1.
fn page(order_id: &OrderId, number: u64) -> String {
    format!("{}{number:010}", of(order_id))
}

/// A line as a list: with its names it would take a quarter more.
fn without_names(told: &Told) -> Box<RawValue> {
    let Told { number, sequence, id, kind, source, time, causation, note } = told;
    let list = (number, sequence, id, kind, source, time, causation, note);
    to_raw_value(&list).expect("a line has plain values")
}
