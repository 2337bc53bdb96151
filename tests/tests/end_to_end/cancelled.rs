//! Orders that are cancelled, from wherever they are: the way back is one, whatever was done on the way forward.

use serde_json::{Value, json};

use crate::{
    commands::check_refused,
    gateway::Ledger,
    orders::{
        CANCELLED_CHARGED, CANCELLED_CONFIRMED, CANCELLED_PAID, CANCELLED_PENDING, CANCELLED_SCHEDULED, FULFILLED,
        WIDGETS, order, unserviceable,
    },
    stack::Stack,
};

/// Everything that was done for the order is undone, in the order of the contract, and each service knows it.
async fn check_undone(stack: &Stack, order_id: &str, said: &[&str], payment: &str, shipment: &str) {
    assert_eq!(stack.saga(order_id).await, said, "{order_id}");
    let order = stack.shown("order", order_id).await;
    assert_eq!((&order["status"], &order["reason"]), (&json!("cancelled"), &json!("customer_request")));
    assert_eq!(stack.shown("payment", order_id).await["status"], json!(payment));
    assert_eq!(stack.shown("shipping", order_id).await["status"], json!(shipment));
    assert_eq!(stack.shown("inventory", order_id).await["state"], json!("released"));
    assert_eq!(stack.widgets().await, [WIDGETS, 0, 0]);
    stack.check_all().await;
}

/// How many charges and refunds there were.
async fn money(stack: &Stack) -> (usize, usize) {
    let Ledger { charges, refunds, .. } = stack.gateway.ledger().await;
    (charges.len(), refunds.len())
}

#[tokio::test]
async fn an_order_that_is_not_charged_is_undone_and_never_is() {
    let stack = Stack::stocked().await;
    let order_id = stack.cancelled_pending().await;
    check_undone(&stack, &order_id, CANCELLED_PENDING, "voided", "cancelled").await;
    let order_id = stack.cancelled_confirmed().await;
    check_undone(&stack, &order_id, CANCELLED_CONFIRMED, "voided", "cancelled").await;
    assert_eq!(money(&stack).await, (0, 0));
}

#[tokio::test]
async fn an_order_that_is_charged_is_refunded_and_no_shipment_stays_open() {
    let stack = Stack::stocked().await;
    let order_id = stack.cancelled_charged().await;
    check_undone(&stack, &order_id, CANCELLED_CHARGED, "refunded", "cancelled").await;
    assert_eq!(money(&stack).await, (1, 1));
    let order_id = stack.cancelled_paid().await;
    check_undone(&stack, &order_id, CANCELLED_PAID, "refunded", "cancelled").await;
    assert_eq!(money(&stack).await, (2, 2));
    let order_id = stack.cancelled_scheduled().await;
    check_undone(&stack, &order_id, CANCELLED_SCHEDULED, "refunded", "cancelled").await;
    assert_eq!(money(&stack).await, (3, 3));
    let shipment = |fact: &&tests::log::Fact| fact.key == order_id && fact.kind.starts_with("shipping.");
    let log = stack.log().await;
    let shipments: Vec<_> = log.iter().filter(shipment).map(|fact| &fact.body["shipment_id"]).collect();
    assert!(shipments[0].is_string() && shipments[0] == shipments[1], "{shipments:?}");
}

#[tokio::test]
async fn an_order_that_no_carrier_takes_after_it_was_cancelled_is_undone_once() {
    let stack = Stack::stocked().await;
    stack.hold_back("shipping").await;
    let order_id = stack.place(unserviceable()).await;
    stack.await_said("order.paid", &order_id).await;
    stack.cancel(&order_id).await;
    stack.await_said("order.cancel_requested", &order_id).await;
    stack.let_go("shipping").await;
    stack.await_end(&order_id).await;
    let said: Vec<_> = CANCELLED_PAID.iter().filter(|kind| **kind != "shipping.cancelled").collect();
    let said: Vec<_> = said.iter().map(|kind| kind.replace("shipping.scheduled", "shipping.failed")).collect();
    let said: Vec<_> = said.iter().map(String::as_str).collect();
    check_undone(&stack, &order_id, &said, "refunded", "failed").await;
}

