//! Logs are for people: each line says who speaks, and of which order. No secret is ever among them.

use std::fs;

use serde_json::json;

use crate::{
    orders::{order, unserviceable},
    stack::{GATEWAY_KEY, SERVICES, Stack},
};

/// A stack on which an order went well, one was undone, and the gateway was away for a while.
async fn eventful(rust_log: &'static str) -> (Stack, String) {
    let mut stack = Stack::start_with_logs(rust_log).await;
    stack.stock("widget", 1999, 10).await;
    stack.gateway.mode(json!({"mode": "unavailable", "requests": 2})).await;
    let order_id = stack.place(unserviceable()).await;
    stack.await_end(&order_id).await;
    stack.gateway.kill();
    let order_id = stack.place(order(1)).await;
    let tried = async || {
        let answer = stack.ask("svc.payment.get", json!({"order_id": order_id})).await.ok()?;
        String::from_utf8(answer).unwrap().contains("last_error").then_some(())
    };
    crate::await_condition::eventually("the gateway is missed", tried).await;
    stack.gateway.start_again().await;
    stack.await_end(&order_id).await;
    (stack, order_id)
}

#[tokio::test]
async fn every_line_names_its_service_and_the_order_that_it_is_about() {
    let (stack, order_id) = eventful("info,async_nats=warn").await;
    for (service, output) in stack.outputs() {
        for line in output.lines() {
            assert_eq!(line.split_whitespace().nth(1), Some(service), "{line}");
        }
    }
    for (service, kind) in [
        ("order", "order.created"),
        ("inventory", "inventory.reserved"),
        ("payment", "payment.completed"),
        ("order", "order.paid"),
        ("shipping", "shipping.scheduled"),
        ("order", "order.completed"),
    ] {
        let outputs = stack.outputs();
        let mut lines = outputs[service].lines();
        let said = lines.any(|line| line.contains(&format!("said {kind}")) && line.contains(&order_id));
        assert!(said, "no line of {service} says {kind} of {order_id}");
    }
    let retried =
        stack.outputs()["payment"].lines().any(|line| line.contains("tried again") && line.contains(&order_id));
    assert!(retried, "no line of payment says that the charge of {order_id} is tried again");
}

#[tokio::test]
async fn the_gateways_key_is_seen_nowhere() {
    // As much as there is, of the libraries too.
    let (stack, _) = eventful("trace,async_nats=info").await;
    let mut places: Vec<(String, Vec<u8>)> = Vec::new();
    places.extend(stack.outputs().into_iter().map(|(service, output)| (service.to_owned(), output.into_bytes())));
    places.extend(stack.messages().await.into_iter().map(|message| (message.subject, message.body)));
    for service in SERVICES {
        let store = stack.folder().join("data").join(service).join("db");
        places.push((store.display().to_string(), fs::read(store).unwrap()));
    }
    for (place, content) in places {
        let seen = content.windows(GATEWAY_KEY.len()).any(|window| window == GATEWAY_KEY.as_bytes());
        assert!(!seen, "the key is in {place}");
    }
}
