//! SIGTERM under load: what was taken is finished, the rest waits; and how the services are found while they run.

use std::{
    fs,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    load::Load,
    orders::order,
    stack::{SERVICES, Stack},
};

/// What the contract has each service answer.
const COMMANDS: [(&str, &[&str]); 7] = [
    ("order", &["place", "cancel", "get", "waits", "figures"]),
    ("inventory", &["stock", "get", "waits", "figures"]),
    ("payment", &["get", "settle", "waits", "figures"]),
    ("shipping", &["dispatch", "deliver", "get", "waits", "figures"]),
    ("customer", &["register", "update", "get", "waits", "figures"]),
    ("notification", &["waits", "figures"]),
    ("view", &["order", "orders", "stats", "rebuild", "waits", "figures"]),
];

#[tokio::test]
async fn a_service_that_is_asked_to_stop_under_load_ends_well_and_in_time() {
    let mut stack = Stack::stocked().await;
    let load = Load::on(&stack);
    let stopping = async {
        for (service, ended) in SERVICES.into_iter().zip((15..).step_by(20)) {
            stack.await_ends(ended).await;
            let began = Instant::now();
            assert_eq!(stack.terminate(service).await, Some(0), "{service}");
            // Its own deadline is ten seconds.
            assert!(began.elapsed() < Duration::from_secs(12), "{service} took {:?}", began.elapsed());
            stack.start_service(service);
        }
    };
    let placed = load.orders_during(120, stopping).await;
    for (instance, output) in stack.outputs() {
        assert!(output.contains("stopped"), "{instance} ended without a word:\n{output}");
        assert!(!output.contains("not everything ended"), "{instance}:\n{output}");
    }
    stack.check_load(&placed).await;
}

#[tokio::test]
async fn services_that_stop_without_a_broker_end_by_themselves() {
    let mut stack = Stack::stocked().await;
    stack.broker.kill();
    for service in SERVICES {
        stack.process(service).ask_to_stop();
    }
    for service in SERVICES {
        let code = stack.process(service).end().await;
        assert_eq!(code, Some(0), "{service}: {}", stack.outputs()[service]);
    }
}

#[tokio::test]
async fn every_service_is_found_with_its_commands_and_counts_them() {
    let mut stack = Stack::stocked().await;
    let order_id = stack.place(order(1)).await;
    stack.await_end(&order_id).await;
    for service in SERVICES.iter().filter(|_| cfg!(target_os = "linux")) {
        let called = fs::read_to_string(format!("/proc/{}/comm", stack.process(service).id())).unwrap();
        assert_eq!(called.trim(), *service, "the name of its process");
    }
    let ask = async |verb: &str, service: &str| -> Value {
        let answer = stack.nats.request(format!("$SRV.{verb}.{service}"), "".into()).await.unwrap();
        serde_json::from_slice(&answer.payload).unwrap()
    };
    for (service, commands) in COMMANDS {
        let info = ask("INFO", service).await;
        let mut subjects: Vec<_> =
            info["endpoints"].as_array().unwrap().iter().map(|it| it["subject"].as_str().unwrap().to_owned()).collect();
        let mut expected: Vec<_> = commands.iter().map(|command| format!("svc.{service}.{command}")).collect();
        subjects.sort();
        expected.sort();
        assert_eq!((info["name"].as_str(), subjects), (Some(service), expected));
    }
    let stats = ask("STATS", "order").await;
    let place = stats["endpoints"].as_array().unwrap().iter().find(|it| it["name"] == "place").unwrap();
    // Those that asked for the price were refused.
    assert_eq!((place["num_requests"].as_u64() >= Some(2), place["num_errors"].as_u64() >= Some(1)), (true, true));
}
