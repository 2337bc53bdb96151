//! The network between the services and the broker is slow, is cut, or takes everything and gives nothing, under load.

use std::time::{Duration, Instant};

use tests::proof::{Proof, times};

use crate::{
    await_condition::eventually,
    load::{BETWEEN_FAULTS, Load},
    proxy::{Network, Proxy},
    stack::{SERVICES, Stack},
};

/// At least.
const ORDERS: usize = 60;

const FAULTS: [Network; 4] =
    [Network::Slow(Duration::from_millis(40)), Network::HalfOpen, Network::OneWayToBroker, Network::OneWayToServices];

#[tokio::test]
async fn a_network_that_delays_cuts_and_half_opens_loses_nothing() {
    let mut stack = Stack::stocked().await;
    let proxy = Proxy::to(stack.broker.address().to_owned()).await;
    for service in SERVICES {
        assert_eq!(stack.terminate(service).await, Some(0));
        stack.start_instance_with(service, service, "data", &[("NATS_URL", &proxy.url())]);
    }
    for service in SERVICES {
        stack.ready(service).await;
    }
    let load = Load::on(&stack);
    let (rounds, lasting) = (times(1, 3), Duration::from_secs(times(4, 35)));
    let mut cuts = 0;
    let disturbing = async {
        for round in 0..rounds {
            for fault in FAULTS {
                stack.await_more_ends(BETWEEN_FAULTS).await;
                let began = Instant::now();
                proxy.becomes(fault);
                let over = async || (began.elapsed() >= lasting).then_some(());
                eventually("the network was bad for long enough", over).await;
                // What was held back arrives late, or never.
                if (round + cuts) % 2 == 0 {
                    proxy.cut();
                }
                cuts += 1;
                proxy.becomes(Network::Whole);
            }
            for _ in 0..5 {
                stack.await_more_ends(2).await;
                proxy.cut();
                cuts += 1;
            }
        }
    };
    let placed = load.orders_during(ORDERS, disturbing).await;
    stack.check_load(&placed).await;
    Proof {
        part: "proxy".to_owned(),
        fault: format!("the network delays, cuts and half-opens, {lasting:?} each"),
        tried: rounds * (FAULTS.len() as u64 + 5),
        acknowledged: placed.len() as u64,
        repeat: "just prove proxy".to_owned(),
        ..Proof::default()
    }
    .record();
}
