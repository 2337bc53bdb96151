//! What became of the orders that were answered, as figures: what is counted here stands in the scorecard.

use std::collections::{BTreeMap, BTreeSet};

use tests::{invariants::violations, proof::Proof};

use crate::{await_condition::eventually, gateway::Entry, load::Placed, orders::WIDGETS, stack::Stack};

/// How often something was tried, and how many orders went through it.
pub struct Tried<'a> {
    pub part: &'a str,
    pub fault: &'a str,
    pub times: u64,
    pub figures: BTreeMap<String, u64>,
    pub order: Order,
}

/// Whether the stream still has events in the order in which they were said first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Kept,
    /// The broker had forgotten some of them, and each service said its own again.
    Lost,
}

/// A fact of each kind comes before all of the kinds that can follow from it.
const RANKS: [&str; 12] = [
    "inventory.stocked",
    "order.created",
    "inventory.reserved",
    "inventory.reservation_failed",
    "payment.completed",
    "payment.failed",
    "order.paid",
    "shipping.scheduled",
    "shipping.failed",
    "payment.refunded",
    "inventory.released",
    "order.completed",
];

impl Stack {
    /// Counts what became of `placed`, keeps the figures, and then checks all of it step by step.
    pub async fn prove(&self, tried: Tried<'_>, placed: &[Placed]) {
        let Tried { part, fault, times, figures, order } = tried;
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
        match order {
            Order::Kept => self.check_load(placed).await,
            Order::Lost => self.check_load_in_any_order(placed).await,
        }
        self.check_widgets().await;
    }

    /// The same as [`Stack::check_load`] and [`Stack::check_all`] where the order of the stream says nothing any more.
    async fn check_load_in_any_order(&self, placed: &[Placed]) {
        assert_eq!(self.ended().await.map(|ended| ended.len()), Some(placed.len()), "an order was placed twice");
        // An order may have ended before a relay whose last question nobody answered has looked what is gone.
        let all_said = async || {
            let sagas = self.sagas().await;
            let whole = |(order_id, said): &Placed| sagas.get(order_id).is_some_and(|it| it.len() >= said.len());
            placed.iter().all(whole).then_some(sagas)
        };
        let mut sagas = eventually("every event of every order stands in the stream again", all_said).await;
        for (order_id, said) in placed {
            let (mut known, mut said) = (sagas.remove(order_id).unwrap_or_default(), said.to_vec());
            known.sort();
            said.sort();
            assert_eq!(known, said, "{order_id}");
        }
        let mut log = self.log().await;
        log.sort_by_key(|fact| RANKS.iter().position(|kind| *kind == fact.kind));
        self.check_log(&log).await;
    }

    /// What inventory shows is what the orders that were completed took off the shelf.
    async fn check_widgets(&self) {
        let (log, mut taken, mut known) = (self.log().await, 0, BTreeSet::new());
        let completed: BTreeSet<_> = log.iter().filter(|it| it.kind == "order.completed").map(|it| &it.key).collect();
        for fact in log.iter().filter(|it| it.kind == "inventory.reserved" && completed.contains(&it.key)) {
            if known.insert(&fact.id) {
                taken += fact.body["items"][0]["quantity"].as_i64().unwrap();
            }
        }
        // The last release may not be heard yet.
        let as_said = async || (self.widgets().await == [WIDGETS - taken, taken, 0]).then_some(());
        eventually("inventory holds what was completed, and no more", as_said).await;
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
