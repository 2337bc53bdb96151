//! A service that starts again does not read again what it needs not: what the broker had confirmed, where that is the same
//! process of the same server, and the part of the stream that is not for it.

use async_nats::Subscriber;
use futures_util::{FutureExt, StreamExt};
use serde_json::{Value, json};

use crate::{await_condition::eventually, orders::order, stack::Stack};

/// More messages than a service reads again without a word.
const NOT_FOR_IT: usize = 1_200;

async fn start_again(stack: &mut Stack, service: &str) {
    assert_eq!(stack.terminate(service).await, Some(0));
    stack.start_service(service);
    stack.ready(service).await;
    stack.settle().await;
}

/// How often the consumer was made since this was asked last.
fn made(advisories: &mut Subscriber) -> usize {
    std::iter::from_fn(|| advisories.next().now_or_never().flatten()).count()
}

#[tokio::test]
async fn what_was_confirmed_is_read_back_only_from_a_broker_that_started_again() {
    let mut stack = Stack::stocked().await;
    for _ in 0..6 {
        let order_id = stack.place(order(1)).await;
        stack.await_end(&order_id).await;
    }
    stack.settle().await;
    let advisory = "$JS.EVENT.ADVISORY.CONSUMER.CREATED.EVENTS.order-compares";
    let mut advisories = stack.nats.subscribe(advisory).await.unwrap();
    stack.nats.flush().await.unwrap();
    for _ in 0..2 {
        start_again(&mut stack, "order").await;
    }
    assert_eq!(made(&mut advisories), 0, "it asked the broker that had confirmed all of it");
    assert_eq!(stack.terminate("order").await, Some(0));
    stack.restart_broker().await;
    stack.start_service("order");
    let compared = async || (made(&mut advisories) > 0).then_some(());
    eventually("all that a broker confirmed that started again is compared", compared).await;
}

#[tokio::test]
async fn what_is_not_for_a_service_is_read_by_one_start_at_most() {
    let mut stack = Stack::stocked().await;
    stack
        .get("svc.customer.register", json!({"customer_id": "alice", "name": "Alice", "email": "a@example.com"}))
        .await;
    let sent = |number| json!({"order_id": format!("o-{number}"), "channel": "email", "template": "order_completed"});
    for number in 0..NOT_FOR_IT {
        let subject = format!("notification.sent.o-{number}");
        stack.publish_raw(&subject, &[], sent(number).to_string()).await;
    }
    stack.settle().await;
    let up_to = async |stack: &Stack| stack.get("svc.customer.waits", json!({})).await["heard"].as_u64().unwrap();
    let before = up_to(&stack).await;
    start_again(&mut stack, "customer").await;
    let passed = async || (up_to(&stack).await >= before + NOT_FOR_IT as u64).then_some(());
    eventually("what is not for it is passed over for good", passed).await;
    let shown: Value = stack.get("svc.customer.get", json!({"customer_id": "alice"})).await;
    assert_eq!(shown["name"], "Alice");
}
