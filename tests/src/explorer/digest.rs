//! What the invariants see of a log, as a number: which facts there are, in which order stock moved, and whether money was
//! paid before it was voided. Two logs with the same number break the same invariants, now and after the same facts more.

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{DefaultHasher, Hash, Hasher},
};

use events::header;

use crate::world::World;

/// The number of a log.
pub(super) fn log(world: &World) -> u64 {
    let mut known = BTreeSet::new();
    let mut hasher = DefaultHasher::new();
    let mut voided_or_paid = BTreeMap::<&str, Vec<&str>>::new();
    for (place, message) in world.stream().iter().enumerate() {
        let typed = format!("message {place}");
        let id = message.headers.get(header::ID).map_or(typed, str::to_owned);
        let subject = message.subject.as_str();
        if !known.insert(id) {
            continue;
        }
        if subject.starts_with("inventory.") || subject.starts_with("shipping.dispatched.") {
            subject.hash(&mut hasher);
        }
        if let Some((kind @ ("payment.voided" | "payment.completed"), key)) = subject.rsplit_once('.') {
            voided_or_paid.entry(key).or_default().push(kind);
        }
    }
    (known, voided_or_paid).hash(&mut hasher);
    hasher.finish()
}

/// Where the log says otherwise than the gateway's ledger.
pub(super) fn ledger_differs(world: &World) -> Vec<String> {
    let log = world.log();
    let said = |kind: &str| {
        let facts = log.iter().filter(|it| it.kind == kind);
        facts.map(|it| (it.key.clone(), it.body["amount"].as_i64().unwrap_or_default())).collect::<BTreeSet<_>>()
    };
    let ledger = world.ledger();
    let entries = |entries: &[(String, i64)]| entries.iter().cloned().collect::<BTreeSet<_>>();
    let pairs = [("payment.completed", entries(&ledger.charges)), ("payment.refunded", entries(&ledger.refunds))];
    let differs = pairs.into_iter().filter(|(kind, moved)| said(kind) != *moved);
    differs.map(|(kind, moved)| format!("{kind} says {:?}, and the gateway has {moved:?}", said(kind))).collect()
}
