//! The five invariants of the contract, checked from the event log alone.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use crate::log::Fact;

/// Units of one sku.
#[derive(Debug, Default)]
struct Units {
    available: i64,
    held: i64,
}

/// What the log says about one order.
#[derive(Debug, Default)]
struct Saga<'a> {
    kinds: Vec<&'a str>,
    held: Vec<&'a Value>,
    released: Vec<&'a Value>,
}

impl Saga<'_> {
    fn count(&self, kind: &str) -> usize {
        self.kinds.iter().filter(|it| **it == kind).count()
    }

    fn position(&self, kind: &str) -> Option<usize> {
        self.kinds.iter().position(|it| *it == kind)
    }
}

/// Every way in which `log` breaks the contract. With `ended`, every order has to have come to its end.
pub fn violations(log: &[Fact], ended: bool) -> Vec<String> {
    let mut found = Vec::new();
    let facts = distinct(log, &mut found);
    stock(&facts, &mut found);
    let mut sagas = BTreeMap::<&str, Saga<'_>>::new();
    for fact in &facts {
        let saga = sagas.entry(&fact.key).or_default();
        saga.kinds.push(&fact.kind);
        match fact.kind.as_str() {
            "inventory.reserved" => saga.held.push(&fact.body["items"]),
            "inventory.released" => saga.released.push(&fact.body["items"]),
            _ => {}
        }
    }
    // What is keyed by a sku or a customer is no saga.
    let of_an_order = |kind: &&str| *kind != "inventory.stocked" && !kind.starts_with("customer.");
    for (order, saga) in sagas.iter().filter(|(_, saga)| saga.kinds.iter().any(of_an_order)) {
        order_is_sound(saga, ended, &mut |what| found.push(format!("order {order}: {what}")));
    }
    found
}

/// Invariant 5: one id, one body. What is there twice counts once.
fn distinct<'a>(log: &'a [Fact], found: &mut Vec<String>) -> Vec<&'a Fact> {
    let mut bodies = HashMap::<&str, &Fact>::new();
    let mut facts = Vec::new();
    for fact in log {
        match bodies.insert(&fact.id, fact) {
            None => facts.push(fact),
            Some(before) if (&before.kind, &before.text) == (&fact.kind, &fact.text) => {}
            Some(before) => found.push(format!(
                "the id {} has two bodies: {} {} and {} {}",
                fact.id, before.kind, before.text, fact.kind, fact.text
            )),
        }
    }
    facts
}

/// Invariant 2: per sku, stocked = available + held + left the house; none ever below zero.
fn stock(facts: &[&Fact], found: &mut Vec<String>) {
    let mut stock = BTreeMap::<String, Units>::new();
    let mut held_for = HashMap::<&str, &Value>::new();
    let mut moved = |items: &Value, available: i64, held: i64| {
        for item in items.as_array().into_iter().flatten() {
            let sku = item["sku"].as_str().unwrap_or_default().to_owned();
            let quantity = item["quantity"].as_i64().unwrap_or_default();
            let units = stock.entry(sku.clone()).or_default();
            units.available += available * quantity;
            units.held += held * quantity;
            if units.available < 0 || units.held < 0 {
                found.push(format!("{sku}: {} available and {} held", units.available, units.held));
            }
        }
    };
    for fact in facts {
        match fact.kind.as_str() {
            "inventory.stocked" => moved(&Value::Array(vec![fact.body.clone()]), 1, 0),
            "inventory.reserved" => {
                held_for.insert(&fact.key, &fact.body["items"]);
                moved(&fact.body["items"], -1, 1);
            }
            // What was held has left the house.
            "shipping.dispatched" => moved(held_for.remove(fact.key.as_str()).unwrap_or(&Value::Null), 0, -1),
            "inventory.released" => moved(&fact.body["items"], 1, -1),
            _ => {}
        }
    }
}

/// Invariants 1, 3, 4, and the second half of 5.
fn order_is_sound(saga: &Saga<'_>, ended: bool, violated: &mut dyn FnMut(String)) {
    let (completed, cancelled) = (saga.count("order.completed"), saga.count("order.cancelled"));
    let (paid, refunded) = (saga.count("payment.completed"), saga.count("payment.refunded"));
    if saga.count("order.created") != 1 || completed + cancelled > 1 || (ended && completed + cancelled == 0) {
        violated(format!("created once and ended once is not what {:?} says", saga.kinds));
    }
    if paid > 1 || refunded > paid {
        violated(format!("paid {paid} times and refunded {refunded} times"));
    }
    if completed == 1 && (paid, refunded) != (1, 0) {
        violated(format!("completed, paid {paid} times and refunded {refunded} times"));
    }
    if cancelled == 1 {
        if paid != refunded {
            violated(format!("cancelled, paid {paid} times and refunded {refunded} times"));
        }
        let free: Vec<_> =
            saga.released.iter().filter(|items| items.as_array().is_some_and(|it| !it.is_empty())).collect();
        if free != saga.held.iter().collect::<Vec<_>>() {
            violated(format!("cancelled, held {:?} and released {:?}", saga.held, saga.released));
        }
        if saga.count("shipping.scheduled") > saga.count("shipping.cancelled") {
            violated("cancelled, and a shipment is open".to_owned());
        }
    }
    if let (Some(voided), Some(charged)) = (saga.position("payment.voided"), saga.position("payment.completed"))
        && voided < charged
    {
        violated("paid after it was voided".to_owned());
    }
}
