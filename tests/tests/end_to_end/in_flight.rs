//! A charge is on its way to the gateway when its order is cancelled. Whichever of the two came first, the customer has
//! all the money in the end, and the gateway's own ledger says so.

use serde_json::{Value, json};

use crate::{
    await_condition::eventually,
    gateway::Ledger,
    orders::{CANCELLED_CONFIRMED, WIDGETS, order, paid_with},
    stack::Stack,
};

/// What is said where it turns out that the charge was made, and where it was declined.
const CHARGED: &[&str] = &[
    "order.created",
    "inventory.reserved",
    "order.cancel_requested",
    "shipping.cancelled",
    "payment.completed",
    "payment.refunded",
    "inventory.released",
    "order.cancelled",
];
const DECLINED: &[&str] = &[
    "order.created",
    "inventory.reserved",
    "order.cancel_requested",
    "shipping.cancelled",
    "payment.failed",
    "inventory.released",
    "order.cancelled",
];

/// Cancels the order, whose charge nobody knows the end of; the payment service is killed while it wants to know. Then
/// the gateway is well again.
async fn cancel_in_flight(stack: &mut Stack, order_id: &str) {
    stack.cancel(order_id).await;
    stack.await_shown("payment", order_id, "status", "voiding").await;
    stack.kill("payment");
    stack.gateway.mode(json!({"mode": "ok"})).await;
    stack.start_service("payment");
    stack.await_end(order_id).await;
}

async fn check(stack: &Stack, order_id: &str, said: &[&str], payment: &str, moved: [usize; 3]) {
    assert_eq!(stack.saga(order_id).await, said);
    let shown = stack.shown("order", order_id).await;
    assert_eq!((&shown["status"], &shown["reason"]), (&json!("cancelled"), &json!("customer_request")));
    assert_eq!(stack.shown("payment", order_id).await["status"], json!(payment));
    assert_eq!(stack.widgets().await, [WIDGETS, 0, 0]);
    let Ledger { charges, refunds, declines } = stack.gateway.ledger().await;
    assert_eq!([charges.len(), refunds.len(), declines.len()], moved);
    assert_eq!(charges, refunds, "to the cent");
    stack.check_all().await;
}

/// Places an order, and waits until the gateway has done what it does about it, unheard by the payment service.
async fn place_unheard(stack: &Stack, order: Value, mode: Value, decided: usize) -> String {
    stack.gateway.mode(mode).await;
    let order_id = stack.place(order).await;
    let done = async || {
        let Ledger { charges, declines, .. } = stack.gateway.ledger().await;
        (charges.len() + declines.len() == decided).then_some(())
    };
    eventually("the gateway decides", done).await;
    order_id
}

#[tokio::test]
async fn a_charge_whose_answer_is_lost_is_found_out_and_given_back() {
    let mut stack = Stack::stocked().await;
    let order_id = place_unheard(&stack, order(2), json!({"mode": "lost_reply"}), 1).await;
    cancel_in_flight(&mut stack, &order_id).await;
    check(&stack, &order_id, CHARGED, "refunded", [1, 1, 0]).await;

    let order_id = place_unheard(&stack, paid_with("pm_card_declined"), json!({"mode": "lost_reply"}), 2).await;
    cancel_in_flight(&mut stack, &order_id).await;
    check(&stack, &order_id, DECLINED, "failed", [1, 1, 1]).await;
}

#[tokio::test]
async fn a_charge_that_never_reached_the_gateway_never_does() {
    let mut stack = Stack::stocked().await;
    for mode in ["reset", "unavailable"] {
        stack.gateway.mode(json!({"mode": mode})).await;
        let order_id = stack.place(order(1)).await;
        stack.await_vain_attempt(&order_id).await;
        cancel_in_flight(&mut stack, &order_id).await;
        check(&stack, &order_id, CANCELLED_CONFIRMED, "voided", [0, 0, 0]).await;
    }
    let order_id = stack.place(paid_with("pm_gateway_flaky")).await;
    stack.await_end(&order_id).await;
    assert_eq!(stack.shown("order", &order_id).await["status"], json!("shipped"), "nobody else is in the way");
    stack.check_all().await;
}

#[tokio::test]
async fn a_charge_that_is_still_being_answered_is_found_out_and_given_back() {
    let stack = Stack::stocked().await;
    // Long enough for the cancellation to come to the payment service, and shorter than it waits for an answer.
    let slow = json!({"mode": "slow", "slow_ms": 8000, "requests": 1});
    let order_id = place_unheard(&stack, order(2), slow, 1).await;
    stack.cancel(&order_id).await;
    stack.await_end(&order_id).await;
    check(&stack, &order_id, CHARGED, "refunded", [1, 1, 0]).await;
}
