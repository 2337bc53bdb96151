//! Events as a person types them with `nats pub`: without a key, without headers, without a reply.

use chassis::Stored;
use serde_json::{Value, json};

use crate::{
    await_condition::eventually,
    orders::{FULFILLED, order},
    stack::Stack,
};

/// As the README has it.
const TYPED: &str = r#"{"customer_id":"alice","items":[{"sku":"widget","quantity":2,"unit_price":1999}]}"#;

/// The first `order.created` under a key that is not in `known`.
async fn await_keyed(stack: &Stack, known: &[String]) -> (String, Stored) {
    let keyed = async || {
        stack.messages().await.into_iter().find_map(|message| {
            let key = message.subject.strip_prefix("order.created.")?.to_owned();
            (!known.contains(&key)).then_some((key, message))
        })
    };
    eventually("the order service says a typed order.created again under its key", keyed).await
}

async fn check_fulfilled(stack: &Stack, order_id: &str) {
    stack.await_end(order_id).await;
    assert_eq!(stack.saga(order_id).await, FULFILLED, "{order_id}");
}

#[tokio::test]
async fn an_order_without_key_and_headers_is_completed_and_fulfilled() {
    let stack = Stack::stocked().await;
    stack.publish_raw("order.created", &[], TYPED).await;
    let (order_id, keyed) = await_keyed(&stack, &[]).await;
    check_fulfilled(&stack, &order_id).await;

    let body: Value = serde_json::from_slice(&keyed.body).unwrap();
    let items = json!([{"sku": "widget", "quantity": 2, "unit_price": 1999}]);
    assert_eq!(
        body,
        json!({
            "order_id": order_id, "customer_id": "alice", "items": items, "total": 3998, "currency": "USD",
            "payment_method": "pm_card_visa",
        })
    );
    let header = |name: &str| keyed.headers.get(name).unwrap_or_default();
    assert_eq!(header("ce-id"), order_id);
    assert_eq!(header("Nats-Msg-Id"), order_id);
    assert_eq!(header("ce-type"), "order.created");
    assert_eq!(header("ce-source"), "/external");
    assert_eq!(header("ce-subject"), order_id);
    assert_eq!(header("ce-correlationid"), order_id);
    assert!(header("ce-dataschema").ends_with("/order.created/2"), "{}", header("ce-dataschema"));
    assert!(header("ce-time").parse::<jiff::Timestamp>().is_ok(), "{}", header("ce-time"));
    assert_eq!(header("traceparent").len(), 55);
    assert_eq!(keyed.headers.get("ce-causationid"), None);
    stack.check_all().await;
}

#[tokio::test]
async fn an_order_that_brings_a_message_id_is_not_taken_for_its_own_copy() {
    let stack = Stack::stocked().await;
    let mut known = Vec::new();
    for headers in [
        [("Nats-Msg-Id", "typed-1")],
        [("Nats-Msg-Id", "7f9cf0a2-9f5c-4c7e-8a51-0e7c3d0a1b2c")],
        [("ce-id", "0d6d1dca-27ba-4bd2-9d76-7ce27d8a1c5e")],
    ] {
        stack.publish_raw("order.created", &headers, TYPED).await;
        let (order_id, _) = await_keyed(&stack, &known).await;
        check_fulfilled(&stack, &order_id).await;
        known.push(order_id);
    }
    stack.check_all().await;
}

#[tokio::test]
async fn an_order_that_is_typed_twice_with_one_id_is_one_order() {
    let stack = Stack::stocked().await;
    let id = "2b1f7a52-9a53-4c55-8a53-0c8b6f8d9c11";
    for _ in 0..2 {
        stack.publish_raw("order.created", &[("ce-id", id)], TYPED).await;
        // The second one under a message id that the broker does not know.
        stack.publish_raw("order.created", &[("ce-id", id), ("Nats-Msg-Id", &format!("{id}-again"))], TYPED).await;
    }
    check_fulfilled(&stack, id).await;
    stack.settle().await;
    let created = stack.said().await.into_iter().filter(|(_, kind, _)| kind == "order.created").count();
    assert_eq!(created, 1);
    stack.check_all().await;
}

