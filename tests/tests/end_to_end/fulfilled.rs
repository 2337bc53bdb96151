//! The happy path.

use serde_json::json;

use crate::{
    orders::{FULFILLED, WIDGET, WIDGETS, order},
    stack::Stack,
};

#[tokio::test]
async fn a_placed_order_is_fulfilled_step_by_step() {
    let stack = Stack::stocked().await;
    let placed = stack.get("svc.order.place", order(2)).await;
    let order_id = placed["order_id"].as_str().unwrap();
    assert_eq!(placed, json!({"order_id": order_id, "status": "pending", "total": 3998, "currency": "USD"}));
    stack.await_end(order_id).await;
    assert_eq!(stack.saga(order_id).await, FULFILLED);
    stack.check_all().await;
}

#[tokio::test]
async fn every_service_shows_what_it_knows_of_a_fulfilled_order() {
    let stack = Stack::stocked().await;
    let order_id = stack.place(order(2)).await;
    stack.await_end(&order_id).await;

    let shown = stack.get("svc.order.get", json!({"order_id": order_id})).await;
    assert_eq!((&shown["status"], &shown["total"]), (&json!("shipped"), &json!(3998)));
    assert_eq!(shown["items"], json!([{"sku": WIDGET, "quantity": 2, "unit_price": 1999}]));
    let shown = stack.get("svc.payment.get", json!({"order_id": order_id})).await;
    assert_eq!((&shown["status"], &shown["amount"]), (&json!("charged"), &json!(3998)));
    let shown = stack.get("svc.shipping.get", json!({"order_id": order_id})).await;
    assert_eq!((&shown["status"], &shown["ship_to"]["postal_code"]), (&json!("scheduled"), &json!("12345")));
    let shown = stack.get("svc.inventory.get", json!({"order_id": order_id})).await;
    assert_eq!((&shown["state"], &shown["items"][0]["quantity"]), (&json!("held"), &json!(2)));
    let shown = stack.get("svc.inventory.get", json!({"sku": WIDGET})).await;
    assert_eq!((&shown["available"], &shown["held"]), (&json!(WIDGETS - 2), &json!(2)));
}

#[tokio::test]
async fn each_event_names_the_one_that_caused_it_and_the_order_that_it_is_about() {
    let stack = Stack::stocked().await;
    let order_id = stack.place(order(1)).await;
    stack.await_end(&order_id).await;

    let suffix = format!(".{order_id}");
    let messages = stack.messages().await;
    let of_saga = |subject: &str| subject.ends_with(&suffix) && !subject.starts_with("notification.");
    let of_order: Vec<_> = messages.iter().filter(|message| of_saga(&message.subject)).collect();
    assert_eq!(of_order.len(), FULFILLED.len());
    for (message, kind) in of_order.iter().zip(FULFILLED) {
        let (service, _) = kind.split_once('.').unwrap();
        assert_eq!(&message.headers["ce-type"], *kind);
        assert_eq!(message.headers["ce-source"], format!("/services/{service}"));
        assert_eq!(&message.headers["ce-correlationid"], order_id.as_str(), "{kind}");
        assert_eq!(message.headers["Nats-Msg-Id"], message.headers["ce-id"], "{kind}");
        assert_eq!(message.headers["traceparent"][..36], of_order[0].headers["traceparent"][..36], "{kind}");
    }
    for pair in of_order.windows(2) {
        assert_eq!(pair[1].headers["ce-causationid"], pair[0].headers["ce-id"], "{}", pair[1].subject);
    }
}

#[tokio::test]
async fn an_order_that_was_answered_survives_a_kill_at_that_moment() {
    let mut stack = Stack::stocked().await;
    for _ in 0..5 {
        let order_id = stack.place(order(1)).await;
        stack.kill("order");
        stack.start_service("order");
        stack.ready("order").await;
        let shown = stack.get("svc.order.get", json!({"order_id": order_id})).await;
        assert_eq!(shown["order_id"], json!(order_id));
        stack.await_end(&order_id).await;
        assert_eq!(stack.saga(&order_id).await, FULFILLED);
    }
    stack.check_all().await;
}
