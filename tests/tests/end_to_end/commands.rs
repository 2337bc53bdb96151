//! Commands from outside: what is refused is refused with a sentence and leaves nothing behind.

use chassis::ambient;
use events::EventId;
use serde_json::{Value, json};

use crate::{
    orders::{FULFILLED, WIDGET, order},
    stack::Stack,
};

/// Sends `body` to `subject`, and checks that it is refused with `code` and a sentence that names the problem.
pub async fn check_refused(stack: &Stack, subject: &str, body: impl Into<Vec<u8>>, code: u16, hint: &str) {
    let body = body.into();
    let what = format!("{subject} {}", String::from_utf8_lossy(&body[..body.len().min(120)]));
    let refusal = stack.client.command(subject, body).await.expect_err(&what);
    assert_eq!(refusal.code, code, "{what}: {}", refusal.message);
    assert!(refusal.message.contains(hint), "{what}: {}", refusal.message);
}

#[tokio::test]
async fn an_order_that_makes_no_sense_is_refused_with_a_sentence() {
    let stack = Stack::stocked().await;
    stack.stock("yacht", i64::MAX, 10).await;
    let before = stack.messages().await.len();
    let items = |items: Value| json!({"customer_id": "alice", "items": items}).to_string();
    let widgets = |quantity: Value| items(json!([{"sku": WIDGET, "quantity": quantity}]));
    let no_such_sku = items(json!([{"sku": "gizmo", "quantity": 1}]));
    let two_yachts = items(json!([{"sku": "yacht", "quantity": 2}]));
    let yacht_and_widget = items(json!([{"sku": "yacht", "quantity": 1}, {"sku": WIDGET, "quantity": 1}]));
    let large = json!({"customer_id": "alice", "items": [], "note": "x".repeat(1_000_000)}).to_string();
    for (body, code, hint) in [
        (no_such_sku, 422, "there is no gizmo in the price book"),
        (items(json!([])), 422, "at least one item"),
        (widgets(json!(0)), 422, "the quantity of widget is 0"),
        (widgets(json!(-1)), 422, "the quantity of widget is -1"),
        (widgets(json!(1_000_000_000_000_000_000_i64)), 422, "the quantity of widget is 1000000000000000000"),
        (two_yachts, 422, "the total overflows"),
        (yacht_and_widget, 422, "the total overflows"),
        ("{\"customer_id\": \"al".to_owned(), 400, "not JSON"),
        ("[]".to_owned(), 400, "not an object"),
        (String::new(), 400, "customer_id"),
        (widgets(json!("two")), 400, "invalid type"),
        (widgets(json!(1.5)), 400, "invalid type"),
        (items(json!([{"sku": "a.b", "quantity": 1}])), 400, "\"a.b\" is not a sku"),
        (json!({"customer_id": "alice", "items": [], "coupon": "X"}).to_string(), 400, "unknown field `coupon`"),
        (json!({"customer_id": "alice", "items": [], "idempotency_key": 7}).to_string(), 400, "idempotency_key"),
        (large, 400, "6144"),
    ] {
        check_refused(&stack, "svc.order.place", body, code, hint).await;
    }
    stack.settle().await;
    let facts = stack.messages().await;
    let placed = facts[before..].iter().filter(|it| it.subject.starts_with("order.created.")).count();
    assert_eq!(placed, 2, "only the barriers were placed");
    stack.check_all().await;
}

#[tokio::test]
async fn stock_that_makes_no_sense_is_refused_with_a_sentence() {
    let stack = Stack::start().await;
    let stock =
        |price: Value, quantity: Value| json!({"sku": "w", "unit_price": price, "quantity": quantity}).to_string();
    for (body, code, hint) in [
        (stock(json!(5), json!(-1)), 422, "the quantity is -1"),
        (stock(json!(5), json!(1_000_000_000_000_000_000_i64)), 422, "the quantity is 1000000000000000000"),
        (stock(json!(0), json!(1)), 422, "w has no price"),
        (stock(json!(-5), json!(1)), 422, "w has no price"),
        (stock(Value::Null, json!(1)), 422, "w has no price"),
        (stock(json!(5.5), json!(1)), 400, "invalid type"),
        ("nonsense".to_owned(), 400, "not JSON"),
    ] {
        check_refused(&stack, "svc.inventory.stock", body, code, hint).await;
    }
    assert_eq!(stack.messages().await.len(), 0);
}

#[tokio::test]
async fn what_nobody_knows_is_not_found() {
    let stack = Stack::start().await;
    let order = json!({"order_id": "no-such-order"}).to_string();
    for service in ["order", "payment", "shipping", "inventory"] {
        check_refused(&stack, &format!("svc.{service}.get"), order.as_str(), 404, "no-such-order").await;
    }
    check_refused(&stack, "svc.inventory.get", r#"{"sku":"gizmo"}"#, 404, "gizmo").await;
    check_refused(&stack, "svc.inventory.get", r#"{}"#, 422, "either a sku or an order_id").await;
    check_refused(&stack, "svc.order.explode", r#"{}"#, 503, "svc.order.explode").await;
}

#[tokio::test]
async fn one_idempotency_key_is_one_order() {
    let mut stack = Stack::stocked().await;
    let mut body = order(1);
    body["idempotency_key"] = json!("checkout-1");
    let first = stack.get("svc.order.place", body.clone()).await;
    assert_eq!(stack.get("svc.order.place", body.clone()).await, first);
    let order_id = first["order_id"].as_str().unwrap();
    stack.await_end(order_id).await;

    // It is remembered for longer than a process lives.
    stack.kill("order");
    stack.start_service("order");
    stack.ready("order").await;
    assert_eq!(stack.get("svc.order.place", body.clone()).await, first);
    body["items"][0]["quantity"] = json!(2);
    check_refused(&stack, "svc.order.place", body.to_string(), 409, "idempotency_key").await;

    // Without a key the same body is another order, and its id begins with the time: what is placed later stands behind it.
    let before = ambient::now().as_millisecond();
    let other = stack.place(order(1)).await;
    assert_ne!(other, order_id);
    let begins = EventId::named(&other).time().expect("it begins with a time").as_millisecond();
    assert!((before..=ambient::now().as_millisecond()).contains(&begins), "{other} does not begin with its time");
    stack.await_end(&other).await;
    stack.settle().await;
    let created = stack.said().await.into_iter().filter(|(_, kind, _)| kind == "order.created").count();
    assert_eq!(created, 2);
    assert_eq!(stack.saga(order_id).await, FULFILLED);
    stack.check_all().await;
}
