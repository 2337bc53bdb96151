//! Dead letters as an operator works with them: looked at, redriven, dropped, with the `murmur` that people run.

use std::process::Stdio;

use chassis::Stored;
use events::{DEAD_LETTERS, EVENTS};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::{
    await_condition::eventually,
    orders::FULFILLED,
    stack::{SERVICES, Stack},
};

/// Who hears an `order.created`, and so parks one that cannot be read.
const HEARERS: [&str; 6] = ["order", "inventory", "payment", "shipping", "notification", "view"];
const PARKED: usize = HEARERS.len();

/// The letters that fit, once there are `count` of them.
async fn letters(stack: &Stack, filters: &str, count: usize) -> Vec<Value> {
    let line = format!("dead list --json {filters}");
    let look = async || Some(stack.murmur(&line).await.done().json()).filter(|letters| letters.len() == count);
    eventually(&format!("{count} letters of `{line}`"), look).await
}

/// How many messages `EVENTS` ever had.
async fn said(stack: &Stack) -> u64 {
    stack.client.stream(EVENTS).await.unwrap().last_sequence
}

fn number(letter: &Value) -> u64 {
    letter["number"].as_u64().unwrap()
}

/// Five gizmos are said to be held, before there are any; then there are, and it is said again by a redrive.
async fn check_redriven(typed: &str) -> Stack {
    let stack = Stack::stocked().await;
    let place = said(&stack).await + 1;
    let held = json!({"order_id": "o-1", "reservation_id": "r-1", "items": [{"sku": "gizmo", "quantity": 5}]});
    stack.publish_raw(typed, &[], held.to_string()).await;
    let letter = letters(&stack, "--order o-1 --reason contradicts --service inventory", 1).await.remove(0);
    assert_eq!(
        (&letter["subject"], &letter["sequence"], &letter["key"]),
        (&json!(typed), &json!(place), &json!("o-1"))
    );
    let parked = stack.client.message(DEAD_LETTERS, number(&letter)).await.unwrap().unwrap();
    stack.stock("gizmo", 1999, 5).await;

    let redrive = format!("dead redrive {} --json", number(&letter));
    let before = said(&stack).await;
    let done = stack.murmur(&redrive).await.done().json().remove(0);
    let place = done["stored"].as_u64().unwrap();
    assert_eq!(place, before + 1);
    assert_eq!((&done["event_id"], &done["warning"]), (&letter["event_id"], &Value::Null));
    let Stored { subject, headers, body, .. } = stack.client.message(EVENTS, place).await.unwrap().unwrap();
    assert_eq!((subject.as_str(), serde_json::from_slice(&body).ok()), (typed, Some(held)));
    assert_eq!(&headers["ce-id"], letter["event_id"].as_str().unwrap());

    let order = json!({"customer_id": "alice", "items": [{"sku": "gizmo", "quantity": 5, "unit_price": 1999}]});
    stack.publish_raw("order.created.o-1", &[], order.to_string()).await;
    stack.await_end("o-1").await;
    let mut saga = stack.saga("o-1").await;
    saga.sort();
    let mut fulfilled = FULFILLED.to_vec();
    fulfilled.sort_unstable();
    assert_eq!(saga, fulfilled, "each event once");
    let reservation = stack.get("svc.inventory.get", json!({"order_id": "o-1"})).await;
    assert_eq!(reservation["reservation_id"], json!("r-1"), "{reservation}");

    // The letter is gone, and so it cannot be redriven again.
    let refused = stack.murmur(&redrive).await.ended(2);
    assert!(refused.stderr.contains("no dead letter"), "{refused:?}");
    let none = stack.murmur("dead list").await.done();
    assert_eq!((none.stdout.as_str(), none.stderr.as_str()), ("", "there are no dead letters\n"));

    // As if it had been killed between the publish and the deletion: the broker knows the message.
    stack.settle().await;
    let (state, before) = (stack.state().await, said(&stack).await);
    stack.publish_raw(&parked.subject, &[], parked.body).await;
    letters(&stack, "", 1).await;
    let again = stack.murmur("dead redrive --order o-1 --json").await.done().json().remove(0);
    assert_eq!((&again["stored"], said(&stack).await), (&json!(place), before));
    // When the broker has forgotten the message, the services still know the event.
    let id = letter["event_id"].as_str().unwrap();
    stack.publish_raw(typed, &[("ce-id", id), ("Nats-Msg-Id", "a-day-later")], body).await;
    stack.settle().await;
    stack.check_unchanged(&state, "the same event again").await;
    let charges = stack.gateway.ledger().await.charges;
    assert_eq!(charges.iter().filter(|charge| charge.order_id == "o-1").count(), 1);
    stack
}

#[tokio::test]
async fn an_event_that_fits_by_now_is_redriven_and_the_order_goes_on() {
    // The log alone cannot tell that nothing was held when the others heard of it: under its key a fact is believed.
    check_redriven("inventory.reserved.o-1").await;
}

#[tokio::test]
async fn an_event_that_was_typed_without_a_key_keeps_its_id_when_it_is_redriven() {
    check_redriven("inventory.reserved").await.check_all().await;
}

