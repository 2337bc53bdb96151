//! The stock behind a recording. What inventory decides depends on units that orders outside the recording held or let
//! go; what it decided tells how many units there were.
//!
//! Invariant: where the recorded stock makes the recorded decisions possible, nothing is changed.

use std::{collections::BTreeMap, fmt, ops::RangeInclusive};

use chassis::Stored;
use events::{Event, InventoryReleased, InventoryReservationFailed, InventoryReserved, InventoryStocked, OrderCreated};
use events::{MAX_QUANTITY, header};
use serde_json::{Value, json};

/// How many shortages an event names at most.
const SHORTAGES_AT_MOST: usize = 20;

/// How many units are said to have been there, where the recording does not say so itself.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Opened {
    sku: String,
    /// What the recording says came in first.
    recorded: i64,
    /// What is taken to have come in.
    taken: i64,
}

impl fmt::Display for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Opened { sku, recorded, taken } = self;
        write!(
            f,
            "{sku} is stocked with {taken} at first ({recorded} were recorded), so that what was decided is possible"
        )
    }
}

/// What is known of a sku while the recording is walked.
struct Shelf {
    /// Where it was stocked first, if that is before anything was decided about it.
    first_stocked: Option<usize>,
    decided: bool,
    /// Units that are free, less those that are to be added at the beginning.
    balance: i64,
    /// How many may be added at the beginning, so that every decision so far is possible.
    added: RangeInclusive<i64>,
}

impl Default for Shelf {
    fn default() -> Shelf {
        Shelf { first_stocked: None, decided: false, balance: 0, added: i64::MIN..=i64::MAX }
    }
}

impl Shelf {
    /// It was decided that there are `free` units. What contradicts an earlier decision is left to be found.
    fn decide(&mut self, free: RangeInclusive<i64>) {
        self.decided = true;
        let least = free.start().saturating_sub(self.balance).max(*self.added.start());
        let most = free.end().saturating_sub(self.balance).min(*self.added.end());
        if least <= most {
            self.added = least..=most;
        }
    }

    /// The number nearest to zero.
    fn to_add(&self) -> i64 {
        0.clamp(*self.added.start(), *self.added.end())
    }
}

/// `recording` with the stock that makes its decisions possible, and what had to be changed for that: the quantity of the
/// first `inventory.stocked` of a sku, or one before everything else where it was not stocked before it was decided about.
pub(super) fn opened(mut recording: Vec<Stored>) -> (Vec<Stored>, Vec<Opened>) {
    let mut opened = Vec::new();
    let mut before = Vec::new();
    for (sku, shelf) in shelves(&recording) {
        let add = shelf.to_add();
        if add == 0 {
            continue;
        }
        let first = shelf.first_stocked.map(|at| &mut recording[at].body);
        let (recorded, taken) = match first {
            Some(body) => restock(body, add),
            None => {
                let taken = add.clamp(0, i64::from(MAX_QUANTITY));
                before.push(stocked(&recording, &sku, taken));
                (0, taken)
            }
        };
        opened.push(Opened { sku, recorded, taken });
    }
    before.append(&mut recording);
    (before, opened)
}

/// What there has to be of each sku.
fn shelves(recording: &[Stored]) -> BTreeMap<String, Shelf> {
    let mut shelves: BTreeMap<String, Shelf> = BTreeMap::new();
    let mut orders: BTreeMap<&str, BTreeMap<String, i64>> = BTreeMap::new();
    for (at, event) in recording.iter().enumerate() {
        let Some((kind, key)) = event.subject.rsplit_once('.') else { continue };
        let body: Value = serde_json::from_slice(&event.body).unwrap_or_default();
        match kind {
            InventoryStocked::TYPE => {
                let shelf = shelves.entry(key.to_owned()).or_default();
                if !shelf.decided {
                    shelf.first_stocked.get_or_insert(at);
                }
                shelf.balance += body["quantity"].as_i64().unwrap_or_default();
            }
            OrderCreated::TYPE => drop(orders.insert(key, lines(&body))),
            InventoryReserved::TYPE => {
                for (sku, quantity) in lines(&body) {
                    let shelf = shelves.entry(sku).or_default();
                    shelf.decide(quantity..=i64::MAX);
                    shelf.balance -= quantity;
                }
            }
            InventoryReleased::TYPE => {
                for (sku, quantity) in lines(&body) {
                    shelves.entry(sku).or_default().balance += quantity;
                }
            }
            InventoryReservationFailed::TYPE => {
                let short = shortages(&body);
                // Of a long list only the first are named.
                let all_named = short.len() < SHORTAGES_AT_MOST;
                let wanted = orders.get(key).into_iter().flatten();
                for (sku, wanted) in wanted.filter(|(sku, _)| all_named && !short.contains_key(*sku)) {
                    shelves.entry(sku.clone()).or_default().decide(*wanted..=i64::MAX);
                }
                for (sku, available) in short {
                    shelves.entry(sku).or_default().decide(available..=available);
                }
            }
            _ => {}
        }
    }
    shelves
}

