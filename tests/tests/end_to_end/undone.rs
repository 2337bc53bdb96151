//! Orders that cannot be fulfilled: everything that was done for them is undone, in the order of the contract.

use serde_json::{Value, json};

use crate::{
    gateway::{Entry, Ledger},
    orders::{DECLINED, OUT_OF_STOCK, UNSERVICEABLE, WIDGET, WIDGETS, order, paid_with, unserviceable},
    stack::Stack,
};

/// Places `order`, and checks how it ended; the gateway's ledger afterwards.
async fn check(stack: &Stack, order: Value, said: &[&str], reason: &str) -> (String, Ledger) {
    let order_id = stack.place(order).await;
    stack.await_end(&order_id).await;
    assert_eq!(stack.saga(&order_id).await, said);
    let shown = stack.get("svc.order.get", json!({"order_id": order_id})).await;
    assert_eq!((&shown["status"], &shown["reason"]), (&json!("cancelled"), &json!(reason)));
    let stock = stack.get("svc.inventory.get", json!({"sku": WIDGET})).await;
    assert_eq!((&stock["available"], &stock["held"]), (&json!(WIDGETS), &json!(0)));
    stack.check_all().await;
    (order_id, stack.gateway.ledger().await)
}

#[tokio::test]
async fn a_declined_order_is_released_and_cancelled() {
    let stack = Stack::stocked().await;
    let (order_id, ledger) = check(&stack, paid_with("pm_card_declined"), DECLINED, "payment_declined").await;
    let declined = Entry { order_id, amount: 1999 };
    assert_eq!(ledger, Ledger { charges: vec![], refunds: vec![], declines: vec![declined] });
}

#[tokio::test]
async fn an_order_for_more_than_there_is_is_cancelled_and_costs_nothing() {
    let stack = Stack::stocked().await;
    let (order_id, ledger) = check(&stack, order(WIDGETS + 1), OUT_OF_STOCK, "out_of_stock").await;
    let log = stack.log().await;
    let failed = log.iter().find(|fact| fact.key == order_id && fact.kind == "inventory.reservation_failed").unwrap();
    assert_eq!(failed.body["shortages"], json!([{"sku": WIDGET, "requested": WIDGETS + 1, "available": WIDGETS}]));
    assert_eq!(ledger, Ledger { charges: vec![], refunds: vec![], declines: vec![] });
}

#[tokio::test]
async fn an_order_that_no_carrier_takes_is_refunded_released_and_cancelled() {
    let stack = Stack::stocked().await;
    let (order_id, ledger) = check(&stack, unserviceable(), UNSERVICEABLE, "shipping_failed").await;
    let moved = vec![Entry { order_id, amount: 1999 }];
    assert_eq!(ledger, Ledger { charges: moved.clone(), refunds: moved, declines: vec![] });
}

#[tokio::test]
async fn what_was_released_can_be_sold_again() {
    let stack = Stack::stocked().await;
    let mut all = order(WIDGETS);
    all["ship_to"]["postal_code"] = json!("00000");
    for _ in 0..2 {
        let order_id = stack.place(all.clone()).await;
        stack.await_end(&order_id).await;
        assert_eq!(stack.saga(&order_id).await, UNSERVICEABLE);
    }
    let order_id = stack.place(order(WIDGETS)).await;
    stack.await_end(&order_id).await;
    let shown = stack.get("svc.order.get", json!({"order_id": order_id})).await;
    assert_eq!(shown["status"], json!("shipped"));
    stack.check_all().await;
}