#[tokio::test]
async fn an_order_under_a_key_has_that_key_for_its_id() {
    let stack = Stack::stocked().await;
    stack.publish_raw("order.created.my-order-1", &[], TYPED).await;
    check_fulfilled(&stack, "my-order-1").await;
    let shown = stack.get("svc.order.get", json!({"order_id": "my-order-1"})).await;
    assert_eq!((&shown["total"], &shown["currency"]), (&json!(3998), &json!("USD")));
    stack.check_all().await;
}

#[tokio::test]
async fn an_order_of_the_first_version_is_taken() {
    let stack = Stack::stocked().await;
    let v1 = |order_id: &str| {
        let items = json!([{"product_id": "widget", "quantity": 2, "price": 19.99}]);
        json!({"order_id": order_id, "user_id": "bob", "items": items, "total": 39.98}).to_string()
    };
    let schema = [("ce-dataschema", "urn:murmuration:schema/order.created/1")];
    stack.publish_raw("order.created", &[], v1("guessed")).await;
    stack.publish_raw("order.created", &schema, v1("named")).await;
    stack.publish_raw("order.created.keyed", &schema, v1("keyed")).await;
    for order_id in ["guessed", "named", "keyed"] {
        check_fulfilled(&stack, order_id).await;
        let shown = stack.get("svc.order.get", json!({"order_id": order_id})).await;
        assert_eq!((&shown["total"], &shown["customer_id"]), (&json!(3998), &json!("bob")), "{order_id}");
        assert_eq!(shown["items"], json!([{"sku": "widget", "quantity": 2, "unit_price": 1999}]), "{order_id}");
    }
    stack.check_all().await;
}

#[tokio::test]
async fn a_fact_that_contradicts_what_its_owner_knows_is_parked_and_changes_nothing() {
    let stack = Stack::stocked().await;
    let order_id = stack.place(order(1)).await;
    stack.await_end(&order_id).await;
    stack.settle().await;
    let said = stack.said().await;

    let typed = json!({"order_id": order_id, "reason": "card_declined"}).to_string();
    stack.publish_raw("payment.failed", &[], typed.as_str()).await;
    stack.settle().await;
    let dead = stack.dead_letters().await;
    let [parked] = &dead[..] else { panic!("one dead letter, not {dead:#?}") };
    assert_eq!(parked.subject, "dead.payment.payment.failed");
    assert_eq!((parked.letter.reason.as_str(), parked.letter.body.as_str()), ("contradicts", typed.as_str()));
    assert!(parked.letter.detail.contains("charged"), "{}", parked.letter.detail);
    assert_eq!(stack.said().await, said);
    let shown = stack.get("svc.payment.get", json!({"order_id": order_id})).await;
    assert_eq!(shown["status"], json!("charged"));
}

#[tokio::test]
async fn a_failed_payment_that_nobody_had_decided_is_adopted_and_undoes_the_order() {
    let mut stack = Stack::stocked().await;
    // Without stock that is held nobody asks the gateway.
    stack.kill("inventory");
    let order_id = stack.place(order(1)).await;
    stack.publish_raw("payment.failed", &[], json!({"order_id": order_id, "reason": "by_hand"}).to_string()).await;
    let said = format!("payment.failed.{order_id}");
    let keyed = async || stack.messages().await.iter().any(|message| message.subject == said).then_some(());
    eventually("the payment service adopts the fact", keyed).await;
    stack.start_service("inventory");
    stack.await_end(&order_id).await;
    let said = ["order.created", "payment.failed", "inventory.reserved", "inventory.released", "order.cancelled"];
    assert_eq!(stack.saga(&order_id).await, said);
    assert!(stack.gateway.ledger().await.charges.is_empty());
    stack.check_all().await;
}
