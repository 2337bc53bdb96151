//! The limits: what the broker, and the broker with the disk, would let an order cost if no service thought about it.
//!
//! Invariant: what is published, heard, acknowledged and written for an order is what the system published, heard and
//! wrote for one; nothing waits for a cause. The keys that are written ascend, which suits the store best.

mod hearing;
mod saying;

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use anyhow::Context;
use async_nats::jetstream;
use chassis::{DiskStore, ambient::pause};
use events::EVENTS;
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use self::{hearing::Hearing, saying::say_all};
use crate::{
    progress::Progress,
    sample::{cpu, on_disk},
    shape::Shape,
    system::{Broker, LOAD, folder_in},
};

/// What a limit is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Limit {
    /// How many orders' messages went through.
    pub orders: u64,
    /// Until everybody had heard everything.
    pub seconds: f64,
    /// Orders a second.
    pub per_second: f64,
    /// CPU for one order, by process; who speaks, hears and writes is `load`.
    pub cpu_ms: BTreeMap<String, f64>,
    /// Messages for one order.
    pub messages: f64,
    /// Of how many messages a batch was that was published together, and acknowledged together.
    pub batch_said: f64,
    /// See above.
    pub batch_heard: f64,
    /// Bytes for one order, on the broker's disk and on the stores'.
    pub disk: BTreeMap<String, f64>,
}

impl Limit {
    /// CPU for one order of all processes.
    pub fn cpu(&self) -> f64 {
        self.cpu_ms.values().sum()
    }

    /// Puts the messages of `orders` through a broker of their own; with `stores`, what was written about them is
    /// written.
    pub async fn measure(within: &Path, shape: &Shape, orders: u64, stores: bool) -> anyhow::Result<Limit> {
        let what = if stores { "limit B: the broker and the stores" } else { "limit A: the broker alone" };
        let progress = Progress::begin(what);
        let folder = folder_in(within)?;
        let broker = Broker::start(folder.path()).await?;
        broker.connect().await?;
        let messages = shape.messages(orders)?;
        let said: u64 = messages.values().map(|it| it.len() as u64).sum();
        let (heard, mut expected) = (Arc::new(AtomicU64::new(0)), 0);
        let (mut saying, mut hearing) = (JoinSet::new(), JoinSet::new());
        let mut ears = Vec::new();
        for hearer in &shape.hearers {
            let nats = broker.look().await?;
            let there = jetstream::new(nats.clone()).get_stream(EVENTS).await?;
            there.create_consumer(hearer.consumer()).await.context("a consumer cannot be made")?;
            let store = match stores {
                true => Some(DiskStore::open(&folder.path().join(hearer.service))?),
                false => None,
            };
            let count = hearer.hears(messages.values().flatten());
            expected += count;
            ears.push(Hearing::new(nats, hearer, (count, orders), store, heard.clone()));
        }
        let mut mouths = Vec::new();
        for messages in messages.into_values() {
            mouths.push((broker.look().await?, messages));
        }
        let before = on_disk(folder.path());
        let processes = [("nats-server", broker.process.id()), (LOAD, std::process::id())];
        let taken = || processes.map(|(name, process)| (name, cpu(process).unwrap_or_default()));
        let (cpu_before, began) = (taken(), Instant::now());
        for ear in ears {
            hearing.spawn(ear.run());
        }
        for (nats, messages) in mouths {
            saying.spawn(say_all(nats, messages));
        }
        let (mut batches_said, mut batches_heard) = (0, 0);
        while !(saying.is_empty() && hearing.is_empty()) {
            tokio::select! {
                Some(batches) = saying.join_next() => batches_said += batches??,
                Some(batches) = hearing.join_next() => batches_heard += batches??,
                () = pause(Duration::from_millis(250)) => {
                    progress.show(heard.load(Relaxed) as f64 / expected.max(1) as f64, "");
                }
            }
        }
        let (seconds, cpu_after) = (began.elapsed().as_secs_f64(), taken());
        let per_order = |amount: u64| amount as f64 / orders as f64;
        let cpu_ms = cpu_before.iter().zip(cpu_after);
        let in_broker = on_disk(&broker.store);
        let in_stores = on_disk(folder.path()).saturating_sub(before).saturating_sub(in_broker);
        let disk = [("nats-server", in_broker), ("stores", if stores { in_stores } else { 0 })];
        Ok(Limit {
            orders,
            seconds,
            per_second: orders as f64 / seconds,
            cpu_ms: cpu_ms
                .map(|((name, before), (_, after))| ((*name).to_owned(), per_order(after - before)))
                .collect(),
            messages: per_order(said),
            batch_said: said as f64 / f64::from(batches_said.max(1)),
            batch_heard: expected as f64 / f64::from(batches_heard.max(1)),
            disk: disk.map(|(name, bytes)| (name.to_owned(), per_order(bytes))).into(),
        })
    }
}
