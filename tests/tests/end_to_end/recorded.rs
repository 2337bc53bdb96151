//! Recordings of what was said, with the `murmur` that people run.

use events::{EVENTS, Key};
use murmur::timeline::json_line;
use serde_json::{Value, json};

use crate::{
    orders::{DECLINED, FULFILLED, order, paid_with},
    stack::Stack,
};

/// The subjects of a recording, which is in the order of the stream. What a customer was told comes when it comes.
#[track_caller]
fn subjects(recording: &[Value]) -> Vec<&str> {
    let sequence = |line: &Value| line["sequence"].as_u64().unwrap();
    assert!(recording.is_sorted_by(|a, b| sequence(a) < sequence(b)), "{recording:#?}");
    let subjects = recording.iter().map(|line| line["subject"].as_str().unwrap());
    subjects.filter(|subject| !subject.starts_with("notification.")).collect()
}

fn of_an_order(order_id: &str, kinds: &[&str]) -> Vec<String> {
    kinds.iter().map(|kind| format!("{kind}.{order_id}")).collect()
}

#[tokio::test]
async fn a_recording_of_one_order_holds_all_of_it_and_what_it_rests_on() {
    let stack = Stack::stocked().await;
    let customer = json!({"customer_id": "alice", "name": "Alice", "email": "alice@example.org"}).to_string();
    for kind in ["registered", "updated"] {
        stack.publish_raw(&format!("customer.{kind}.alice"), &[], customer.as_str()).await;
    }
    stack.stock("gizmo", 5, 5).await;
    stack.stock("widget", 1999, 7).await;
    let order_id = stack.place(order(1)).await;
    stack.await_end(&order_id).await;
    stack.stock("widget", 1999, 9).await;
    // The same event once more is another line: a recording holds all that was said.
    let key = Key::try_from(order_id.as_str()).unwrap();
    let events = stack.client.events_about(&key).await.unwrap();
    let last = events.iter().rfind(|event| event.subject.starts_with("order.")).unwrap();
    let headers = [("ce-id", &last.headers["ce-id"]), ("Nats-Msg-Id", "again")];
    stack.publish_raw(&last.subject, &headers, last.body.clone()).await;
    stack.settle().await;

    let recording = stack.murmur(&format!("record {order_id}")).await.done();
    let mut expected = vec!["customer.updated.alice".to_owned(), "inventory.stocked.widget".to_owned()];
    expected.extend(of_an_order(&order_id, FULFILLED));
    expected.push(last.subject.clone());
    assert_eq!(subjects(&recording.json()), expected);
    assert_eq!(recording.json()[1]["data"]["quantity"], json!(7), "as it was before the order");
    for (line, json) in recording.stdout.lines().zip(recording.json()) {
        let stored = stack.client.message(EVENTS, json["sequence"].as_u64().unwrap()).await.unwrap().unwrap();
        assert_eq!(line, json_line(&stored));
    }
    let unknown = stack.murmur("record no-such-order").await.ended(2);
    assert!(unknown.stdout.is_empty() && unknown.stderr.contains("nothing is known of the order"), "{unknown:?}");
}

#[tokio::test]
async fn a_recording_since_a_moment_holds_the_orders_that_were_created_since() {
    let stack = Stack::stocked().await;
    let before = stack.place(order(1)).await;
    stack.await_end(&before).await;
    let everything = stack.murmur("record --since 1h").await.done().json();
    let of_before = subjects(&everything);
    assert_eq!(of_before[0], "inventory.stocked.widget");
    assert_eq!(of_before[1..], of_an_order(&before, FULFILLED));

    let since = everything.last().unwrap()["headers"]["Nats-Time-Stamp"].as_str().unwrap();
    stack.publish_raw("customer.updated.bob", &[], "{}").await;
    stack.publish_raw(&format!("order.exploded.{before}"), &[], "{}").await;
    let typed = json!({"order_id": "typed", "customer_id": "bob", "items": [{"sku": "widget", "quantity": 1,
        "unit_price": 1999}], "payment_method": "pm_card_declined"});
    stack.publish_raw("order.created", &[], typed.to_string()).await;
    stack.await_end("typed").await;
    let declined = stack.place(paid_with("pm_card_declined")).await;
    stack.await_end(&declined).await;
    let recording = stack.murmur(&format!("record --since {since}")).await.done().json();
    let mut expected = vec!["customer.updated.bob".to_owned()];
    expected.extend(of_an_order("typed", DECLINED));
    expected.extend(of_an_order(&declined, DECLINED));
    assert_eq!(subjects(&recording), expected);

    let nothing = stack.murmur("record --since 2200-01-01T00:00:00Z").await.done();
    assert!(nothing.stdout.is_empty() && nothing.stderr.contains("no order was created"), "{nothing:?}");
    stack.murmur("record").await.ended(2);
}
