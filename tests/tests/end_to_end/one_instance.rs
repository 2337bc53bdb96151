//! One active instance per service: a second one waits, or is refused, and never shares the work.

use std::time::{Duration, Instant};

use futures_util::{StreamExt, future::join_all};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{
    await_condition::eventually,
    orders::{FULFILLED, UNSERVICEABLE, order, unserviceable},
    stack::Stack,
};

/// A second payment service, with a store of its own, that stands by.
async fn with_a_second_payment() -> Stack {
    let mut stack = Stack::stocked().await;
    stack.start_instance("payment-2", "payment", "data-2");
    let stands_by = async || stack.outputs()["payment-2"].contains("this one stands by").then_some(());
    eventually("the second payment service stands by", stands_by).await;
    stack
}

/// Who answers to the name of `service`, by instance id.
async fn who_answers(stack: &Stack, service: &str) -> Vec<String> {
    let inbox = stack.nats.new_inbox();
    let mut answers = stack.nats.subscribe(inbox.clone()).await.unwrap();
    stack.nats.publish_with_reply(format!("$SRV.PING.{service}"), inbox, "".into()).await.unwrap();
    let mut instances = Vec::new();
    // That nobody else answers shows by nothing more coming.
    while let Ok(Some(answer)) = timeout(Duration::from_millis(500), answers.next()).await {
        let answer: Value = serde_json::from_slice(&answer.payload).unwrap();
        instances.push(answer["id"].as_str().unwrap().to_owned());
    }
    instances
}

/// One order that goes well and one that is undone, both step by step.
async fn check_both_ways(stack: &Stack) {
    for (order, said) in [(order(1), FULFILLED), (unserviceable(), UNSERVICEABLE)] {
        let order_id = stack.place(order).await;
        stack.await_end(&order_id).await;
        assert_eq!(stack.saga(&order_id).await, said);
    }
}

#[tokio::test]
async fn a_second_instance_with_another_store_stands_by_and_takes_nothing() {
    let stack = with_a_second_payment().await;
    check_both_ways(&stack).await;
    assert_eq!(who_answers(&stack, "payment").await.len(), 1);
    let said = stack.outputs()["payment-2"].clone();
    assert!(!said.contains("said ") && !said.contains("ready"), "{said}");
    stack.check_all().await;
}

#[tokio::test]
async fn a_second_instance_takes_over_when_the_first_one_stops_and_nobody_is_charged_twice() {
    let mut stack = with_a_second_payment().await;
    check_both_ways(&stack).await;
    let first = who_answers(&stack, "payment").await;
    assert_eq!(stack.terminate("payment").await, Some(0));
    stack.ready("payment").await;
    let second = who_answers(&stack, "payment").await;
    assert_eq!((second.len(), second == first), (1, false));
    check_both_ways(&stack).await;
    stack.settle().await;
    stack.check_all().await;
}

#[tokio::test]
async fn two_instances_take_turns_and_what_one_did_the_other_does_not_do_again() {
    let mut stack = with_a_second_payment().await;
    check_both_ways(&stack).await;
    for (stops, data) in [("payment", "data"), ("payment-2", "data-2"), ("payment", "data")] {
        // Whatever of the past reaches the gateway while the other one takes over is seen.
        stack.gateway.mode(json!({"mode": "unavailable"})).await;
        assert_eq!(stack.terminate(stops).await, Some(0));
        stack.ready("payment").await;
        stack.await_knowledge("payment").await;
        stack.gateway.mode(json!({"mode": "ok"})).await;
        check_both_ways(&stack).await;
        // It comes back with the store that it had, and stands by until the other one stops.
        stack.start_instance(stops, "payment", data);
        let stands_by = async || stack.own_output(stops).contains("this one stands by").then_some(());
        eventually("the other instance stands by", stands_by).await;
    }
    assert_eq!(stack.gateway.treated_as("Unavailable"), 0, "requests of orders that had ended");
    stack.settle().await;
    stack.check_all().await;
}

#[tokio::test]
async fn a_second_instance_takes_over_from_one_that_was_killed_in_the_middle_of_its_work() {
    let (stack, order_id) = killed_in_the_middle(order(1)).await;
    stack.await_end(&order_id).await;
    assert_eq!(stack.saga(&order_id).await, FULFILLED);
    stack.settle().await;
    stack.check_all().await;
}

#[tokio::test]
async fn what_was_finished_elsewhere_is_not_begun_again_by_the_one_that_was_killed() {
    let (mut stack, order_id) = killed_in_the_middle(unserviceable()).await;
    stack.await_end(&order_id).await;
    // Its store still has the charge on its way; by now it is charged, and refunded.
    stack.start_instance("payment", "payment", "data");
    let stands_by = async || stack.own_output("payment").contains("this one stands by").then_some(());
    eventually("the first instance stands by", stands_by).await;
    // It hears all that before the gateway answers.
    stack.gateway.mode(json!({"mode": "slow", "slow_ms": 300})).await;
    assert_eq!(stack.terminate("payment-2").await, Some(0));
    stack.ready("payment").await;
    check_both_ways(&stack).await;
    stack.settle().await;
    assert_eq!(stack.saga(&order_id).await, UNSERVICEABLE);
    stack.check_all().await;
}

/// The first payment service is killed after the gateway charged `order` and before it could hear of it.
async fn killed_in_the_middle(order: Value) -> (Stack, String) {
    let mut stack = with_a_second_payment().await;
    check_both_ways(&stack).await;
    stack.gateway.mode(json!({"mode": "lost_reply"})).await;
    let order_id = stack.place(order).await;
    eventually("the charge is made", async || (stack.gateway.ledger().await.charges.len() > 2).then_some(())).await;
    stack.kill("payment");
    stack.gateway.mode(json!({"mode": "ok"})).await;
    (stack, order_id)
}

#[tokio::test]
async fn a_lease_is_not_lost_to_renewals_of_its_own_that_arrive_late() {
    let stack = Stack::stocked().await;
    let bucket = async_nats::jetstream::new(stack.nats.clone()).get_key_value("leases").await.unwrap();
    let own = bucket.entry("payment").await.unwrap().expect("it is held").value;
    // As a broker that stood still lets them arrive: whenever the service looks, the entry has changed since. Longer than
    // the lease lasts, so that it lapses by the service's own clock.
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(7) {
        join_all((0..8).map(|_| bucket.put("payment", own.clone()))).await;
    }
    assert!(!stack.own_output("payment").contains("took over"), "{}", stack.own_output("payment"));
    check_both_ways(&stack).await;
    stack.check_all().await;
}

#[tokio::test]
async fn a_second_instance_with_the_same_store_is_refused_with_one_sentence() {
    let mut stack = Stack::stocked().await;
    stack.start_instance("payment-2", "payment", "data");
    let code = stack.process("payment-2").end().await;
    let said = stack.outputs()["payment-2"].clone();
    assert!(code.is_some_and(|code| code != 0), "{code:?}: {said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains("is held by another process"), "{said}");
    check_both_ways(&stack).await;
    stack.check_all().await;
}
