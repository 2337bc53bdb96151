//! `murmur where`: whatever an order waits for, one command says it, with another one that helps.

use std::path::Path;

use serde_json::{Value, json};
use tokio::process::Command;

use crate::{
    await_condition::eventually,
    murmur::Ran,
    orders::{order, paid_with, unserviceable},
    stack::Stack,
};

/// What `murmur where` says of an order, with its exit code.
async fn whereabouts(stack: &Stack, order_id: &str) -> (Value, Option<i32>) {
    let ran = stack.murmur(&format!("where --json {order_id}")).await;
    let mut lines = ran.json();
    assert_eq!((lines.len(), ran.stderr.as_str()), (1, ""), "{ran:#?}");
    (lines.remove(0), ran.code)
}

/// What is said of the order once `cause` is said to be why, with `code`. What is said until then is part of the output
/// of a test that fails.
async fn until(stack: &Stack, order_id: &str, cause: &str, code: i32) -> Value {
    let mut last = Value::Null;
    let look = async || {
        let (answer, ended) = whereabouts(stack, order_id).await;
        if last["primary"] != answer["primary"] {
            eprintln!("{ended:?} {answer:#}");
            last = answer.clone();
        }
        (answer["primary"]["cause"] == cause && ended == Some(code)).then_some(answer)
    };
    let found = eventually(&format!("`murmur where` says {cause}"), look).await;
    assert_eq!(found["order_id"], json!(order_id));
    found
}

/// Runs the command that helps, as a person would paste it.
async fn run(stack: &Stack, command: &str) -> Ran {
    let mut shell = Command::new("/bin/sh");
    shell.env_clear().current_dir(stack.folder()).env("NATS_URL", stack.broker.url()).args(["-c", command]);
    let output = shell.output().await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

fn command(answer: &Value) -> &str {
    answer["primary"]["command"].as_str().unwrap_or_else(|| panic!("no command in {answer:#}"))
}

fn kinds(answer: &Value) -> Vec<&str> {
    answer["timeline"].as_array().unwrap().iter().map(|it| it["kind"].as_str().unwrap()).collect()
}

/// The other causes that are named, with what they are about.
fn further<'a>(answer: &'a Value, cause: &str) -> Option<&'a Value> {
    answer["further"].as_array().unwrap().iter().find(|it| it["cause"] == cause)
}

/// An order stops at `service`, which is stopped, and that has not heard `unheard`.
async fn check_down(service: &str, unheard: &str, said: &[&str]) {
    let mut stack = Stack::stocked().await;
    stack.kill(service);
    let order_id = stack.place(order(1)).await;
    stack.place(order(1)).await;
    let heard = async || Some(whereabouts(&stack, &order_id).await.0).filter(|it| kinds(it) == said);
    eventually("the order comes as far as it can", heard).await;
    let answer = until(&stack, &order_id, "service_down", 4).await;
    let primary = &answer["primary"];
    assert_eq!((&primary["service"], kinds(&answer)), (&json!(service), said.to_vec()), "{answer:#}");
    assert!(primary["unheard"].as_array().unwrap().contains(&json!(unheard)), "{answer:#}");
    assert!(primary["behind"].as_u64().unwrap() >= 2, "two orders were placed: {answer:#}");
    let sentence = primary["sentence"].as_str().unwrap();
    assert!(sentence.starts_with(&format!("{service} is down")) && sentence.contains(unheard), "{sentence}");
    let (program, arguments) = command(&answer).split_once(' ').unwrap();
    assert!(Path::new(program).is_file() && arguments == format!("serve {service}"), "{program} {arguments}");
    assert_eq!(further(&answer, "deadline").unwrap()["service"], json!("order"), "{answer:#}");

    stack.start_service(service);
    stack.await_end(&order_id).await;
    until(&stack, &order_id, "completed", 0).await;
}

#[tokio::test]
async fn where_says_that_inventory_is_down() {
    check_down("inventory", "order.created", &["order.created"]).await;
}

#[tokio::test]
async fn where_says_that_payment_is_down() {
    check_down("payment", "inventory.reserved", &["order.created", "inventory.reserved"]).await;
}

#[tokio::test]
async fn where_says_that_nothing_runs_and_how_everything_is_started() {
    let mut stack = Stack::stocked().await;
    stack.kill("inventory");
    let order_id = stack.place(order(1)).await;
    until(&stack, &order_id, "service_down", 4).await;
    stack.kill_all();
    let answer = until(&stack, &order_id, "service_down", 4).await;
    assert_eq!(answer["primary"]["service"], json!("inventory"), "{answer:#}");
    assert!(command(&answer).ends_with("murmur up"), "{answer:#}");
}

