//! `just soak`: a great many orders through a real system, to see what it keeps of them.

mod judge;
mod load;

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context, anyhow, ensure};
use bench::{
    progress::{Progress, pace},
    sample::{self, Sample},
    system::System,
};
use chassis::ambient::pause;
use clap::Parser;
use tests::proof::Proof;

use crate::{judge::Verdict, load::Load};

/// How often the system is looked at.
const EVERY: Duration = Duration::from_secs(1);

/// Nothing came to an end for so long: something is stuck.
const PATIENCE: Duration = Duration::from_secs(60);

/// Places orders, has them dispatched and delivered, and judges whether disk and memory stay level.
///
/// Runs a broker, the sandbox gateway and all services of its own, on free ports and in a folder of their own that is
/// removed in the end. Of twenty orders, seventeen are paid, dispatched and delivered, two are declined, and one finds no
/// carrier. What is finished is forgotten after --horizon, so that after the first tenth as much is forgotten as comes.
///
/// Level means: what a store or a process takes at most in the second half of the run is at most 1.25 times the most that
/// it took in the first half, the first tenth aside, and 8 MiB. (The most, since sled gives space back in waves. What grows
/// with every order would have doubled.) Two grow with the orders, by design, and are reported per order: the read side, which is the
/// archive, and the sandbox gateway, whose ledger is the witness. Every sample stands in WITHIN/soak.csv.
///
/// Exit code: 0 when all is level and every order has ended, else 1.
#[derive(Parser)]
#[command(name = "soak", version)]
struct Arguments {
    /// How many orders are placed
    #[arg(long, default_value_t = 200_000)]
    orders: u64,

    /// How many of them are on their way at a time
    #[arg(long, default_value_t = 256)]
    together: u32,

    /// How long, in seconds, a service knows what is finished, and how long the broker keeps an event
    #[arg(long, default_value_t = 20)]
    horizon: u64,

    /// Where the folder of the run is made
    #[arg(long, value_name = "WITHIN", default_value = "target")]
    within: PathBuf,
}

#[tokio::main]
async fn main() -> ExitCode {
    let ended = tokio::select! {
        ended = soak(Arguments::parse()) => ended,
        // What was started ends with it.
        interrupted = tokio::signal::ctrl_c() => interrupted.context("Ctrl-C").and(Err(anyhow!("interrupted"))),
    };
    match ended {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("soak: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all is level.
async fn soak(arguments: Arguments) -> anyhow::Result<bool> {
    ensure!(arguments.orders >= 100, "{} orders are too few to judge anything by: use 100 or more", arguments.orders);
    let mut system = System::start(&arguments.within, Some(arguments.horizon)).await?;
    let load = Load::begin(system.connection(), arguments.orders, arguments.together).await?;
    let began = Instant::now();
    let progress = Progress::begin(format!("{} orders", arguments.orders));
    let (mut samples, mut last_end) = (Vec::new(), Instant::now());
    loop {
        let ended = load.ended();
        if samples.last().is_none_or(|last: &Sample| last.ended < ended) {
            last_end = Instant::now();
        }
        samples.push(system.sample(ended)?);
        let beside = format!("{ended}, {}", pace(ended, arguments.orders, began.elapsed()));
        progress.show(ended as f64 / arguments.orders as f64, &beside);
        load.check()?;
        if ended >= arguments.orders {
            break;
        }
        ensure!(last_end.elapsed() < PATIENCE, "{ended} orders ended, and then none for {PATIENCE:?}");
        pause(EVERY).await;
    }
    let seconds = began.elapsed().as_secs().max(1);
    drop(progress);
    let table = arguments.within.join("soak.csv");
    fs::write(&table, sample::table(&samples)).with_context(|| table.display().to_string())?;
    let doubled = system.doubled().context("the gateway's ledger")?;
    let dead = system.dead_letters().await?;
    let verdicts = judge::all(&samples, arguments.orders);
    let told: String = verdicts.iter().map(Verdict::line).collect();
    io::stdout().write_all(told.as_bytes()).context("the verdicts cannot be shown")?;
    let long_enough = judge::long_enough(&samples, arguments.orders, arguments.horizon);
    if let Err(why) = &long_enough {
        eprintln!("soak: {why}");
    }
    let level = verdicts.iter().all(Verdict::is_level) && long_enough.is_ok();
    let mut figures = judge::figures(&verdicts);
    figures.extend(BTreeMap::from([
        ("orders a second".to_owned(), arguments.orders / seconds),
        ("dead letters".to_owned(), dead),
        ("not level".to_owned(), verdicts.iter().filter(|it| !it.is_level()).count() as u64),
    ]));
    Proof {
        part: "soak".to_owned(),
        fault: format!("many orders, of which all is forgotten after {} s", arguments.horizon),
        tried: 1,
        acknowledged: load.placed(),
        unfinished: load.placed() - load.ended(),
        doubled,
        figures,
        repeat: format!("just soak --orders {}", arguments.orders),
        ..Proof::default()
    }
    .record();
    Ok(level && doubled == 0 && dead == 0)
}