/// The units of each sku in the lines of a body.
fn lines(body: &Value) -> BTreeMap<String, i64> {
    let mut sums = BTreeMap::new();
    for line in body["items"].as_array().into_iter().flatten() {
        if let (Some(sku), Some(quantity)) = (line["sku"].as_str(), line["quantity"].as_i64()) {
            *sums.entry(sku.to_owned()).or_default() += quantity;
        }
    }
    sums
}

fn shortages(body: &Value) -> BTreeMap<String, i64> {
    let shortages = body["shortages"].as_array().into_iter().flatten();
    shortages.filter_map(|it| Some((it["sku"].as_str()?.to_owned(), it["available"].as_i64()?))).collect()
}

/// Changes the quantity of an `inventory.stocked`: what it was, and what it is.
fn restock(body: &mut Vec<u8>, add: i64) -> (i64, i64) {
    let mut stocked: Value = serde_json::from_slice(body).unwrap_or_default();
    let recorded = stocked["quantity"].as_i64().unwrap_or_default();
    let taken = recorded.saturating_add(add).clamp(0, i64::from(MAX_QUANTITY));
    stocked["quantity"] = json!(taken);
    *body = stocked.to_string().into_bytes();
    (recorded, taken)
}

/// An `inventory.stocked` that nobody recorded, at the price of whoever ordered it.
fn stocked(recording: &[Stored], sku: &str, quantity: i64) -> Stored {
    let bodies = recording.iter().filter_map(|it| serde_json::from_slice::<Value>(&it.body).ok());
    let mut items = bodies.flat_map(|body| body["items"].as_array().cloned().unwrap_or_default());
    let price = items.find_map(|it| it["unit_price"].as_i64().filter(|_| it["sku"] == sku)).unwrap_or(1);
    let body = json!({ "sku": sku, "name": sku, "unit_price": price, "currency": "USD", "quantity": quantity });
    let subject = format!("{}.{sku}", InventoryStocked::TYPE);
    let headers = [(header::SOURCE, "/opening"), (header::ID, subject.as_str())];
    let headers = headers.into();
    Stored { sequence: 0, subject, headers, body: body.to_string().into_bytes() }
}

#[cfg(test)]
mod tests {
    use events::Headers;

    use super::*;

    fn event(subject: &str, body: Value) -> Stored {
        Stored { sequence: 1, subject: subject.into(), headers: Headers::new(), body: body.to_string().into_bytes() }
    }

    fn stock(quantity: i64) -> Stored {
        event("inventory.stocked.w", json!({ "sku": "w", "quantity": quantity }))
    }

    fn items(kind: &str, order: &str, quantity: i64) -> Stored {
        let item = json!({ "sku": "w", "quantity": quantity, "unit_price": 7 });
        event(&format!("{kind}.{order}"), json!({ "items": [item] }))
    }

    fn failed(order: &str, available: i64) -> Stored {
        let shortages = json!([{ "sku": "w", "requested": 9, "available": available }]);
        event(&format!("inventory.reservation_failed.{order}"), json!({ "shortages": shortages }))
    }

    /// How many units come in first: recorded, and taken.
    #[track_caller]
    fn check(recording: Vec<Stored>, expected: Option<(i64, i64)>) {
        let (replayed, changed) = opened(recording.clone());
        assert_eq!(changed.iter().map(|it| (it.recorded, it.taken)).collect::<Vec<_>>(), Vec::from_iter(expected));
        let first: Value = serde_json::from_slice(&replayed[0].body).unwrap();
        match expected {
            Some((_, taken)) => assert_eq!(first["quantity"], taken),
            None => assert_eq!(replayed, recording),
        }
    }

    #[test]
    fn stock_that_makes_everything_possible_is_not_changed() {
        check(vec![stock(5), items("inventory.reserved", "o", 5)], None);
        check(vec![stock(3), items("order.created", "o", 9), failed("o", 3)], None);
    }

    #[test]
    fn what_was_held_was_there() {
        check(vec![stock(1), items("inventory.reserved", "o", 5)], Some((1, 5)));
        let twice = vec![stock(1), items("inventory.reserved", "o", 5), items("inventory.reserved", "p", 2)];
        check(twice, Some((1, 7)));
    }

    #[test]
    fn what_was_released_is_there_again() {
        let recording = vec![
            stock(1),
            items("inventory.reserved", "o", 5),
            items("inventory.released", "o", 5),
            items("inventory.reserved", "p", 4),
        ];
        check(recording, Some((1, 5)));
    }

    #[test]
    fn a_shortage_tells_how_many_there_were() {
        check(vec![stock(50), items("order.created", "o", 9), failed("o", 3)], Some((50, 3)));
        let last = vec![stock(1), items("inventory.reserved", "o", 4), items("order.created", "p", 9), failed("p", 0)];
        check(last, Some((1, 4)));
    }

    #[test]
    fn an_order_that_fails_for_another_sku_had_enough_of_this_one() {
        let other = event("inventory.reservation_failed.o", json!({ "shortages": [] }));
        check(vec![stock(1), items("order.created", "o", 9), other], Some((1, 9)));
    }

    #[test]
    fn what_was_stocked_too_late_is_stocked_first() {
        let recording = vec![items("order.created", "o", 4), items("inventory.reserved", "o", 4), stock(1)];
        check(recording, Some((0, 4)));
    }
}
