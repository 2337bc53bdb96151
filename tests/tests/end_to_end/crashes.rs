//! SIGKILL in the middle of the work, to every process in turn.

use crate::{
    load::Load,
    stack::{SERVICES, Stack},
};

/// At least.
const ORDERS: usize = 200;

/// Places orders. Each time that as many of them have ended as `after` says, in the middle of the others, `disturb`
/// happens.
async fn run(after: impl IntoIterator<Item = usize>, mut disturb: impl AsyncFnMut(&mut Stack, usize)) {
    let mut stack = Stack::stocked().await;
    let load = Load::on(&stack);
    let disturbing = async {
        for (round, ended) in after.into_iter().enumerate() {
            stack.await_ends(ended).await;
            disturb(&mut stack, round).await;
        }
    };
    let placed = load.orders_during(ORDERS, disturbing).await;
    stack.check_load(&placed).await;
}

#[tokio::test]
async fn every_service_is_killed_in_the_middle_of_200_orders() {
    run([20, 45, 70, 95, 120, 145], async |stack, round| {
        stack.kill(SERVICES[round]);
        stack.start_service(SERVICES[round]);
    })
    .await;
}

#[tokio::test]
async fn services_are_killed_again_and_again() {
    run((1..16).map(|round| round * 10), async |stack, round| {
        let service = SERVICES[round % SERVICES.len()];
        stack.kill(service);
        stack.start_service(service);
    })
    .await;
}

#[tokio::test]
async fn all_services_are_killed_at_once_and_again_before_they_are_back() {
    run([30, 90], async |stack, _| {
        stack.kill_all();
        stack.start_all();
        // Somewhere in the middle of going on from the last commit.
        stack.ready("order").await;
        stack.kill_all();
        stack.start_all();
    })
    .await;
}

#[tokio::test]
async fn the_payment_gateway_is_killed_in_the_middle_of_200_orders() {
    run([10, 50], async |stack, _| {
        stack.gateway.kill();
        stack.gateway.start_again().await;
    })
    .await;
}