#[tokio::test]
async fn cancelling_twice_is_cancelling_once() {
    let mut stack = Stack::stocked().await;
    stack.hold_back("inventory").await;
    let order_id = stack.place(order(1)).await;
    let with_key = json!({"order_id": order_id, "reason": "too slow", "idempotency_key": "cancel-1"});
    let answer = json!({"order_id": order_id, "status": "cancelling"});
    assert_eq!(stack.get("svc.order.cancel", with_key.clone()).await, answer);
    stack.cancel(&order_id).await;
    let why = json!({"order_id": order_id, "reason": "deadline_passed"});
    assert_eq!(stack.get("svc.order.cancel", why.clone()).await, answer);
    assert_eq!(stack.shown("order", &order_id).await["cancelling"], json!("customer_request"));
    stack.await_said("payment.voided", &order_id).await;
    stack.let_go("inventory").await;
    stack.await_end(&order_id).await;

    // Without a key it is asked again, and has come further; with one it is the same question, even to another process.
    assert_eq!(stack.get("svc.order.cancel", why).await, json!({"order_id": order_id, "status": "cancelled"}));
    stack.kill("order");
    stack.start_service("order");
    stack.ready("order").await;
    assert_eq!(stack.get("svc.order.cancel", with_key.clone()).await, answer);
    let mut other = with_key;
    other["reason"] = json!("too dear");
    check_refused(&stack, "svc.order.cancel", other.to_string(), 409, "idempotency_key").await;
    check_undone(&stack, &order_id, CANCELLED_PENDING, "voided", "cancelled").await;
}

#[tokio::test]
async fn an_order_that_is_completed_or_that_nobody_knows_cannot_be_cancelled() {
    let stack = Stack::stocked().await;
    let order_id = stack.place(order(1)).await;
    stack.await_end(&order_id).await;
    let cancel = |order_id: &str| json!({"order_id": order_id}).to_string();
    check_refused(&stack, "svc.order.cancel", cancel(&order_id), 409, "is shipped and cannot be cancelled").await;
    check_refused(&stack, "svc.order.cancel", cancel("no-such-order"), 404, "no-such-order").await;
    let long = json!({"order_id": order_id, "reason": "x".repeat(201)}).to_string();
    check_refused(&stack, "svc.order.cancel", long, 422, "200 characters").await;
    stack.settle().await;
    assert_eq!(stack.saga(&order_id).await, FULFILLED);
    stack.check_all().await;
}

#[tokio::test]
async fn a_cancellation_that_is_typed_by_hand_is_taken_by_its_owner_or_parked() {
    let stack = Stack::stocked().await;
    let typed = |order_id: &str| json!({"order_id": order_id, "reason": "customer_request"}).to_string();
    stack.hold_back("inventory").await;
    let order_id = stack.place(order(1)).await;
    stack.publish_raw("order.cancel_requested", &[], typed(&order_id)).await;
    stack.await_said("payment.voided", &order_id).await;
    stack.let_go("inventory").await;
    stack.await_end(&order_id).await;
    check_undone(&stack, &order_id, CANCELLED_PENDING, "voided", "cancelled").await;

    let completed = stack.place(order(1)).await;
    stack.await_end(&completed).await;
    stack.publish_raw("order.cancel_requested", &[], typed(&completed)).await;
    stack.settle().await;
    let dead = stack.dead_letters().await;
    let [parked] = &dead[..] else { panic!("one dead letter, not {dead:#?}") };
    assert_eq!(parked.subject, "dead.order.order.cancel_requested");
    assert_eq!(parked.letter.reason, "contradicts");
    assert_eq!(stack.saga(&completed).await, FULFILLED);
}

#[tokio::test]
async fn an_order_that_is_cancelled_before_it_is_placed_is_never_fulfilled() {
    let stack = Stack::stocked().await;
    let typed = json!({"order_id": "o-1", "reason": "customer_request"}).to_string();
    stack.publish_raw("order.cancel_requested", &[], typed).await;
    stack.await_said("inventory.released", "o-1").await;
    let placed: Value =
        json!({"customer_id": "alice", "items": [{"sku": "widget", "quantity": 1, "unit_price": 1999}]});
    stack.publish_raw("order.created.o-1", &[], placed.to_string()).await;
    stack.await_end("o-1").await;
    let said = [
        "order.cancel_requested",
        "shipping.cancelled",
        "payment.voided",
        "inventory.released",
        "order.created",
        "order.cancelled",
    ];
    check_undone(&stack, "o-1", &said, "voided", "cancelled").await;
}
