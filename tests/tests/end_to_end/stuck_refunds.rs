//! A refund that the gateway keeps refusing: it is said and shown, and it ends when the gateway gives in or a person has
//! seen to it. Until then nothing that depends on it goes on.

use serde_json::{Value, json};
use tests::invariants::violations;

use crate::{
    commands::check_refused,
    orders::{UNSERVICEABLE, WIDGETS, order, unserviceable},
    stack::Stack,
};

/// An order whose money has to go back to a card that does not take it; what is shown of the payment then.
async fn stuck(stack: &Stack) -> (String, Value) {
    let mut order = unserviceable();
    order["payment_method"] = json!("pm_refund_refused");
    let order_id = stack.place(order).await;
    stack.await_said("payment.refund_stuck", &order_id).await;
    let shown = stack.shown("payment", &order_id).await;
    (order_id, shown)
}

/// The order was cancelled, after it was said that its refund is stuck.
async fn check_ended(stack: &Stack, order_id: &str) {
    stack.await_end(order_id).await;
    let mut said = UNSERVICEABLE.to_vec();
    let refunded = said.iter().position(|kind| *kind == "payment.refunded").unwrap();
    said.insert(refunded, "payment.refund_stuck");
    let mut saga = stack.saga(order_id).await;
    // Said again when the attempts have doubled, which depends on how long everything takes.
    saga.dedup();
    assert_eq!(saga, said);
    assert_eq!(stack.shown("payment", order_id).await["status"], json!("refunded"));
    assert_eq!(stack.widgets().await, [WIDGETS, 0, 0]);
}

#[tokio::test]
async fn a_refund_that_keeps_failing_is_said_and_shown_and_goes_through_when_the_gateway_gives_in() {
    let mut stack = Stack::stocked().await;
    let (order_id, shown) = stuck(&stack).await;
    assert_eq!(shown["status"], json!("stuck"), "{shown}");
    assert!(shown["attempts"].as_u64() >= Some(5), "{shown}");
    assert!(shown["reason"].as_str().is_some_and(|reason| reason.contains("400")), "{shown}");
    let log = stack.log().await;
    let said = log.iter().find(|fact| fact.kind == "payment.refund_stuck").unwrap();
    assert_eq!((&said.body["attempts"], &said.body["reason"]), (&json!(5), &shown["reason"]));
    assert_eq!(stack.shown("order", &order_id).await["status"], json!("paid"));
    assert_eq!(stack.widgets().await, [WIDGETS - 1, 1, 0]);

    // It is known after a kill too, and nobody else has to wait for it.
    stack.kill("payment");
    stack.start_service("payment");
    stack.ready("payment").await;
    let shown = stack.shown("payment", &order_id).await;
    assert_eq!((&shown["status"], shown["attempts"].as_u64() >= Some(5)), (&json!("stuck"), true), "{shown}");
    let other = stack.place(unserviceable()).await;
    stack.await_end(&other).await;

    stack.gateway.accept_refunds(true).await;
    check_ended(&stack, &order_id).await;
    stack.check_all().await;
}

#[tokio::test]
async fn a_refund_that_is_stuck_is_settled_by_a_person() {
    let mut stack = Stack::stocked().await;
    let (order_id, _) = stuck(&stack).await;
    let settle = json!({"order_id": order_id, "refund_id": "bank-transfer-17", "note": "sent by bank"});
    let settled = stack.get("svc.payment.settle", settle.clone()).await;
    let named = ["status", "refund_id", "note"].map(|field| &settled[field]);
    assert_eq!(named, [&json!("refunded"), &json!("bank-transfer-17"), &json!("sent by bank")]);
    assert_eq!(stack.get("svc.payment.settle", settle.clone()).await, settled);
    check_ended(&stack, &order_id).await;
    stack.kill("payment");
    stack.start_service("payment");
    stack.ready("payment").await;
    assert_eq!(stack.get("svc.payment.settle", settle.clone()).await, settled);
    let mut other = settle;
    other["refund_id"] = json!("bank-transfer-18");
    check_refused(&stack, "svc.payment.settle", other.to_string(), 409, "only a refund that is stuck").await;

    // The gateway would take it now, and is not asked any more.
    stack.gateway.accept_refunds(true).await;
    stack.settle().await;
    let log = stack.log().await;
    assert_eq!(violations(&log, true), Vec::<String>::new());
    let refunds = stack.gateway.ledger().await.refunds;
    assert!(refunds.iter().all(|refund| refund.order_id != order_id), "{refunds:?}");
    let said: Vec<_> = log.iter().filter(|fact| fact.kind == "payment.refunded" && fact.key == order_id).collect();
    let [said] = &said[..] else { panic!("{order_id} is refunded once, not as {said:#?}") };
    assert_eq!((&said.body["refund_id"], &said.body["amount"]), (&json!("bank-transfer-17"), &json!(1999)));
    assert_eq!(stack.dead_letters().await.len(), 0);
}

#[tokio::test]
async fn what_is_not_stuck_is_not_settled_by_a_person() {
    let stack = Stack::stocked().await;
    let settle = |order_id: &str| json!({"order_id": order_id, "refund_id": "by-hand"}).to_string();
    check_refused(&stack, "svc.payment.settle", settle("no-such-order"), 404, "no-such-order").await;
    let completed = stack.place(order(1)).await;
    stack.await_end(&completed).await;
    check_refused(&stack, "svc.payment.settle", settle(&completed), 409, "is charged").await;
    let undone = stack.place(unserviceable()).await;
    stack.await_end(&undone).await;
    check_refused(&stack, "svc.payment.settle", settle(&undone), 409, "is refunded").await;
    stack.check_all().await;
}
