//! The read side beside the services that it hears: it agrees with them, and rebuilt under load it has the same rows.

use std::{collections::BTreeSet, process::Command};

use serde_json::{Value, json};

use crate::{
    await_condition::eventually,
    load::Load,
    orders::{DECLINED, FULFILLED, OUT_OF_STOCK, UNSERVICEABLE, WIDGETS, order, paid_with, unserviceable},
    process::Process,
    programs,
    stack::Stack,
};

impl Stack {
    /// Runs `murmur view` to its end: its exit code, and what it printed.
    async fn murmur_view(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let mut command = Command::new(programs::of_the_workspace("murmur"));
        command.env_clear().env("NATS_URL", self.broker.url()).arg("view").args(arguments);
        let mut process = Process::start(&mut command, &self.folder().join("murmur-view.log"));
        (process.end().await, process.own_output())
    }

    /// The orders on all pages of a listing, in their order.
    async fn all_pages(&self, mut question: Value) -> Vec<Value> {
        let mut orders = Vec::new();
        loop {
            let page = self.get("svc.view.orders", question.clone()).await;
            orders.extend(page["orders"].as_array().unwrap().iter().cloned());
            match page.get("next") {
                Some(next) => question["after"] = next.clone(),
                None => return orders,
            }
        }
    }

    /// Everything that the read side shows.
    async fn all_shown(&self) -> Vec<Value> {
        let mut shown = self.all_pages(json!({"limit": 7})).await;
        for order_id in self.ended().await.unwrap() {
            shown.push(self.get("svc.view.order", json!({"order_id": order_id})).await);
        }
        shown.push(self.get("svc.view.stats", json!({})).await);
        shown
    }

    async fn heard_by_view(&self) -> Value {
        self.get("svc.view.stats", json!({})).await["up_to"].clone()
    }
}

fn ids(orders: &[Value]) -> Vec<&str> {
    orders.iter().map(|order| order["order_id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn what_the_read_side_shows_of_an_order_is_what_the_order_service_knows() {
    let stack = Stack::stocked().await;
    let mut placed = Vec::new();
    for (order, said) in [
        (order(2), FULFILLED),
        (paid_with("pm_card_declined"), DECLINED),
        (unserviceable(), UNSERVICEABLE),
        (order(WIDGETS), OUT_OF_STOCK),
    ] {
        let order_id = stack.place(order).await;
        stack.await_end(&order_id).await;
        placed.push((order_id, said));
    }
    stack.settle().await;
    for (order_id, said) in &placed {
        let shown = stack.get("svc.view.order", json!({"order_id": order_id})).await;
        let known = stack.get("svc.order.get", json!({"order_id": order_id})).await;
        for field in ["order_id", "customer_id", "total", "currency", "status", "reason"] {
            assert_eq!(shown.get(field), known.get(field), "{field} of {order_id}");
        }
        let timeline = shown["timeline"].as_array().unwrap();
        let kind = |told: &Value| told["kind"].as_str().unwrap().to_owned();
        // What the customer is told stands among them, wherever it came.
        let saga = || timeline.iter().filter(|told| !kind(told).starts_with("notification."));
        assert_eq!(saga().map(kind).collect::<Vec<_>>(), *said, "{order_id}");
        let cause = |told: &Value| told["cause"].as_u64().map(|number| kind(&timeline[number as usize - 1]));
        let one_after_the_other =
            saga().skip(1).map(cause).eq(said.iter().map(|kind| Some((*kind).to_owned())).take(said.len() - 1));
        assert!(one_after_the_other, "{order_id}: {timeline:#?}");
        assert_eq!((shown.get("waits_for"), shown.get("stuck")), (None, None), "{order_id}");
    }

    let of_alice = stack.all_pages(json!({"customer_id": "alice", "limit": 1})).await;
    assert_eq!(ids(&of_alice), placed.iter().map(|(order_id, _)| order_id.as_str()).collect::<Vec<_>>());
    let failed = stack.all_pages(json!({"customer_id": "alice", "saga_status": "failed"})).await;
    assert_eq!(ids(&failed), placed[1..].iter().map(|(order_id, _)| order_id.as_str()).collect::<Vec<_>>());

    // The same as tables, for people.
    let (fulfilled, _) = &placed[0];
    let (code, text) = stack.murmur_view(&["order", fulfilled]).await;
    assert!(code == Some(0) && text.contains("shipped") && text.contains("order.completed"), "{code:?}: {text}");
    let (code, text) = stack.murmur_view(&["orders", "--status", "cancelled", "--customer", "alice"]).await;
    assert!(code == Some(0) && placed[1..].iter().all(|(it, _)| text.contains(it)), "{code:?}: {text}");
    let (code, text) = stack.murmur_view(&["stats"]).await;
    assert!(code == Some(0) && text.contains("cancelled") && text.contains("up to message"), "{code:?}: {text}");
    let (code, text) = stack.murmur_view(&["order", "no-such-order"]).await;
    assert!(code == Some(2) && text.contains("no-such-order"), "{code:?}: {text}");
    stack.check_all().await;
}

#[tokio::test]
async fn a_rebuild_while_orders_are_placed_gives_the_rows_that_an_empty_store_gets() {
    let mut stack = Stack::stocked().await;
    let load = Load::on(&stack);
    let rebuilding = async {
        for ended in [20, 60] {
            stack.await_ends(ended).await;
            let (code, text) = stack.murmur_view(&["rebuild", "--json"]).await;
            assert_eq!(code, Some(0), "{text}");
            let outcome: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
            assert!(outcome["up_to"].as_u64() >= Some(ended as u64 * 5), "{text}");
            assert!(text.contains(" messages (") && text.contains("/s)"), "{text}");
        }
    };
    let placed = load.orders_during(120, rebuilding).await;
    stack.check_load(&placed).await;
    stack.settle().await;
    let output = stack.own_output("view");
    assert_eq!(output.matches("everything is forgotten, and heard again").count(), 2, "{output}");

    let orders = stack.all_pages(json!({"limit": 7})).await;
    let distinct: BTreeSet<_> = ids(&orders).into_iter().collect();
    assert_eq!((distinct.len(), orders.len()), (placed.len() + 2, placed.len() + 2), "with the two barriers");
    let (before, heard) = (stack.all_shown().await, stack.heard_by_view().await);

    assert_eq!(stack.terminate("view").await, Some(0));
    stack.start_instance("view-with-an-empty-store", "view", "empty");
    stack.ready("view").await;
    let caught_up = async || (stack.heard_by_view().await == heard).then_some(());
    eventually("the read side with an empty store has heard everything", caught_up).await;
    assert_eq!(stack.all_shown().await, before);
}
