//! SIGSTOP under load: a process that stands still for longer than its lease lasts, and in the long form for longer than the
//! broker waits for acknowledgements, and then goes on as if nothing had been.

use std::time::{Duration, Instant};

use serde_json::json;
use tests::proof::{Proof, times};

use crate::{
    await_condition::eventually,
    load::{BETWEEN_FAULTS, Load},
    orders::order,
    stack::{SERVICES, Stack},
};

/// At least.
const ORDERS: usize = 60;

/// A lease lasts for 6 s; the broker waits for an acknowledgement for 30 s.
fn lasting() -> Duration {
    Duration::from_secs(times(8, 35))
}

async fn passes(duration: Duration) {
    let began = Instant::now();
    eventually(&format!("{duration:?} pass"), async || (began.elapsed() >= duration).then_some(())).await;
}

fn record(fault: &str, tried: u64, acknowledged: usize) {
    Proof {
        part: "stops".to_owned(),
        fault: format!("{fault} for {:?}", lasting()),
        tried,
        acknowledged: acknowledged as u64,
        repeat: "just prove stops".to_owned(),
        ..Proof::default()
    }
    .record();
}

#[tokio::test]
async fn a_service_that_stands_still_for_a_while_goes_on() {
    let mut stack = Stack::stocked().await;
    let load = Load::on(&stack);
    let services = &["payment", "order", "inventory", "shipping", "notification", "view", "customer"];
    assert_eq!(services.len(), SERVICES.len());
    let services = &services[..times(2, 7) as usize];
    let stopping = async {
        for service in services {
            stack.await_more_ends(BETWEEN_FAULTS).await;
            stack.process(service).stand_still();
            passes(lasting()).await;
            stack.process(service).go_on();
        }
    };
    let placed = load.orders_during(ORDERS, stopping).await;
    stack.check_load(&placed).await;
    record("SIGSTOP of a service", services.len() as u64, placed.len());
}

#[tokio::test]
async fn a_broker_that_stands_still_for_a_while_goes_on() {
    let stack = Stack::stocked().await;
    let load = Load::on(&stack);
    let tried = times(1, 5);
    let stopping = async {
        for _ in 0..tried {
            stack.await_more_ends(BETWEEN_FAULTS).await;
            stack.broker.stand_still();
            passes(lasting()).await;
            stack.broker.go_on();
        }
    };
    let placed = load.orders_during(ORDERS, stopping).await;
    stack.check_load(&placed).await;
    record("SIGSTOP of the broker", tried, placed.len());
}

#[tokio::test]
async fn a_service_that_stood_still_while_another_took_over_ends_and_charges_nobody_twice() {
    let mut stack = Stack::stocked().await;
    stack.start_instance("payment-2", "payment", "data-2");
    let stands_by = async || stack.outputs()["payment-2"].contains("this one stands by").then_some(());
    eventually("the second payment service stands by", stands_by).await;
    let load = Load::on(&stack);
    let stopping = async {
        // In the middle of a charge: its answer comes when nobody listens.
        stack.await_ends(10).await;
        stack.gateway.mode(json!({"mode": "slow", "slow_ms": 1000, "requests": 20})).await;
        let order_id = stack.place(order(1)).await;
        stack.await_said("inventory.reserved", &order_id).await;
        stack.process("payment").stand_still();
        let took_over = async || stack.outputs()["payment-2"].contains("ready").then_some(());
        eventually("the second payment service takes over", took_over).await;
        stack.await_end(&order_id).await;
        stack.process("payment").go_on();
        assert_eq!(stack.process("payment").end().await, Some(1), "it has to end");
        let said = stack.own_output("payment");
        assert!(said.contains("another instance of payment took over"), "{said}");
        order_id
    };
    let own = std::cell::OnceCell::new();
    let stopping = async {
        let order_id = stopping.await;
        own.set(order_id).expect("it is placed once");
    };
    let mut placed = load.orders_during(ORDERS, stopping).await;
    placed.push((own.into_inner().expect("it was placed"), crate::orders::FULFILLED));
    stack.check_load(&placed).await;
    record("SIGSTOP of a service while another takes over", 1, placed.len());
}
