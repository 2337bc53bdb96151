//! The state of everything as sentences, to tell that nothing changed.

use std::collections::BTreeSet;

use serde_json::json;

use crate::{
    orders::WIDGET,
    stack::{SERVICES, Stack},
};

/// What was said, by id; what money moved; what each service shows of each order and of the stock. What
/// [`Stack::settle`] adds is left out.
pub type State = BTreeSet<String>;

impl Stack {
    pub async fn state(&self) -> State {
        let mut state = State::new();
        let mut orders = BTreeSet::new();
        for (id, kind, key) in self.said().await {
            state.insert(format!("{kind} {key} was said as {id}"));
            if kind.starts_with("order.") {
                orders.insert(key);
            }
        }
        for order_id in orders {
            for service in SERVICES {
                let shown = self.ask(&format!("svc.{service}.get"), json!({"order_id": order_id})).await;
                let shown = shown.map(|body| String::from_utf8(body).unwrap());
                state.insert(format!("{service} shows {shown:?}"));
            }
        }
        let ledger = self.gateway.ledger().await;
        for (what, entries) in [("charged", ledger.charges), ("refunded", ledger.refunds)] {
            let entries = entries.into_iter().filter(|entry| !entry.order_id.starts_with("barrier"));
            // A second entry of the same order is another sentence.
            state.extend(entries.enumerate().map(|(at, entry)| format!("{what} {at}: {entry:?}")));
        }
        let stock = self.get("svc.inventory.get", json!({"sku": WIDGET})).await;
        state.insert(format!("inventory shows {stock}"));
        state
    }

    /// Whether everything is as it was; after `what`.
    pub async fn check_unchanged(&self, before: &State, what: &str) {
        let now = self.state().await;
        let gone: Vec<_> = before.difference(&now).collect();
        let new: Vec<_> = now.difference(before).collect();
        assert!(gone.is_empty() && new.is_empty(), "after {what}, this was so: {gone:#?}\nand this is: {new:#?}");
        let dead = self.dead_letters().await;
        assert!(dead.is_empty(), "after {what}: {dead:#?}");
    }
}
