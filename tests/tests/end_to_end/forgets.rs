//! The broker forgets what it has confirmed: it is there again, at the same address, with an older store or with none. It
//! syncs every two minutes here, as it does where nobody tells it otherwise, so this is what a power cut leaves of it.
//!
//! What it forgot is said again by those who said it, and every order that was answered comes to its end, once.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use async_nats::jetstream;
use events::EVENTS;
use fastrand::Rng;
use tests::proof::times;

use crate::{
    await_condition::eventually,
    broker::Syncs,
    disk::run,
    load::Load,
    lost_stores::copy_folder,
    stack::{SERVICES, Stack},
    tally::{Order, Tried},
};

const PART: &str = "rollbacks";

const SEED: u64 = 0x6d75_726d;

/// What the broker has left.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Left {
    /// What it had some orders ago.
    Some,
    /// Nothing: no stream, no consumer, no lease.
    Nothing,
}

/// What the services do meanwhile.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Services {
    GoOn,
    /// They are killed with the broker, and started with it.
    StartAgain,
}

#[tokio::test]
async fn the_broker_comes_back_with_an_older_store() {
    forget("the broker comes back with an older store", times(1, 8), Left::Some, Services::GoOn).await;
}

#[tokio::test]
async fn the_broker_comes_back_with_nothing() {
    forget("the broker comes back with nothing", times(1, 6), Left::Nothing, Services::GoOn).await;
}

#[tokio::test]
async fn the_broker_comes_back_with_an_older_store_and_the_services_start_with_it() {
    let fault = "the broker comes back with an older store, while all services start again";
    forget(fault, times(1, 4), Left::Some, Services::StartAgain).await;
}

#[tokio::test]
async fn the_broker_comes_back_with_nothing_and_the_services_start_with_it() {
    let fault = "the broker comes back with nothing, while all services start again";
    forget(fault, times(0, 4), Left::Nothing, Services::StartAgain).await;
}

/// Nobody is cut off, and nobody has anything more to say: the relays look by themselves.
#[tokio::test]
async fn a_stream_that_somebody_deleted_is_made_and_filled_again() {
    let stack = Stack::stocked().await;
    let placed = Load::on(&stack).orders(12).await;
    stack.check_load(&placed).await;
    let before: BTreeSet<_> = stack.log().await.into_iter().map(|fact| fact.id).collect();
    let broker = jetstream::new(stack.nats.clone());
    broker.delete_stream(EVENTS).await.unwrap();
    let all_again = async || {
        broker.get_stream(EVENTS).await.ok()?;
        let now: BTreeSet<_> = stack.log().await.into_iter().map(|fact| fact.id).collect();
        before.is_subset(&now).then_some(())
    };
    eventually("all that was said stands in the new stream", all_again).await;
}

/// The broker forgets again and again while orders are placed.
async fn forget(fault: &str, rollbacks: u64, left: Left, services: Services) {
    if rollbacks == 0 {
        return;
    }
    let mut stack = Stack::stocked_in(tempfile::tempdir().unwrap(), Syncs::NowAndThen).await;
    let load = Load::on(&stack);
    let mut rng = Rng::with_seed(SEED);
    let mut forgotten = 0;
    let forgetting = async {
        for _ in 0..rollbacks {
            stack.await_more_ends(rng.usize(12..24)).await;
            let kept = if left == Left::Some { stack.messages().await.len() } else { 0 };
            stack.keep_brokers_store();
            stack.await_more_ends(rng.usize(12..36)).await;
            forgotten += stack.messages().await.len() - kept;
            stack.roll_back(left, services).await;
        }
    };
    let placed = load.orders_during(40, forgetting).await;
    assert!(forgotten > 0, "a broker that forgot nothing shows nothing");
    let figures = BTreeMap::from([("events that were forgotten".to_owned(), forgotten as u64)]);
    stack.prove(Tried { part: PART, fault, times: rollbacks, figures, order: Order::Lost }, &placed).await;
}

impl Stack {
    /// Copies the broker's store as it is at this moment, with orders on their way.
    fn keep_brokers_store(&self) {
        let broker = self.broker.process().to_string();
        let kept = self.folder().join("kept");
        // The first time there is none.
        fs::remove_dir_all(&kept).ok();
        run("/bin/kill", &["-STOP", &broker]);
        copy_folder(&self.broker.store(), &kept);
        run("/bin/kill", &["-CONT", &broker]);
    }

    /// The broker is killed, and comes back with what it has left.
    async fn roll_back(&mut self, left: Left, services: Services) {
        self.broker.kill();
        if services == Services::StartAgain {
            self.kill_all();
        }
        fs::remove_dir_all(self.broker.store()).unwrap();
        if left == Left::Some {
            copy_folder(&self.folder().join("kept"), &self.broker.store());
        }
        match services {
            Services::GoOn => {}
            // Some of them before there is a broker.
            Services::StartAgain => SERVICES[..3].iter().for_each(|service| self.start_service(service)),
        }
        self.broker.start_again().await;
        if services == Services::StartAgain {
            SERVICES[3..].iter().for_each(|service| self.start_service(service));
        }
    }
}
