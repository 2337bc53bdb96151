//! What many orders in the stores cost: the rate with few and with many of them, then memory, start and rebuild.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::Context;
use chassis::{Figures, Waits};
use serde::{Deserialize, Serialize};

use crate::{
    customers::{Customers, Until},
    phase::{How, Phase},
    plan::Plan,
    progress::{Progress, pace},
    sample::Sample,
    system::{SERVICES, System, within},
};

/// How many orders are on their way while the stores are filled.
const TOGETHER: usize = 256;

/// Whose stores are taken away: one that says facts, which it remembers first, and the read side, which only hears.
const REBUILT: [&str; 2] = ["inventory", "view"];

/// A million orders are heard again within this.
const REBUILT_WITHIN: Duration = Duration::from_secs(3600);

/// What many orders in the stores cost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Growth {
    /// With few orders in the stores: how many there were before, and what was measured.
    pub few: (u64, Phase),
    /// With many.
    pub many: (u64, Phase),
    /// Bytes in memory, by process, with many.
    pub memory: BTreeMap<String, u64>,
    /// Bytes on each disk then.
    pub disk: BTreeMap<String, u64>,
    /// Seconds from the start of each service's process until it answers.
    pub ready: BTreeMap<String, f64>,
    /// Stores that were made again from the stream.
    pub rebuilt: BTreeMap<String, Rebuilt>,
}

/// A store that was made again from the stream.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rebuilt {
    /// Messages that were heard.
    pub events: u64,
    /// From the start of the process until all was heard.
    pub seconds: f64,
    /// Messages a second.
    pub per_second: f64,
}

impl Growth {
    /// The rate with many orders to that with few.
    pub fn ratio(&self) -> f64 {
        self.many.1.per_second / self.few.1.per_second
    }

    /// Fills a system of its own with orders, and measures on the way.
    pub async fn measure(place: &Path, plan: &Plan, (few, many): (u64, u64)) -> anyhow::Result<Growth> {
        let mut system = System::start(place, None).await?;
        let (customers, _listening) = Customers::come(system.connection(), plan, 0).await?;
        let mut there = 10 * plan.skus;
        let mut phases = Vec::new();
        for target in [few, many] {
            fill(&customers, target.saturating_sub(there)).await?;
            there = there.max(target);
            let phase = Phase::measure(&system, &customers, How::Closed(TOGETHER), plan.seconds).await?;
            phases.push((there, phase));
            there += phases.last().map_or(0, |(_, phase)| phase.orders);
        }
        let [few, many]: [_; 2] = phases.try_into().expect("it was measured twice");
        let Sample { memory, disk, .. } = system.sample(there)?;
        let owned = |amounts: BTreeMap<&'static str, u64>| {
            amounts.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect()
        };
        let (mut ready, mut rebuilt) = (BTreeMap::new(), BTreeMap::new());
        for service in SERVICES {
            let progress = Progress::begin(format!("{service} starts with {there} orders in the stores"));
            ready.insert(service.to_owned(), restart(&mut system, service, false).await?);
            drop(progress);
        }
        for service in REBUILT {
            let progress = Progress::begin(format!("{service} hears {there} orders again"));
            rebuilt.insert(service.to_owned(), rebuild(&mut system, service).await?);
            drop(progress);
        }
        Ok(Growth { few, many, memory: owned(memory), disk: owned(disk), ready, rebuilt })
    }
}

/// Places so many orders.
async fn fill(customers: &Customers, orders: u64) -> anyhow::Result<()> {
    let progress = Progress::begin(format!("{orders} orders fill the stores"));
    let mut going = customers.closed(TOGETHER, Until { orders, at: None });
    let began = Instant::now();
    while !going.is_over(Duration::from_millis(250)).await? {
        let ended = going.ended();
        progress.show(ended as f64 / orders.max(1) as f64, &pace(ended, orders, began.elapsed()));
    }
    Ok(())
}

/// Stops a service and starts it again, without its store perhaps; the seconds from its start until it answers.
async fn restart(system: &mut System, service: &'static str, without_store: bool) -> anyhow::Result<f64> {
    system.quiet().await?;
    system.stop_service(service).await?;
    if without_store {
        let store = system.path(service);
        fs::remove_dir_all(&store).with_context(|| store.display().to_string())?;
    }
    let began = Instant::now();
    system.start_service(service)?;
    let ready = async || Ok(system.connection().0.is_ready(service).await.then_some(()));
    within(REBUILT_WITHIN, &format!("{service} is ready"), ready).await?;
    Ok(began.elapsed().as_secs_f64())
}

/// Takes a service's store away, and waits until it has heard everything again.
async fn rebuild(system: &mut System, service: &'static str) -> anyhow::Result<Rebuilt> {
    system.quiet().await?;
    let before: Waits = system.ask(service, "waits").await?;
    let began = Instant::now();
    restart(system, service, true).await?;
    let heard = async || {
        // It answers between two batches; a question that waits for too long is asked again.
        let now: Option<Waits> = system.ask(service, "waits").await.ok();
        Ok(now.filter(|now| now.heard >= before.heard))
    };
    within(REBUILT_WITHIN, &format!("{service} has heard everything again"), heard).await?;
    let seconds = began.elapsed().as_secs_f64();
    let events = system.ask::<Figures>(service, "figures").await?.heard;
    Ok(Rebuilt { events, seconds, per_second: events as f64 / seconds })
}
