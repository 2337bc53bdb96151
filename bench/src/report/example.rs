//! A report whose figures are round.

use std::collections::BTreeMap;

use super::{Measured, Report};
use crate::{
    growth::{Growth, Rebuilt},
    limit::Limit,
    machine::Machine,
    phase::{How, Phase, Work},
    plan::Plan,
    tally::Times,
};

fn named<T>(pairs: impl IntoIterator<Item = (&'static str, T)>) -> BTreeMap<String, T> {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn limit(per_second: f64) -> Limit {
    Limit {
        orders: 1000,
        seconds: 1000.0 / per_second,
        per_second,
        cpu_ms: named([("nats-server", 0.2), ("load", 0.1)]),
        messages: 7.0,
        batch_said: 500.0,
        batch_heard: 250.0,
        disk: named([("nats-server", 6000.0), ("stores", 9000.0)]),
    }
}

fn phase(how: How, per_second: f64) -> Phase {
    let times = |p50| Times { p50, p99: p50 * 4.0, p999: p50 * 10.0, max: p50 * 20.0 };
    let work = Work { turns: 4.0, heard: 3.0, commits: 0.5, rows: 12.0, bytes: 4096.0, published: 3.0, publishes: 0.1 };
    Phase {
        how,
        orders: 1000,
        cancelled: 0,
        seconds: 1000.0 / per_second,
        per_second,
        answer_ms: times(2.0),
        completed_ms: times(10.0),
        cancelled_ms: Times::default(),
        cpu_ms: named([("nats-server", 0.25), ("order", 0.5), ("load", 0.25)]),
        work: named([("order", work)]),
        busy: 0,
        unanswered: 0,
        examples: Vec::new(),
    }
}

/// All of it.
pub fn report() -> Report {
    let (closed, open) = (
        vec![phase(How::Closed(1), 100.0), phase(How::Closed(64), 800.0)],
        vec![phase(How::Open(10, 80.0), 80.0), phase(How::Open(50, 400.0), 400.0)],
    );
    let rebuilt = Rebuilt { events: 70_000, seconds: 7.0, per_second: 10_000.0 };
    let growth = Growth {
        few: (10_000, phase(How::Closed(256), 800.0)),
        many: (1_000_000, phase(How::Closed(256), 600.0)),
        memory: named([("order", 128 << 20)]),
        disk: named([("order", 512 << 20)]),
        ready: named([("order", 1.5)]),
        rebuilt: named([("view", rebuilt)]),
    };
    Report {
        machine: Machine {
            cores: 2,
            memory: Some(8),
            system: "Linux".to_owned(),
            rustc: "rustc 1.89".to_owned(),
            nats_server: "nats-server: v2.15.2".to_owned(),
        },
        commit: "0123456789".to_owned(),
        plan: Plan {
            seconds: 10.0,
            together: vec![1, 64],
            shares: vec![10, 50],
            failing: vec![0],
            limit_orders: 1000,
            growth: Some((10_000, 1_000_000)),
            skus: 16,
            customers: 100,
            system: "synced".to_owned(),
        },
        limit_a: Some(limit(5000.0)),
        limit_b: Some(limit(2000.0)),
        systems: vec![Measured {
            failing: 0,
            closed,
            open,
            disk: named([("order", 3000.0), ("nats-server", 6500.0)]),
            memory: named([("order", (64 << 20, 96 << 20))]),
            doubled: 0,
            dead_letters: 0,
        }],
        growth: Some(growth),
        ratios: BTreeMap::new(),
    }
}
