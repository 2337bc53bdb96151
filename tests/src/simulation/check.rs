//! What must hold: at every step, and when a run has come to rest.

use std::collections::{BTreeMap, BTreeSet};

use events::{DEAD_LETTERS, EVENTS, header};
use serde_json::Value;

use super::{customers::WIDGETS, faults::Fault, town::Town};
use crate::{invariants::violations, log::Fact};

/// What is wrong at a step, by the log alone.
pub fn at_a_step(town: &Town) -> Vec<String> {
    violations(&town.log, false)
}

/// What is wrong at the end: with the log, the gateway's own ledger, the stock, the stream, or with what was promised.
pub fn at_rest(town: &Town, had: &BTreeSet<Fault>, minutes: i64) -> Vec<String> {
    let mut wrong = violations(&town.log, true);
    wrong.extend(orders(town));
    wrong.extend(money(town));
    wrong.extend(stock(town));
    wrong.extend(parked(town));
    // What the broker confirmed is kept for ten minutes; what it lost of that is there again.
    if minutes < 10 {
        wrong.extend(stream(town));
    }
    for node in &town.nodes {
        let waits = node.process.as_ref().map_or(0, |it| it.queue.len() + it.effects.len() + it.inputs.len());
        if waits > 0 {
            wrong.push(format!("{}: {waits} inputs, rows or effects still wait", node.name));
        }
    }
    if !town.customers.are_answered() {
        wrong.push("somebody still waits for an answer".to_owned());
    }
    wrong.into_iter().map(|what| format!("{what} (with {})", names(had))).collect()
}

fn names(faults: &BTreeSet<Fault>) -> String {
    faults.iter().map(|fault| fault.name()).collect::<Vec<_>>().join(", ")
}

/// Every order that was answered was created.
fn orders(town: &Town) -> Vec<String> {
    let created: BTreeSet<_> = of(town, "order.created").map(|fact| fact.key.as_str()).collect();
    let answered = town.customers.acknowledged.values();
    answered.filter(|id| !created.contains(id.as_str())).map(|id| format!("{id} was answered and is nowhere")).collect()
}

/// The gateway's ledger and the log agree, order by order and to the cent.
fn money(town: &Town) -> Vec<String> {
    let mut wrong = Vec::new();
    for (kind, entries) in [("payment.completed", &town.ledger.charges), ("payment.refunded", &town.ledger.refunds)] {
        let said: BTreeMap<_, _> = of(town, kind)
            .map(|fact| (fact.id.as_str(), (fact.key.clone(), fact.body["amount"].as_i64().unwrap_or_default())))
            .collect();
        let mut said: Vec<_> = said.into_values().collect();
        let mut done = entries.clone();
        said.sort();
        done.sort();
        if said != done {
            wrong.push(format!("{kind} says {said:?}, the gateway did {done:?}"));
        }
    }
    wrong
}

/// What the inventory knows is what the log says.
fn stock(town: &Town) -> Vec<String> {
    let Some(inventory) = town.nodes.iter().find(|node| node.name == "inventory") else { return Vec::new() };
    let Some(process) = &inventory.process else { return vec!["inventory does not run".to_owned()] };
    let rows = process.engine.rows().expect("a store in memory reads");
    let widget = rows.iter().find(|(key, _)| key == "stock/widget").map(|(_, row)| row.as_str());
    let row: Value = serde_json::from_str(widget.unwrap_or("{}")).expect("rows are JSON");
    let units = |field: &str| row[field].as_i64().unwrap_or_default();
    let sum: i64 = ["available", "held", "left"].map(units).iter().sum();
    let stocked = if of(town, "inventory.stocked").next().is_some() { WIDGETS } else { 0 };
    (sum != stocked).then(|| format!("{stocked} widgets were stocked, and {row} is known")).into_iter().collect()
}

/// Nothing was parked, but for what came again after a week: some of it is older than the horizon, and of the rest its own
/// service says that it contradicts what it still knows.
fn parked(town: &Town) -> Vec<String> {
    let Ok(letters) = town.broker.stream(DEAD_LETTERS) else { return Vec::new() };
    let refused = |body: &str| {
        let reason = serde_json::from_str::<Value>(body).map(|it| it["reason"].clone()).unwrap_or_default();
        town.long_ago && (reason == "too_old" || reason == "contradicts")
    };
    let letters = letters.from(1).filter(|it| !refused(&it.message.body));
    letters.map(|it| format!("dead letter {}: {}", it.message.subject, it.message.body)).collect()
}

/// All that was ever said stands in the stream.
fn stream(town: &Town) -> Vec<String> {
    let Ok(stream) = town.broker.stream(EVENTS) else { return vec!["there is no stream".to_owned()] };
    let there: BTreeSet<_> = stream.from(1).filter_map(|it| it.message.headers.get(header::ID)).collect();
    let gone = town.log.iter().filter(|fact| !there.contains(fact.id.as_str()));
    gone.map(|fact| format!("{} {} was confirmed and is not in the stream", fact.kind, fact.key)).collect()
}

fn of<'t>(town: &'t Town, kind: &'t str) -> impl Iterator<Item = &'t Fact> {
    town.log.iter().filter(move |fact| fact.kind == kind)
}
