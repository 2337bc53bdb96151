//! Whatever is sent to whatever command: it is refused with a code and one sentence, or it makes sense. The service goes on.

use chassis::Refusal;
use serde_json::{Value, json};

use crate::{
    orders::{FULFILLED, WIDGET, order},
    stack::{SERVICES, Stack},
};

/// Every command, with a body that it takes and the field of an id that it cannot do without.
fn commands() -> Vec<(String, Value, Option<&'static str>)> {
    let of_an_order = || json!({"order_id": "no-such-order"});
    let customer = || json!({"customer_id": "bob", "name": "Bob", "email": "bob@example.com"});
    let of = |subject: &str, body: Value, id: &'static str| (subject.to_owned(), body, Some(id));
    let mut commands = vec![
        of("svc.order.place", order(1), "customer_id"),
        of("svc.order.cancel", json!({"order_id": "no-such-order", "reason": "too slow"}), "order_id"),
        of("svc.order.get", of_an_order(), "order_id"),
        of("svc.inventory.stock", json!({"sku": "w", "name": "W", "unit_price": 1, "quantity": 1}), "sku"),
        of("svc.inventory.get", json!({"sku": WIDGET}), "sku"),
        of("svc.payment.get", of_an_order(), "order_id"),
        of("svc.payment.settle", json!({"order_id": "no-such-order", "refund_id": "r", "note": "n"}), "order_id"),
        of("svc.shipping.get", of_an_order(), "order_id"),
        of("svc.shipping.dispatch", of_an_order(), "order_id"),
        of("svc.shipping.deliver", of_an_order(), "order_id"),
        of("svc.customer.register", customer(), "customer_id"),
        of("svc.customer.update", customer(), "customer_id"),
        of("svc.customer.get", json!({"customer_id": "bob"}), "customer_id"),
        of("svc.view.order", of_an_order(), "order_id"),
        ("svc.view.orders".to_owned(), json!({"customer_id": "bob", "status": "pending", "limit": 1}), None),
        ("svc.view.stats".to_owned(), json!({}), None),
        ("svc.view.rebuild".to_owned(), json!({}), None),
    ];
    for about_itself in ["waits", "figures"] {
        commands.extend(SERVICES.map(|service| (format!("svc.{service}.{about_itself}"), json!({}), None)));
    }
    commands
}

/// Bodies that make no sense to any command.
fn nonsense() -> Vec<Vec<u8>> {
    let nested = |open: &str, close: &str, depth: usize| format!("{}7{}", open.repeat(depth), close.repeat(depth));
    let mut bodies = vec![
        vec![b'x'; 1_000_000],
        json!({"order_id": "x".repeat(1_000_000)}).to_string().into_bytes(),
        vec![b'['; 1_000_000],
        nested("[", "]", 3000).into_bytes(),
        nested(r#"{"order_id":"#, "}", 400).into_bytes(),
        b"{\"order_id\":\"\xff\xfe\"}".to_vec(),
        b"{\"order_id\":\"o-\x001\"}".to_vec(),
        vec![0; 100],
    ];
    let texts =
        ["null", "7", "\"o-1\"", "[]", "[\"o-1\"]", "{", "{}}", "{\"order_id\"}", "\r\n", "\u{feff}{}", "{} {}"];
    bodies.extend(texts.map(|text| text.as_bytes().to_vec()));
    bodies
}

/// Values that no field of an id takes.
fn no_ids() -> Vec<Value> {
    let texts = ["", "a b", "a.b", ">", "*", "a\0b", "a\r\nNats-Service-Error-Code: 200", "\u{202e}ä", "../../etc"];
    let mut values = texts.map(|text| json!(text)).to_vec();
    values.extend([
        json!("x".repeat(65)),
        json!(null),
        json!(7),
        json!(1e308),
        json!(true),
        json!([]),
        json!({"a": 1}),
    ]);
    values
}

/// A code that says whose fault it is, and one line that says what to do.
fn check_sentence(what: &str, refusal: &Refusal) {
    let Refusal { code, message } = refusal;
    assert!([400, 404, 409, 422].contains(code), "{what}: {refusal:?}");
    assert!(!message.is_empty() && message.chars().count() <= 500, "{what}: {refusal:?}");
    assert!(!message.contains(char::is_control), "{what}: {refusal:?}");
}

fn described(subject: &str, body: &[u8]) -> String {
    format!("{subject} {}", String::from_utf8_lossy(&body[..body.len().min(120)]))
}

async fn check_refused(stack: &Stack, subject: &str, body: Vec<u8>) {
    let what = described(subject, &body);
    let refusal = stack.client.command(subject, body).await.expect_err(&what);
    check_sentence(&what, &refusal);
}

#[tokio::test]
async fn every_command_refuses_nonsense_with_a_code_and_a_sentence() {
    let stack = Stack::stocked().await;
    let before = stack.messages().await.len();
    for (subject, good, needed) in commands() {
        for body in nonsense() {
            check_refused(&stack, &subject, body).await;
        }
        for (field, value) in needed.into_iter().flat_map(|field| no_ids().into_iter().map(move |value| (field, value)))
        {
            let mut body = good.clone();
            body[field] = value;
            check_refused(&stack, &subject, body.to_string().into_bytes()).await;
        }
        let mut unknown = good.clone();
        unknown["nobody_knows_this"] = json!(1);
        check_refused(&stack, &subject, unknown.to_string().into_bytes()).await;
        let mut keyed = good;
        keyed["idempotency_key"] = json!("x".repeat(256));
        check_refused(&stack, &subject, keyed.to_string().into_bytes()).await;
    }
    assert_eq!(stack.messages().await.len(), before, "what is refused says nothing");
    check_goes_on(&stack).await;
}

#[tokio::test]
async fn every_field_of_every_command_takes_what_makes_sense_and_nothing_else() {
    let stack = Stack::stocked().await;
    let mut values = no_ids();
    values.extend([json!(-1), json!(i64::MIN), json!(u64::MAX), json!("x".repeat(5000)), json!([[]]), json!([{}])]);
    for (subject, good, _) in commands() {
        for field in good.as_object().unwrap().keys() {
            for value in &values {
                let mut body = good.clone();
                body[field] = value.clone();
                let body = body.to_string().into_bytes();
                let what = described(&subject, &body);
                if let Err(refusal) = stack.client.command(&subject, body).await {
                    check_sentence(&what, &refusal);
                }
            }
        }
    }
    check_goes_on(&stack).await;
}

#[tokio::test]
async fn a_command_that_nobody_waits_for_is_in_nobodys_way() {
    let stack = Stack::stocked().await;
    for (subject, good, _) in commands() {
        stack.publish_raw(&subject, &[], good.to_string()).await;
        for body in nonsense() {
            stack.publish_raw(&subject, &[], body).await;
        }
    }
    check_goes_on(&stack).await;
}

/// Nothing was parked, and whoever asks for something that makes sense gets it.
async fn check_goes_on(stack: &Stack) {
    let order_id = stack.place(order(1)).await;
    stack.await_end(&order_id).await;
    assert_eq!(stack.saga(&order_id).await, FULFILLED);
    stack.settle().await;
    stack.check_all().await;
    for (instance, output) in stack.outputs() {
        assert!(!output.contains("panicked"), "{instance}: {output}");
    }
}
