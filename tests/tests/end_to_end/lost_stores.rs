//! Stores that are lost, or older than they should be: a service learns again from the stream what it knew, and nothing
//! happens a second time.

use std::{fs, path::Path};

use serde_json::json;

use crate::{
    load::Load,
    stack::{SERVICES, Stack},
};

const ORDERS: usize = 40;

/// A stack on which [`ORDERS`] orders of all kinds have ended, and others were cancelled at each moment or delivered.
async fn ended() -> Stack {
    let stack = Stack::stocked().await;
    let placed = Load::on(&stack).orders(ORDERS).await;
    stack.check_load(&placed).await;
    stack.cancelled_pending().await;
    stack.cancelled_confirmed().await;
    stack.cancelled_charged().await;
    stack.cancelled_paid().await;
    stack.cancelled_scheduled().await;
    stack.cancel_refused().await;
    stack.delivered().await;
    stack.settle().await;
    stack
}

/// Stops the service, changes its store, and starts it again.
async fn with_store_changed(stack: &mut Stack, service: &str, change: impl FnOnce(&Path)) {
    assert_eq!(stack.terminate(service).await, Some(0));
    change(&stack.folder().join("data").join(service));
    stack.start_service(service);
    stack.ready(service).await;
    stack.settle().await;
}

pub fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy_folder(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).unwrap()),
        }
    }
}

#[tokio::test]
async fn a_service_without_its_store_learns_again_what_it_knew() {
    let mut stack = ended().await;
    let before = stack.state().await;
    for service in SERVICES {
        with_store_changed(&mut stack, service, |store| fs::remove_dir_all(store).unwrap()).await;
        stack.check_unchanged(&before, &format!("{service} lost its store")).await;
    }
    stack.check_all().await;
}

#[tokio::test]
async fn a_service_whose_store_is_older_than_what_it_said_says_nothing_new() {
    let mut stack = Stack::stocked().await;
    let backup = stack.folder().join("backup");
    for service in SERVICES {
        let save = |store: &Path| copy_folder(store, &backup.join(service));
        with_store_changed(&mut stack, service, save).await;
    }
    let placed = Load::on(&stack).orders(ORDERS).await;
    for (order_id, _) in &placed {
        stack.await_end(order_id).await;
    }
    stack.settle().await;
    let before = stack.state().await;
    for service in SERVICES {
        let restore = |store: &Path| {
            fs::remove_dir_all(store).unwrap();
            copy_folder(&backup.join(service), store);
        };
        with_store_changed(&mut stack, service, restore).await;
        stack.check_unchanged(&before, &format!("{service} went back in time")).await;
    }
    stack.check_all().await;
}

#[tokio::test]
async fn a_lost_store_is_rebuilt_without_asking_the_gateway_again() {
    let mut stack = ended().await;
    // Whatever reaches the gateway from here on is seen.
    stack.gateway.mode(json!({"mode": "unavailable"})).await;
    assert_eq!(stack.terminate("payment").await, Some(0));
    fs::remove_dir_all(stack.folder().join("data/payment")).unwrap();
    stack.start_service("payment");
    stack.await_knowledge("payment").await;
    stack.gateway.mode(json!({"mode": "ok"})).await;
    stack.settle().await;
    assert_eq!(stack.gateway.treated_as("Unavailable"), 0, "requests of orders that had ended");
    stack.check_all().await;
}
