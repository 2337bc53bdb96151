//! The broker goes away and comes back, with the store that it had.

use crate::{await_condition::eventually, load::Load, stack::Stack};

/// At least.
const ORDERS: usize = 100;

#[tokio::test]
async fn the_broker_is_killed_in_the_middle_of_100_orders() {
    let mut stack = Stack::stocked().await;
    let load = Load::on(&stack);
    let disturbing = async {
        for ended in [20, 50] {
            stack.await_ends(ended).await;
            stack.restart_broker().await;
        }
    };
    let placed = load.orders_during(ORDERS, disturbing).await;
    stack.check_load(&placed).await;
}

#[tokio::test]
async fn the_services_wait_for_a_broker_that_is_away_for_longer_than_their_leases_last() {
    let mut stack = Stack::stocked().await;
    let load = Load::on(&stack);
    let disturbing = async {
        stack.await_ends(20).await;
        stack.broker.kill();
        // The lease is asked for every two seconds and lasts for six.
        let began = std::time::Instant::now();
        eventually("the leases have lapsed", async || (began.elapsed().as_secs() >= 8).then_some(())).await;
        stack.broker.start_again().await;
    };
    let placed = load.orders_during(ORDERS, disturbing).await;
    stack.check_load(&placed).await;
}
