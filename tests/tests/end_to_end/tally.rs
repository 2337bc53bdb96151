//! What became of the orders that were answered, as figures: what is counted here stands in the scorecard.

use std::collections::BTreeMap;

use tests::{invariants::violations, proof::Proof};

use crate::{gateway::Entry, load::Placed, stack::Stack};

/// How often something was tried, and how many orders went through it.
pub struct Tried<'a> {
    pub part: &'a str,
    pub fault: &'a str,
    pub times: u64,
    pub figures: BTreeMap<String, u64>,
}

impl Stack {
    /// Counts what became of `placed`, keeps the figures, and then checks all of it step by step.
    pub async fn prove(&self, tried: Tried<'_>, placed: &[Placed]) {
        let Tried { part, fault, times, figures } = tried;
        // What does not end within the deadline is counted, and then told.
        let ended = self.ends_in_time(placed).await;
        let log = self.log().await;
        let created = |order_id: &str| log.iter().any(|fact| fact.kind == "order.created" && fact.key == order_id);
        let ledger = self.gateway.ledger().await;
        let proof = Proof {
            part: part.to_owned(),
            fault: fault.to_owned(),
            tried: times,
            acknowledged: placed.len() as u64,
            lost: placed.iter().filter(|(order_id, _)| !created(order_id)).count() as u64,
            doubled: twice(&ledger.charges) + twice(&ledger.refunds),
            unfinished: (placed.len() - ended) as u64,
            figures,
            repeat: format!("just prove {part}"),
            ..Proof::default()
        };
        proof.record();
        let Proof { acknowledged, lost, doubled, unfinished, .. } = proof;
        let counts = format!("of {acknowledged}: lost {lost}, doubled {doubled}, unfinished {unfinished}");
        eprintln!("{fault}, {times} times: {counts}");
        assert_eq!([lost, doubled, unfinished], [0; 3], "{counts}; {:#?}", violations(&log, false));
        self.check_load(placed).await;
    }

    /// How many of these orders have ended when all have, or when it takes too long.
    async fn ends_in_time(&self, placed: &[Placed]) -> usize {
        let began = std::time::Instant::now();
        loop {
            let ended = self.ended().await.unwrap_or_default();
            let count = placed.iter().filter(|(order_id, _)| ended.contains(order_id)).count();
            if count == placed.len() || began.elapsed() > crate::await_condition::DEADLINE {
                return count;
            }
            chassis::ambient::pause(std::time::Duration::from_millis(20)).await;
        }
    }
}

/// How many entries are of an order that has one already.
fn twice(entries: &[Entry]) -> u64 {
    let mut orders: Vec<_> = entries.iter().map(|entry| &entry.order_id).collect();
    orders.sort();
    orders.windows(2).filter(|pair| pair[0] == pair[1]).count() as u64
}

/// A fault that cannot be tried on this machine counts as skipped.
pub fn skipped(part: &str, fault: &str, times: u64, why: String) {
    let (part, fault) = (part.to_owned(), fault.to_owned());
    let repeat = format!("just prove {part}");
    Proof { part, fault, skipped: times, skipped_because: Some(why), repeat, ..Proof::default() }.record();
}