#[tokio::test]
async fn what_all_services_parked_is_redriven_once_and_parked_anew() {
    let stack = Stack::stocked().await;
    stack.publish_raw("order.created.o-3", &[("ce-source", "/by/hand"), ("Nats-Custom", "x")], "{").await;
    stack.publish_raw("order.exploded.o-4", &[], "{}").await;
    letters(&stack, "--order o-3", PARKED).await;
    let known = letters(&stack, "", PARKED + 1).await;
    let unknown = letters(&stack, "--reason unknown_type", 1).await;
    assert_eq!((&unknown[0]["service"], &unknown[0]["key"]), (&json!("order"), &json!("o-4")));
    letters(&stack, "--service payment --since 1h", 1).await;
    letters(&stack, "--older-than 1h", 0).await;
    letters(&stack, "--older-than 0s --limit 2", 2).await;

    let table = stack.murmur("dead list --order o-3").await.done().stdout;
    assert_eq!(table.lines().count(), 1 + PARKED, "{table}");
    assert!(HEARERS.iter().all(|service| table.contains(service)), "{table}");

    // One letter is named, and all about that event are settled by it, in a message of its own each time.
    let mut one = number(known.iter().find(|letter| letter["key"] == "o-3").unwrap());
    let mut original = said(&stack).await - 1;
    for round in 0..2 {
        let before = said(&stack).await;
        let dry = stack.murmur(&format!("dead redrive {one} --dry-run")).await.done().stdout;
        assert!(
            dry.starts_with(&format!("would redrive order.created.o-3, message {original} (dead letters ")),
            "{dry}"
        );
        assert_eq!(dry.lines().count(), 1, "{dry}");
        assert_eq!((said(&stack).await, letters(&stack, "", PARKED + 1).await.len()), (before, PARKED + 1));
        let done = stack.murmur(&format!("dead redrive {one}")).await.done().stdout;
        assert!(done.starts_with("redriven order.created.o-3"), "{done}");
        assert_eq!(said(&stack).await, before + 1, "round {round}");
        original = before + 1;
        let sequence = json!(original);
        let parked_again = async || {
            let letters = letters(&stack, "", PARKED + 1).await;
            letters.iter().filter(|letter| letter["sequence"] == sequence).map(number).nth(PARKED - 1)
        };
        one = eventually("all have parked it again", parked_again).await;
    }
    let again = stack.client.message(EVENTS, original).await.unwrap().unwrap();
    assert_eq!((&again.headers["ce-source"], again.headers.get("Nats-Custom")), ("/by/hand", None));
}

#[tokio::test]
async fn letters_are_dropped_by_number_or_by_filter_and_never_by_accident() {
    let stack = Stack::stocked().await;
    stack.publish_raw("order.created.o-3", &[], "{").await;
    let known = letters(&stack, "", PARKED).await;
    for nothing in ["dead drop", "dead redrive", "dead drop --limit 1"] {
        let refused = stack.murmur(nothing).await.ended(2);
        assert!(refused.stderr.contains("say which dead letters"), "{refused:?}");
    }
    let first = number(&known[0]);
    for missing in [format!("drop {first} 999"), "redrive 999".to_owned(), format!("show {first} 999 998")] {
        let refused = stack.murmur(&format!("dead {missing}")).await.ended(2);
        assert!(refused.stderr.contains("no dead letter 999"), "{refused:?}");
        assert_eq!(refused.stdout, "");
    }
    stack.murmur("dead drop 1 --service order").await.ended(2);
    let dry = stack.murmur("dead drop --reason malformed --dry-run").await.done().stdout;
    assert_eq!(dry.matches("would drop dead letter").count(), PARKED, "{dry}");
    letters(&stack, "", PARKED).await;

    let dropped = stack.murmur(&format!("dead drop {first}")).await.done().stdout;
    let service = known[0]["service"].as_str().unwrap();
    assert_eq!(dropped, format!("dropped dead letter {first}: {service}, malformed, order.created.o-3\n"));
    letters(&stack, "", PARKED - 1).await;
    let rest = stack.murmur("dead drop --order o-3 --json").await.done().json();
    assert!(rest.len() == PARKED - 1 && rest.iter().all(|letter| letter["dropped"] == true), "{rest:?}");
    let none = stack.murmur("dead drop --order o-3").await.done();
    assert!(none.stdout.is_empty() && none.stderr.contains("no dead letter fits"), "{none:?}");
}

