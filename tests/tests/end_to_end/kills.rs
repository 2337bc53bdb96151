//! SIGKILL at random moments, to random services and to the broker, under load.

use fastrand::Rng;
use tests::proof::{Proof, times};

use crate::{
    await_condition::eventually,
    load::Load,
    stack::{SERVICES, Stack},
};

/// The same kills every time, as far as chance is ours. What else is running is not.
const SEED: u64 = 0x6b69_6c6c;

/// At least.
const ORDERS: usize = 100;

/// Until `more` orders have come to their end. A service that ended by itself, since there was no broker when it started, is
/// started again, as whoever supervises it does.
async fn await_more_ends(stack: &mut Stack, more: usize) {
    let ended = eventually("the broker answers", async || stack.ended().await).await.len();
    let supervised = async || {
        for service in SERVICES {
            if stack.process(service).has_ended() {
                stack.start_service(service);
            }
        }
        (stack.ended().await?.len() >= ended + more).then_some(())
    };
    eventually("orders end", supervised).await;
}

#[tokio::test]
async fn services_and_the_broker_are_killed_at_random_moments() {
    let kills = times(12, 200);
    let mut rng = Rng::with_seed(SEED);
    println!("the seed is {SEED:#x}");
    let mut stack = Stack::stocked().await;
    let load = Load::on(&stack);
    let mut killed = std::collections::BTreeMap::<String, u64>::new();
    let disturbing = async {
        for number in 0..kills {
            // Some wait for work to be done, some hit a service that is just coming back.
            await_more_ends(&mut stack, rng.usize(..12)).await;
            let victim = rng.usize(..=SERVICES.len());
            let name = SERVICES.get(victim).copied().unwrap_or("nats-server");
            println!("kill {number} is of {name}");
            *killed.entry(name.to_owned()).or_default() += 1;
            match SERVICES.get(victim) {
                Some(service) => {
                    stack.kill(service);
                    stack.start_service(service);
                }
                None => stack.restart_broker().await,
            }
        }
        await_more_ends(&mut stack, 1).await;
    };
    let placed = load.orders_during(ORDERS, disturbing).await;
    stack.check_load(&placed).await;
    Proof {
        part: "kills".to_owned(),
        fault: "kill -9 of a random service or of the broker".to_owned(),
        tried: kills,
        acknowledged: placed.len() as u64,
        figures: killed,
        repeat: "just prove kills".to_owned(),
        ..Proof::default()
    }
    .record();
}
