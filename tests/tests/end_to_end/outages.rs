//! The payment gateway misbehaves: orders wait, nothing is lost, and nobody is charged twice.

use serde_json::json;

use crate::{
    await_condition::eventually,
    orders::{FULFILLED, UNSERVICEABLE, order, paid_with, unserviceable},
    stack::Stack,
};

async fn check_fulfilled(stack: &Stack, order_id: &str) {
    stack.await_end(order_id).await;
    assert_eq!(stack.saga(order_id).await, FULFILLED);
}

#[tokio::test]
async fn a_flaky_gateway_is_asked_again() {
    let stack = Stack::stocked().await;
    let order_id = stack.place(paid_with("pm_gateway_flaky")).await;
    check_fulfilled(&stack, &order_id).await;
    stack.check_all().await;
}

#[tokio::test]
async fn an_order_waits_for_a_gateway_that_is_stopped() {
    let mut stack = Stack::stocked().await;
    stack.gateway.kill();
    let order_id = stack.place(order(1)).await;
    let why = stack.await_vain_attempt(&order_id).await;
    assert!(why.contains("cannot be reached"), "{why}");
    stack.gateway.start_again().await;
    check_fulfilled(&stack, &order_id).await;
    stack.check_all().await;
}

#[tokio::test]
async fn an_order_outlives_whatever_the_gateway_does() {
    let stack = Stack::stocked().await;
    for (mode, hint) in [
        (json!({"mode": "reset"}), "the connection to the gateway broke"),
        (json!({"mode": "lost_reply"}), "the connection to the gateway broke"),
        (json!({"mode": "internal_error"}), "the gateway answered 500"),
        (json!({"mode": "rate_limited"}), "the gateway answered 429"),
        (json!({"mode": "unavailable"}), "the gateway answered 503"),
    ] {
        stack.gateway.mode(mode.clone()).await;
        let order_id = stack.place(order(1)).await;
        let why = stack.await_vain_attempt(&order_id).await;
        assert!(why.contains(hint), "{mode}: {why}");
        stack.gateway.mode(json!({"mode": "ok"})).await;
        check_fulfilled(&stack, &order_id).await;
    }
    stack.gateway.mode(json!({"mode": "slow", "slow_ms": 300})).await;
    let order_id = stack.place(order(1)).await;
    check_fulfilled(&stack, &order_id).await;
    stack.check_all().await;
}

#[tokio::test]
async fn a_refund_whose_answer_is_lost_is_made_once() {
    let mut stack = Stack::stocked().await;
    stack.kill("shipping");
    let order_id = stack.place(unserviceable()).await;
    let paid = async || stack.saga(&order_id).await.contains(&"order.paid".to_owned()).then_some(());
    eventually("the order is paid", paid).await;
    stack.gateway.mode(json!({"mode": "lost_reply"})).await;
    stack.start_service("shipping");
    stack.await_vain_attempt(&order_id).await;
    assert_eq!(stack.gateway.ledger().await.refunds.len(), 1);
    stack.gateway.mode(json!({"mode": "ok"})).await;
    stack.await_end(&order_id).await;
    assert_eq!(stack.saga(&order_id).await, UNSERVICEABLE);
    stack.check_all().await;
}

#[tokio::test]
async fn an_open_breaker_spares_a_gateway_that_is_down() {
    const ORDERS: usize = 60;
    // What may be on its way when the breaker opens, and a few probes after that.
    const ATTEMPTS_AT_MOST: usize = 32 + 8;
    let stack = Stack::stocked().await;
    stack.gateway.mode(json!({"mode": "unavailable"})).await;
    let mut placed = Vec::new();
    for _ in 0..ORDERS {
        placed.push(stack.place(order(1)).await);
    }
    // A probe has failed by then.
    let open = async || stack.outputs()["payment"].contains("the breaker of charge is open for 2s").then_some(());
    eventually("the breaker opens for longer each time", open).await;
    let attempts = stack.gateway.treated_as("Unavailable");
    assert!((5..=ATTEMPTS_AT_MOST).contains(&attempts), "{attempts} attempts for {ORDERS} orders");
    assert_eq!(stack.ended().await.unwrap().len(), 0);
    stack.gateway.mode(json!({"mode": "ok"})).await;
    for order_id in &placed {
        check_fulfilled(&stack, order_id).await;
    }
    stack.check_all().await;
}
