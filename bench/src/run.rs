//! One run, from the arguments to what is printed and written.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use anyhow::Context;

use crate::{
    Arguments, Error,
    customers::Customers,
    growth::Growth,
    limit::Limit,
    machine::{self, Machine},
    phase::{How, Phase},
    plan::Plan,
    report::{Measured, Report, chart, table},
    sample::{Sample, on_disk},
    shape::Shape,
    system::System,
};

/// Where the files go that are kept with the sources.
const KEPT: &str = "docs/bench";

/// Measures, prints, and writes.
///
/// # Errors
/// See [`Error`]. What was started is stopped, and nothing is written.
pub async fn run(arguments: Arguments) -> Result<(), Error> {
    if cfg!(debug_assertions) {
        return Err(Error::DebugBuild);
    }
    let plan = Plan::of(&arguments)?;
    let report = tokio::select! {
        report = measure(&arguments.within, plan) => report?,
        // What was started ends with it, and its folder goes.
        interrupted = tokio::signal::ctrl_c() => {
            interrupted.context("Ctrl-C")?;
            return Err(Error::Interrupted);
        }
    };
    let json = serde_json::to_string_pretty(&report).context("the report as JSON")? + "\n";
    let shown = if arguments.json { json.clone() } else { table(&report) };
    io::stdout().write_all(shown.as_bytes()).context("the figures cannot be shown")?;
    let out = arguments.out.or_else(|| (!arguments.quick).then(|| PathBuf::from(KEPT)));
    if let Some(folder) = out {
        write(&folder, &arguments.name, &json, &chart(&report))?;
    }
    Ok(())
}

async fn measure(within: &Path, plan: Plan) -> anyhow::Result<Report> {
    let mut report = Report {
        machine: Machine::this(),
        commit: machine::commit(KEPT),
        plan: plan.clone(),
        limit_a: None,
        limit_b: None,
        systems: Vec::new(),
        growth: None,
        ratios: BTreeMap::new(),
    };
    for failing in plan.failing.iter().copied() {
        let (measured, shape) = system(within, &plan, failing).await?;
        report.systems.push(measured);
        // The limits are of orders that go well: from the first.
        if report.limit_a.is_none() {
            report.limit_a = Some(Limit::measure(within, &shape, plan.limit_orders, false).await?);
            report.limit_b = Some(Limit::measure(within, &shape, plan.limit_orders, true).await?);
        }
    }
    if let Some(orders) = plan.growth {
        report.growth = Some(Growth::measure(within, &plan, orders).await?);
    }
    report.compare();
    Ok(report)
}

/// The system with so many of a hundred orders failing, under all loads; and what its orders leave behind.
async fn system(within: &Path, plan: &Plan, failing: u32) -> anyhow::Result<(Measured, Shape)> {
    let mut system = System::start(within, None).await?;
    let (customers, _listening) = Customers::come(system.connection(), plan, failing).await?;
    system.quiet().await?;
    let before = disk(&mut system)?;
    let (mut closed, mut open): (Vec<Phase>, Vec<Phase>) = (Vec::new(), Vec::new());
    for together in &plan.together {
        closed.push(Phase::measure(&system, &customers, How::Closed(*together), plan.seconds).await?);
    }
    let best = closed.iter().max_by(|one, other| one.per_second.total_cmp(&other.per_second));
    let best = best.context("no closed loop was asked for")?;
    let shape = Shape::of(&system, best).await?;
    for share in &plan.shares {
        let how = How::Open(*share, best.per_second * f64::from(*share) / 100.0);
        open.push(Phase::measure(&system, &customers, how, plan.seconds).await?);
    }
    let orders: u64 = closed.iter().chain(&open).map(|it| it.orders).sum();
    let grown = |(name, after): (String, u64)| {
        let bytes = after.saturating_sub(before.get(&name).copied().unwrap_or_default());
        (name, bytes as f64 / orders as f64)
    };
    let per_order = disk(&mut system)?.into_iter().map(grown).collect();
    let Sample { memory, peak, .. } = system.sample(orders)?;
    let memory = memory.iter().map(|(name, now)| ((*name).to_owned(), (*now, peak.get(name).copied().unwrap_or(*now))));
    let (doubled, dead_letters) = (system.doubled()?, system.dead_letters().await?);
    let memory = memory.collect();
    Ok((Measured { failing, closed, open, disk: per_order, memory, doubled, dead_letters }, shape))
}

/// What everything takes on the disk.
fn disk(system: &mut System) -> anyhow::Result<BTreeMap<String, u64>> {
    let mails = on_disk(&system.path("mail"));
    let taken = system.sample(0)?.disk.into_iter().map(|(name, bytes)| (name.to_owned(), bytes));
    Ok(taken.chain([("mails".to_owned(), mails)]).collect())
}

fn write(folder: &Path, name: &str, json: &str, chart: &str) -> anyhow::Result<()> {
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    for (extension, text) in [("json", json), ("svg", chart)] {
        let path = folder.join(format!("{name}.{extension}"));
        fs::write(&path, text).with_context(|| path.display().to_string())?;
        drop(writeln!(io::stderr(), "wrote {}", path.display()));
    }
    Ok(())
}