#[tokio::test]
async fn a_letter_of_an_order_that_was_cancelled_since_is_redriven_with_a_warning() {
    let stack = Stack::stocked().await;
    let typed = json!({"order_id": "o-9", "shipment_id": "s-1", "carrier": "owl", "eta": "2026-01-02T03:04:05Z"});
    stack.publish_raw("shipping.scheduled", &[], typed.to_string()).await;
    let letter = letters(&stack, "--order o-9", 1).await.remove(0);
    let first = letter["sequence"].as_u64().unwrap();
    let dry = format!("dead redrive {} --dry-run --json", number(&letter));
    assert_eq!(stack.murmur(&dry).await.done().json()[0]["warning"], Value::Null);

    let items = json!([{"sku": "widget", "quantity": 1, "unit_price": 1999}]);
    let order = json!({"customer_id": "alice", "items": items, "payment_method": "pm_card_declined"});
    stack.publish_raw("order.created.o-9", &[], order.to_string()).await;
    stack.await_end("o-9").await;
    let warned = stack.murmur(&dry).await.done();
    let warning = warned.json()[0]["warning"].as_str().unwrap().to_owned();
    assert!(warning.starts_with("the order o-9 was cancelled since"), "{warning}");
    assert!(warned.stderr.contains(&warning), "{warned:?}");

    let shown = stack.murmur(&format!("dead show {}", number(&letter))).await.done().stdout;
    for part in ["contradicts", "\"carrier\": \"owl\"", "order.cancelled", "dead redrive 1", "dead drop 1"] {
        assert!(shown.contains(part), "{part} is not in {shown}");
    }
    stack.murmur(&format!("dead redrive {}", number(&letter))).await.done();
    let parked_again = async || letters(&stack, "", 1).await.remove(0)["sequence"].as_u64().filter(|it| *it > first);
    eventually("shipping refuses it again", parked_again).await;
}

#[tokio::test]
async fn an_event_is_redriven_whole_or_not_at_all() {
    let stack = Stack::stocked().await;
    let large = json!({"customer_id": "mallory", "items": [], "note": "x".repeat(7000)}).to_string();
    for (subject, body) in [("order.created", large.as_str()), ("order.created", &large), ("order.created.a.b", "{}")] {
        stack.publish_raw(subject, &[], body).await;
    }
    let known = letters(&stack, "", 3).await;
    let shown = stack.murmur("dead show 1 --json").await.done().json().remove(0);
    assert_eq!((&shown["body"], &shown["body_is_whole"]), (&json!(large), &json!(true)));
    assert!(known[0]["body"].as_str().unwrap().len() < 3000);

    // Gone from the stream, the one is more than its letter kept, and the other is not.
    for letter in &known[1..] {
        assert!(stack.client.delete(EVENTS, letter["sequence"].as_u64().unwrap()).await.unwrap());
    }
    let own = json!({"service": "payment", "reason": "undeclared", "detail": "", "at": "2026-01-02T03:04:05Z",
        "event_id": "e", "subject": "effect.charge.o-1", "sequence": null, "headers": {}, "body": "", "body_bytes": 0});
    stack.publish_raw("dead.payment.effect.charge.o-1", &[], own.to_string()).await;
    stack.publish_raw("dead.odd.one", &[], "\u{1b}[2J").await;
    letters(&stack, "", 5).await;
    let ran = stack.murmur("dead redrive --older-than 0s --json").await.ended(2);
    let (refused, redriven): (Vec<_>, Vec<_>) = ran.json().into_iter().partition(|line| line["refused"].is_string());
    let from = |line: &Value| (line["subject"].clone(), line["body"].clone());
    let expected = [("order.created", "stream"), ("order.created.a.b", "letter")].map(|(a, b)| (json!(a), json!(b)));
    assert_eq!(redriven.iter().map(from).collect::<Vec<_>>(), expected);
    assert_eq!(
        refused.iter().map(|line| &line["letters"]).collect::<Vec<_>>(),
        [&json!([2]), &json!([4]), &json!([5])]
    );
    for (line, why) in refused.iter().zip(["only the beginning", "never stood in the stream", "no dead letter of"]) {
        assert!(line["refused"].as_str().unwrap().contains(why), "{line}");
    }
    let parked_again = async || {
        letters(&stack, "--reason too_large", 2).await.pop().filter(|it| it["sequence"] != known[0]["sequence"])
    };
    let parked = eventually("the large one is parked again", parked_again).await;
    assert_eq!(parked["body_bytes"], json!(large.len()));
    let shown = stack.murmur("dead show 5").await.done().stdout;
    assert!(!shown.contains('\u{1b}') && shown.contains("unreadable"), "{shown:?}");
}

#[tokio::test]
async fn a_large_pile_is_read_page_by_page_and_into_a_pipe() {
    let stack = Stack::stocked().await;
    for number in 0..1700 {
        let subject = format!("dead.{}.order.created.o-{number}", SERVICES[number % 2]);
        stack.nats.publish(subject, "{}".into()).await.unwrap();
    }
    stack.nats.flush().await.unwrap();
    let all = letters(&stack, "", 1700).await;
    assert!(all.iter().map(number).eq(1..=1700));
    assert_eq!(letters(&stack, "--service inventory", 850).await[0]["key"], json!("o-1"));

    let mut child = stack.murmur_command("dead list").stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.next_line().await.unwrap().unwrap().starts_with("number"));
    drop(lines);
    assert_eq!(child.wait().await.unwrap().code(), Some(0));

    // What changes something is done to its end, whoever reads of it.
    let mut child = stack.murmur_command("dead drop --service order").stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().await.unwrap().code(), Some(0));
    letters(&stack, "", 850).await;
}
