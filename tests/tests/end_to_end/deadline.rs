//! The saga's deadline: what takes too long is undone, whoever it waits for and whoever was away meanwhile.

use std::time::Duration;

use chassis::ambient;
use serde_json::json;

use crate::{
    await_condition::eventually,
    orders::{
        CANCELLED_CONFIRMED, CANCELLED_PAID, CANCELLED_PENDING, FULFILLED, WIDGET, WIDGET_PRICE, WIDGETS, order,
        paid_with,
    },
    stack::Stack,
};

/// How the order ended, and why.
async fn check_late(stack: &Stack, order_id: &str, said: &[&str]) {
    stack.await_end(order_id).await;
    assert_eq!(stack.saga(order_id).await, said, "{order_id}");
    let log = stack.log().await;
    let own = log.iter().filter(|fact| fact.key == order_id && fact.kind.starts_with("order."));
    let reasons = own.map(|fact| (fact.kind.as_str(), &fact.body["reason"])).filter(|(_, reason)| reason.is_string());
    let reasons: Vec<_> = reasons.collect();
    let passed = json!("deadline_passed");
    assert_eq!(reasons, [("order.cancel_requested", &passed), ("order.cancelled", &passed)]);
    let shown = stack.shown("order", order_id).await;
    assert_eq!((&shown["status"], &shown["reason"]), (&json!("cancelled"), &passed));
}

#[tokio::test]
async fn what_is_late_is_undone_and_what_is_in_time_hears_nothing_of_it() {
    let mut stack = Stack::stocked_with_deadline("8s").await;
    let in_time = stack.place(order(1)).await;
    stack.await_end(&in_time).await;
    stack.kill("shipping");
    let unshipped = stack.place(order(1)).await;
    stack.await_said("order.paid", &unshipped).await;
    let unpaid = stack.place(paid_with("pm_gateway_down")).await;
    stack.await_vain_attempt(&unpaid).await;

    stack.await_said("order.cancel_requested", &unpaid).await;
    stack.start_service("shipping");
    check_late(&stack, &unpaid, CANCELLED_CONFIRMED).await;
    check_late(&stack, &unshipped, CANCELLED_PAID).await;
    // Its deadline came before theirs.
    assert_eq!(stack.saga(&in_time).await, FULFILLED);
    assert_eq!(stack.widgets().await, [WIDGETS - 1, 1, 0]);
    let ledger = stack.gateway.ledger().await;
    let charged: Vec<_> = ledger.charges.iter().map(|it| it.order_id.as_str()).collect();
    assert_eq!(charged, [in_time.as_str(), unshipped.as_str()]);
    stack.check_all().await;
}

#[tokio::test]
async fn a_deadline_is_kept_by_a_service_that_was_dead_when_it_passed() {
    const DEADLINE: Duration = Duration::from_secs(5);
    let mut stack = Stack::stocked_with_deadline("5s").await;
    let heard = stack.place(paid_with("pm_gateway_down")).await;
    stack.await_said("inventory.reserved", &heard).await;
    stack.kill("order");
    // Of this one it hears only when the time is over: that counts from when the order reached the system.
    let items = json!([{"sku": WIDGET, "quantity": 1, "unit_price": WIDGET_PRICE}]);
    let typed = json!({"customer_id": "alice", "items": items, "payment_method": "pm_gateway_down"});
    stack.publish_raw("order.created.o-1", &[], typed.to_string()).await;
    stack.await_said("inventory.reserved", "o-1").await;
    let placed = ambient::now();
    let passed = async || (ambient::now() > placed + DEADLINE).then_some(());
    eventually("the deadline has passed", passed).await;
    stack.start_service("order");
    // Again, wherever it is in that.
    stack.ready("order").await;
    stack.kill("order");
    stack.start_service("order");
    check_late(&stack, &heard, CANCELLED_CONFIRMED).await;
    check_late(&stack, "o-1", CANCELLED_CONFIRMED).await;
    assert_eq!(stack.gateway.ledger().await.charges, []);
    stack.check_all().await;
}

#[tokio::test]
async fn a_step_that_comes_after_the_deadline_finds_that_nobody_wants_it() {
    let mut stack = Stack::stocked_with_deadline("1s").await;
    stack.kill("inventory");
    let order_id = stack.place(order(1)).await;
    // The reminder outlives the process that asked for it.
    stack.kill("order");
    stack.start_service("order");
    stack.await_said("payment.voided", &order_id).await;
    stack.start_service("inventory");
    check_late(&stack, &order_id, CANCELLED_PENDING).await;
    assert_eq!(stack.widgets().await, [WIDGETS, 0, 0]);
    assert_eq!(stack.gateway.ledger().await.charges, []);
    stack.check_all().await;
}
