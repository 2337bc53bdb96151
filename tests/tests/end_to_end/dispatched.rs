//! What leaves the house: it is dispatched and delivered once, never too early, and from then on it is not undone.

use serde_json::json;

use crate::{
    commands::check_refused,
    orders::{CANCEL_REFUSED, DELIVERED, WIDGET, WIDGETS, order},
    stack::{SERVICES, Stack},
};

#[tokio::test]
async fn an_order_is_dispatched_and_delivered_once_and_its_stock_has_left() {
    let mut stack = Stack::stocked().await;
    let order_id = stack.place(order(2)).await;
    stack.await_end(&order_id).await;
    let body = json!({"order_id": order_id});
    check_refused(&stack, "svc.shipping.deliver", body.to_string(), 409, "is scheduled and cannot be delivered").await;

    let dispatched = stack.get("svc.shipping.dispatch", body.clone()).await;
    assert_eq!(dispatched["status"], json!("dispatched"));
    assert_eq!(stack.get("svc.shipping.dispatch", body.clone()).await, dispatched);
    stack.await_shown("inventory", &order_id, "state", "left").await;
    assert_eq!(stack.widgets().await, [WIDGETS - 2, 0, 2]);
    assert_eq!(stack.shown("order", &order_id).await["status"], json!("shipped"));

    stack.kill("shipping");
    stack.start_service("shipping");
    stack.ready("shipping").await;
    let delivered = stack.get("svc.shipping.deliver", body.clone()).await;
    assert_eq!(delivered["status"], json!("delivered"));
    assert_eq!(delivered["shipment_id"], dispatched["shipment_id"]);
    assert_eq!(stack.get("svc.shipping.deliver", body.clone()).await, delivered);
    assert_eq!(stack.get("svc.shipping.dispatch", body.clone()).await, delivered);
    stack.await_shown("order", &order_id, "status", "delivered").await;
    check_refused(&stack, "svc.order.cancel", body.to_string(), 409, "is delivered and cannot be cancelled").await;

    // What has left stays so when more comes in.
    let stocked = stack.get("svc.inventory.stock", json!({"sku": WIDGET, "quantity": 5})).await;
    assert_eq!((&stocked["available"], &stocked["held"]), (&json!(WIDGETS + 3), &json!(0)));
    assert_eq!(stack.widgets().await, [WIDGETS + 3, 0, 2]);
    stack.settle().await;
    assert_eq!(stack.saga(&order_id).await, DELIVERED);
    stack.check_all().await;
}

#[tokio::test]
async fn what_is_not_booked_or_not_wanted_does_not_leave_the_house() {
    let stack = Stack::stocked().await;
    for command in ["svc.shipping.dispatch", "svc.shipping.deliver"] {
        check_refused(&stack, command, json!({"order_id": "no-such-order"}).to_string(), 404, "no-such-order").await;
    }
    stack.hold_back("order").await;
    let waiting = stack.place(order(1)).await;
    stack.await_said("payment.completed", &waiting).await;
    stack.await_shown("shipping", &waiting, "status", "waiting").await;
    let body = json!({"order_id": waiting}).to_string();
    check_refused(&stack, "svc.shipping.dispatch", body, 409, "waiting for the order to be paid").await;
    stack.let_go("order").await;
    stack.await_end(&waiting).await;

    let cancelled = stack.cancelled_scheduled().await;
    let body = json!({"order_id": cancelled}).to_string();
    check_refused(&stack, "svc.shipping.dispatch", body.clone(), 409, "is cancelled and cannot be dispatched").await;
    check_refused(&stack, "svc.shipping.deliver", body, 409, "is cancelled and cannot be delivered").await;
    assert_eq!(stack.widgets().await, [WIDGETS - 1, 1, 0]);
    stack.check_all().await;
}

#[tokio::test]
async fn an_order_that_has_left_the_house_is_completed_although_it_was_to_be_cancelled() {
    let mut stack = Stack::stocked().await;
    let order_id = stack.cancel_refused().await;
    assert_eq!(stack.saga(&order_id).await, CANCEL_REFUSED);
    let body = json!({"order_id": order_id});
    check_refused(&stack, "svc.order.cancel", body.to_string(), 409, "cannot be cancelled any more").await;
    let shown = stack.shown("order", &order_id).await;
    assert_eq!((&shown["status"], &shown["cancelling"]), (&json!("shipped"), &json!(null)));
    assert_eq!(stack.shown("payment", &order_id).await["status"], json!("charged"));
    assert_eq!(stack.widgets().await, [WIDGETS - 2, 0, 2]);
    // Nobody takes it up again, and it arrives.
    stack.kill_all();
    stack.start_all();
    for service in SERVICES {
        stack.ready(service).await;
    }
    stack.get("svc.shipping.deliver", body).await;
    stack.settle().await;
    assert_eq!(stack.shown("order", &order_id).await["status"], json!("delivered"));
    let said = [CANCEL_REFUSED, &["shipping.delivered"]].concat();
    assert_eq!(stack.saga(&order_id).await, said);
    stack.check_all().await;
}
