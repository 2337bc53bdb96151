//! One load on the system: what came of the orders, and what each process took for one of them.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use anyhow::ensure;
use chassis::Figures;
use serde::{Deserialize, Serialize};

use crate::{
    customers::{Customers, Until},
    progress::Progress,
    schedule::Schedule,
    system::System,
    tally::Times,
};

/// How orders come.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// From so many customers, one after the other.
    Closed(usize),
    /// At a steady rate: so many per cent of the best closed loop, so many orders a second.
    Open(u32, f64),
}

/// What a service did for one order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Work {
    /// Inputs that had a turn.
    pub turns: f64,
    /// Of these, messages that it heard.
    pub heard: f64,
    /// Commits.
    pub commits: f64,
    /// Rows written and removed.
    pub rows: f64,
    /// Bytes of their keys and values.
    pub bytes: f64,
    /// Messages published.
    pub published: f64,
    /// How often messages were published together.
    pub publishes: f64,
}

/// A load, and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Phase {
    /// How orders came.
    pub how: How,
    /// How many came to their end, and how many of those were cancelled.
    pub orders: u64,
    /// See above.
    pub cancelled: u64,
    /// From the first placing to the last end.
    pub seconds: f64,
    /// Ends a second.
    pub per_second: f64,
    /// From the placing, or from when it was due, to the answer.
    pub answer_ms: Times,
    /// The same to `order.completed`.
    pub completed_ms: Times,
    /// The same to `order.cancelled`.
    pub cancelled_ms: Times,
    /// CPU for one order by process, until everybody was quiet again.
    pub cpu_ms: BTreeMap<String, f64>,
    /// What each service did for one order.
    pub work: BTreeMap<String, Work>,
    /// How often an order was refused for now, and how many had no answer.
    pub busy: u64,
    /// See above.
    pub unanswered: u64,
    /// Some orders that were completed.
    #[serde(skip)]
    pub examples: Vec<String>,
}

impl Phase {
    /// CPU for one order of all processes.
    pub fn cpu(&self) -> f64 {
        self.cpu_ms.values().sum()
    }

    /// What all services did for one order.
    pub fn all_work(&self) -> Work {
        self.work.values().fold(Work::default(), |sum, it| Work {
            turns: sum.turns + it.turns,
            heard: sum.heard + it.heard,
            commits: sum.commits + it.commits,
            rows: sum.rows + it.rows,
            bytes: sum.bytes + it.bytes,
            published: sum.published + it.published,
            publishes: sum.publishes + it.publishes,
        })
    }

    /// Puts this load on the system for `seconds`, and waits for the end of every order.
    pub async fn measure(system: &System, customers: &Customers, how: How, seconds: f64) -> anyhow::Result<Phase> {
        let label = match how {
            How::Closed(together) => format!("closed loop, {together} at a time"),
            How::Open(share, rate) => format!("open loop, {share} %: {rate:.0} orders a second"),
        };
        let progress = Progress::begin(label);
        system.quiet().await?;
        let (cpu, figures, began) = (system.cpu(), system.figures().await?, Instant::now());
        let mut going = match how {
            How::Closed(together) => {
                let at = Some(began + Duration::from_secs_f64(seconds));
                customers.closed(together, Until { orders: u64::MAX, at })
            }
            How::Open(_, rate) => customers.open(Schedule::new(rate, seconds)),
        };
        while !going.is_over(Duration::from_millis(250)).await? {
            progress.show(began.elapsed().as_secs_f64() / seconds, &format!("{} orders", going.ended()));
        }
        let told = going.told();
        system.quiet().await?;
        let (cpu_after, figures_after) = (system.cpu(), system.figures().await?);
        let (completed, cancelled) = told.tally.counts();
        let orders = completed + cancelled;
        ensure!(orders > 0, "no order came to its end: the broker and the services say more with RUST_LOG=info");
        let seconds = told.last.map_or(0.0, |last| (last - began).as_secs_f64());
        let per_order = |before: u64, after: u64| after.saturating_sub(before) as f64 / orders as f64;
        let cpu_of = |(name, after): (&&str, &u64)| {
            ((*name).to_owned(), per_order(cpu.get(*name).copied().unwrap_or_default(), *after))
        };
        let work = figures_after.iter().filter_map(|(name, after)| {
            let before = figures.get(name)?;
            Some(((*name).to_owned(), work(before, after, per_order)))
        });
        Ok(Phase {
            how,
            orders,
            cancelled,
            seconds,
            per_second: orders as f64 / seconds,
            answer_ms: told.tally.answer(),
            completed_ms: told.tally.completed(),
            cancelled_ms: told.tally.cancelled(),
            cpu_ms: cpu_after.iter().map(cpu_of).collect(),
            work: work.collect(),
            busy: told.tally.busy,
            unanswered: told.tally.unanswered,
            examples: told.examples,
        })
    }
}

fn work(before: &Figures, after: &Figures, per_order: impl Fn(u64, u64) -> f64) -> Work {
    Work {
        turns: per_order(before.turns, after.turns),
        heard: per_order(before.heard, after.heard),
        commits: per_order(before.commits, after.commits),
        rows: per_order(before.rows + before.removed, after.rows + after.removed),
        bytes: per_order(before.bytes, after.bytes),
        published: per_order(before.published, after.published),
        publishes: per_order(before.publishes, after.publishes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_what_was_done_between_the_two_for_one_order() {
        let before =
            Figures { turns: 5, heard: 4, commits: 2, rows: 9, removed: 1, bytes: 100, published: 1, publishes: 1 };
        let after = Figures {
            turns: 25,
            heard: 14,
            commits: 7,
            rows: 39,
            removed: 6,
            bytes: 1100,
            published: 11,
            publishes: 3,
        };
        let found = work(&before, &after, |before, after| (after - before) as f64 / 10.0);
        let expected =
            Work { turns: 2.0, heard: 1.0, commits: 0.5, rows: 3.5, bytes: 100.0, published: 1.0, publishes: 0.2 };
        assert_eq!(found, expected);
    }
}
