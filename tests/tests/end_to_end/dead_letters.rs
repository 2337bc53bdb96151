//! What cannot be taken is parked with the reason, once, and is in nobody's way.

use serde_json::json;

use crate::{
    await_condition::eventually,
    orders::{FULFILLED, order},
    stack::{SERVICES, Stack},
};

/// What is published, and what has to become of it.
struct Row {
    subject: &'static str,
    headers: &'static [(&'static str, &'static str)],
    body: Vec<u8>,
    /// Who hears it; each parks it once.
    parked_by: &'static [&'static str],
    reason: &'static str,
    /// What the sentence says.
    detail: &'static str,
}

const OWNER: &[&str] = &["order"];
/// These hear an `order.created` that has a key.
const ALL: &[&str] = &["order", "inventory", "payment", "shipping", "notification", "view"];

fn row(subject: &'static str, body: impl Into<Vec<u8>>, reason: &'static str, detail: &'static str) -> Row {
    Row { subject, headers: &[], body: body.into(), parked_by: OWNER, reason, detail }
}

fn typed(order: &str) -> String {
    format!(r#"{{"customer_id":"mallory","items":[{{"sku":"widget","quantity":1,"unit_price":1999}}]{order}}}"#)
}

#[rustfmt::skip] // a table
fn rows() -> Vec<Row> {
    let large = |bytes: usize| typed(&format!(r#","note":"{}""#, "x".repeat(bytes)));
    vec![
        row("order.created", "{\"customer_id\": \"mal", "malformed", "EOF"),
        row("order.created", "", "malformed", "a JSON object is expected"),
        row("order.created", b"\xff\xfe\x00".to_vec(), "malformed", "a JSON object is expected"),
        row("order.created", r#"{"customer_id":7,"items":"none"}"#, "malformed", "expected a string"),
        row("order.created", typed("").replace(r#""quantity":1"#, r#""quantity":-1"#), "malformed", "-1"),
        row("order.created", typed("").replace(r#""quantity":1"#, r#""quantity":0"#), "invalid", "quantity of widget is 0"),
        row("order.created", typed(r#","total":1"#), "invalid", "the total is 1"),
        row("order.created", r#"{"customer_id":"mallory","items":[]}"#, "invalid", "at least one item"),
        row("order.created", large(7 * 1024), "too_large", "6144"),
        row("order.created", large(1_000_000), "too_large", "6144"),
        row("order.created.a.b", typed(""), "bad_subject", "more than three tokens"),
        row("order.exploded.o-1", "{}", "unknown_type", "order.exploded"),
        Row { parked_by: &["payment"], ..row("payment.exploded", "{}", "unknown_type", "payment.exploded") },
        Row { parked_by: &["shipping"], ..row("shipping.unknown_thing.o-1", "{}", "unknown_type", "shipping.unknown_thing") },
        Row { parked_by: ALL, ..row("order.created.o-1", typed(r#","order_id":"o-2""#), "key_mismatch", "o-2") },
        Row { parked_by: ALL, ..row("order.created.o-3", "{", "malformed", "EOF") },
        Row {
            headers: &[("ce-dataschema", "urn:murmuration:schema/order.created/3")],
            ..row("order.created", typed(""), "unknown_version", "version 3")
        },
        Row {
            headers: &[("ce-dataschema", "urn:murmuration:schema/order.cancel_requested/2")],
            parked_by: &["order", "shipping", "view"],
            ..row("order.cancel_requested.o-4", r#"{"order_id":"o-4","reason":"moved"}"#, "unknown_version", "version 2")
        },
        row("order.cancel_requested", r#"{"order_id":"o-4","reason":"moved"}"#, "malformed", "moved"),
        Row { headers: &[("ce-type", "order.paid")], ..row("order.created", typed(""), "type_mismatch", "order.paid") },
    ]
}

#[tokio::test]
async fn what_cannot_be_taken_is_parked_once_with_the_reason() {
    let stack = Stack::stocked().await;
    let rows = rows();
    let first = stack.messages().await.len() as u64 + 1;
    for row in &rows {
        stack.publish_raw(row.subject, row.headers, row.body.clone()).await;
    }
    let last = first + rows.len() as u64;
    let stored = async || (stack.messages().await.len() as u64 + 1 >= last).then_some(());
    eventually("everything that was published is in the stream", stored).await;
    let order_id = stack.place(order(1)).await;
    stack.await_end(&order_id).await;
    stack.settle().await;

    let dead = stack.dead_letters().await;
    for (row, sequence) in rows.iter().zip(first..) {
        let what = format!("{} {}", row.subject, String::from_utf8_lossy(&row.body[..row.body.len().min(80)]));
        let parked: Vec<_> = dead.iter().filter(|it| it.letter.sequence == Some(sequence)).collect();
        let mut services: Vec<_> = parked.iter().map(|it| it.letter.service.as_str()).collect();
        services.sort_by_key(|service| SERVICES.iter().position(|it| it == service));
        assert_eq!(services, row.parked_by, "{what}");
        for it in parked {
            assert_eq!(it.letter.reason, row.reason, "{what}");
            assert!(it.letter.detail.contains(row.detail), "{what}: {}", it.letter.detail);
            assert_eq!(it.subject, format!("dead.{}.{}", it.letter.service, row.subject), "{what}");
            assert_eq!((it.letter.subject.as_str(), it.letter.body_bytes), (row.subject, row.body.len()), "{what}");
        }
    }
    assert_eq!(dead.len(), rows.iter().map(|row| row.parked_by.len()).sum::<usize>(), "{dead:#?}");
    // Nothing else was disturbed, and nothing followed from what was parked.
    assert_eq!(stack.saga(&order_id).await, FULFILLED);
    assert_eq!(stack.ended().await.unwrap().len(), 1 + 2, "the order and the two barriers");
    assert_eq!(stack.gateway.ledger().await.charges.iter().filter(|it| it.order_id == order_id).count(), 1);
}

#[tokio::test]
async fn an_id_that_is_used_for_another_body_is_parked_by_all_who_knew_it() {
    let stack = Stack::stocked().await;
    let id = [("ce-id", "5d0c8f5e-5d8f-4c2a-a9a0-8f6de5f4c001")];
    stack.publish_raw("order.created.o-1", &id, typed("")).await;
    stack.await_end("o-1").await;
    stack.publish_raw("order.created.o-1", &id, typed(r#","currency":"EUR""#)).await;
    stack.settle().await;
    let dead = stack.dead_letters().await;
    let mut services: Vec<_> = dead.iter().map(|it| it.letter.service.as_str()).collect();
    services.sort_by_key(|service| SERVICES.iter().position(|it| it == service));
    assert_eq!(services, ALL);
    assert!(dead.iter().all(|it| it.letter.reason == "id_reused"), "{dead:#?}");
    assert_eq!(stack.get("svc.order.get", json!({"order_id": "o-1"})).await["currency"], json!("USD"));
}

#[tokio::test]
async fn dead_letters_are_parked_once_however_often_a_service_is_killed() {
    let mut stack = Stack::stocked().await;
    for round in 0..5 {
        stack.publish_raw("order.created", &[], format!("{{ {round}")).await;
        stack.kill("order");
        stack.start_service("order");
    }
    stack.ready("order").await;
    stack.settle().await;
    let bodies: Vec<_> = stack.dead_letters().await.into_iter().map(|it| it.letter.body).collect();
    assert_eq!(bodies, ["{ 0", "{ 1", "{ 2", "{ 3", "{ 4"]);
}