#[tokio::test]
async fn where_says_until_when_the_breaker_is_open() {
    let stack = Stack::stocked().await;
    stack.gateway.mode(json!({"mode": "unavailable"})).await;
    let mut placed = Vec::new();
    for _ in 0..8 {
        placed.push(stack.place(order(1)).await);
    }
    let answer = until(&stack, &placed[0], "breaker_open", 4).await;
    let primary = &answer["primary"];
    assert_eq!((&primary["service"], &primary["effect"]), (&json!("payment"), &json!("charge")), "{answer:#}");
    assert!(primary["last_error"].as_str().unwrap().contains("503"), "{answer:#}");
    primary["until"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let shown = run(&stack, command(&answer)).await.done();
    assert_eq!(shown.json()[0]["status"], json!("charging"), "{shown:#?}");

    let text = stack.murmur(&format!("where {}", placed[0])).await.ended(4).stdout;
    for part in [" 2 inventory  inventory.reserved", "payment waits with the charge until ", "\n  try: ", "deadline"] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    stack.gateway.mode(json!({"mode": "ok"})).await;
    for order_id in &placed {
        stack.await_end(order_id).await;
    }
    until(&stack, &placed[7], "completed", 0).await;
}

#[tokio::test]
async fn where_says_that_a_charge_is_tried_again() {
    let stack = Stack::stocked().await;
    let order_id = stack.place(paid_with("pm_gateway_down")).await;
    let in_vain = async || {
        let (answer, _) = whereabouts(&stack, &order_id).await;
        let primary = answer["primary"].clone();
        let of_payment = primary["service"] == "payment" && primary["attempts"].as_u64()? >= 1;
        of_payment.then_some(primary)
    };
    let primary = eventually("an attempt was in vain", in_vain).await;
    assert!(["effect_waits", "breaker_open"].contains(&primary["cause"].as_str().unwrap()), "{primary}");
    assert!(primary["sentence"].as_str().unwrap().contains("tried again by itself"), "{primary}");
}

/// Types an order under an event id that inventory, and no other who hears of orders, has taken before.
async fn type_an_order_that_inventory_refuses(stack: &Stack, order_id: &str) {
    let id = [("ce-id", "0d5d3b1c-8f5e-4b06-9d0c-5a1f5c1d2e3f")];
    let refunded =
        json!({"order_id": "odd", "transaction_id": "t-1", "refund_id": "r-1", "amount": 1, "currency": "USD"});
    stack.publish_raw("payment.refunded.odd", &id, refunded.to_string()).await;
    let items = json!([{"sku": "widget", "quantity": 1, "unit_price": 1999}]);
    let order = json!({"order_id": order_id, "customer_id": "alice", "items": items});
    stack.publish_raw(&format!("order.created.{order_id}"), &id, order.to_string()).await;
}

#[tokio::test]
async fn where_shows_the_dead_letter_and_then_that_only_the_deadline_is_left() {
    let stack = Stack::stocked().await;
    type_an_order_that_inventory_refuses(&stack, "o-1").await;
    let answer = until(&stack, "o-1", "dead_letter", 4).await;
    let primary = &answer["primary"];
    assert_eq!(
        (&primary["service"], &primary["reason"], &primary["event"]),
        (&json!("inventory"), &json!("id_reused"), &json!("order.created.o-1")),
        "{answer:#}"
    );
    let number = primary["number"].as_u64().unwrap();
    assert!(primary["sentence"].as_str().unwrap().contains(&format!("dead redrive {number}")), "{answer:#}");
    let shown = run(&stack, command(&answer)).await.done().stdout;
    assert!(shown.contains("id_reused") && shown.contains("order.created.o-1"), "{shown}");

    stack.murmur(&format!("dead drop {number}")).await.done();
    let answer = until(&stack, "o-1", "deadline", 4).await;
    let primary = &answer["primary"];
    let at: jiff::Timestamp = primary["at"].as_str().unwrap().parse().unwrap();
    let left = at.duration_since(chassis::ambient::now()).as_secs();
    assert!((600..=900).contains(&left), "{left} s of 15 minutes are left: {answer:#}");
    assert!(primary["sentence"].as_str().unwrap().starts_with("nothing else is under way"), "{answer:#}");
    assert_eq!(further(&answer, "silent").unwrap()["service"], json!("inventory"), "{answer:#}");

    // Nobody has to wait for it.
    run(&stack, command(&answer)).await.done();
    stack.await_end("o-1").await;
    let answer = until(&stack, "o-1", "cancelled", 5).await;
    assert_eq!(answer["primary"]["reason"], json!("customer_request"), "{answer:#}");
}

#[tokio::test]
async fn where_says_that_the_broker_is_down() {
    let mut stack = Stack::stocked().await;
    let order_id = stack.place(order(1)).await;
    stack.broker.kill();
    let answer = until(&stack, &order_id, "broker_down", 3).await;
    let sentence = answer["primary"]["sentence"].as_str().unwrap();
    assert!(sentence.contains(&stack.broker.url()) && sentence.contains("outboxes"), "{sentence}");
    assert_eq!(command(&answer), "nats-server -c nats.conf");
    stack.broker.start_again().await;
    stack.await_end(&order_id).await;
}

#[tokio::test]
async fn where_says_that_a_refund_is_stuck_and_how_it_is_settled() {
    let mut stack = Stack::stocked().await;
    stack.kill("shipping");
    let order_id = stack.place(unserviceable()).await;
    let paid = async || kinds(&whereabouts(&stack, &order_id).await.0).contains(&"order.paid").then_some(());
    eventually("the order is paid", paid).await;
    let answer = until(&stack, &order_id, "service_down", 4).await;
    assert_eq!(answer["primary"]["service"], json!("shipping"), "{answer:#}");
    stack.gateway.mode(json!({"mode": "unavailable"})).await;
    stack.start_service("shipping");
    let answer = until(&stack, &order_id, "refund_stuck", 4).await;
    let primary = &answer["primary"];
    assert!(primary["attempts"].as_u64().unwrap() >= 5, "{answer:#}");
    assert!(primary["reason"].as_str().unwrap().contains("503"), "{answer:#}");

    // As it is printed, with the two words that only a person knows.
    let command = command(&answer).replacen("…", "re_by_hand", 1).replacen("…", "paid back in cash", 1);
    let settled = run(&stack, &command).await.done();
    assert_eq!(settled.json()[0]["status"], json!("refunded"), "{settled:#?}");
    stack.await_end(&order_id).await;
    let answer = until(&stack, &order_id, "cancelled", 5).await;
    assert_eq!(answer["primary"]["reason"], json!("shipping_failed"), "{answer:#}");
}

#[tokio::test]
async fn where_says_how_an_order_ended_and_what_came_then() {
    let stack = Stack::stocked().await;
    let order_id = stack.place(order(1)).await;
    stack.await_end(&order_id).await;
    let answer = until(&stack, &order_id, "completed", 0).await;
    assert_eq!((&answer["primary"]["then"], &answer["primary"]["command"]), (&json!([]), &Value::Null), "{answer:#}");
    stack.get("svc.shipping.dispatch", json!({"order_id": order_id})).await;
    stack.get("svc.shipping.deliver", json!({"order_id": order_id})).await;
    let then = json!(["shipping.dispatched", "shipping.delivered"]);
    let said = async || (whereabouts(&stack, &order_id).await.0["primary"]["then"] == then).then_some(());
    eventually("it is said that the order is delivered", said).await;

    // What somebody types about it afterwards, and its owner refuses, does not change that.
    let again = json!({"customer_id": "mallory", "items": [{"sku": "widget", "quantity": 1, "unit_price": 1}]});
    stack.publish_raw(&format!("order.created.{order_id}"), &[], again.to_string()).await;
    let letter = async || {
        let (answer, _) = whereabouts(&stack, &order_id).await;
        further(&answer, "dead_letter").is_some().then_some(answer)
    };
    let answer = eventually("the dead letter is named", letter).await;
    assert_eq!(answer["primary"]["cause"], json!("completed"), "{answer:#}");

    let declined = stack.place(paid_with("pm_card_declined")).await;
    stack.await_end(&declined).await;
    let answer = until(&stack, &declined, "cancelled", 5).await;
    assert_eq!(answer["primary"]["reason"], json!("payment_declined"), "{answer:#}");
}

#[tokio::test]
async fn where_knows_what_it_does_not_know() {
    let stack = Stack::stocked().await;
    let answer = until(&stack, "no-such-order", "unknown", 2).await;
    assert_eq!((kinds(&answer).len(), further(&answer, "service_down")), (0, None), "{answer:#}");
    run(&stack, command(&answer)).await.done();

    // Typed without a key, and no service could take it: no event, but a dead letter.
    let items = json!([{"sku": "widget", "quantity": 1, "unit_price": 1999}]);
    let body = json!({"order_id": "o-7", "customer_id": "alice", "items": items, "total": 1});
    stack.publish_raw("order.created", &[], body.to_string()).await;
    let answer = until(&stack, "o-7", "dead_letter", 4).await;
    assert_eq!(
        (&answer["primary"]["service"], &answer["primary"]["event"]),
        (&json!("order"), &json!("order.created")),
        "{answer:#}"
    );
    let refused = stack.murmur("where not.a.key").await.ended(2);
    assert!(refused.stdout.is_empty(), "{refused:?}");
    let waited = stack.murmur("watch --timeout 1 no-such-order").await.ended(4);
    assert!(waited.stderr.contains("`murmur where no-such-order` says why"), "{waited:?}");
}
