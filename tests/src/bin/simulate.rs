//! `just simulate`: many seeds, side by side. One that fails is made smaller and told as a timeline.
#![expect(clippy::print_stdout, reason = "it is a command")]

use std::{
    collections::BTreeMap,
    io::{IsTerminal, Write},
    process::ExitCode,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Instant,
};

use clap::Parser;
use tests::{
    proof::{Proof, times},
    simulation::{Fault, MUST_BE_REACHED, Plan, Reached, Report, shrink},
};

/// Runs the real services on a model of JetStream, in one thread a run, with a clock that stands still unless the run moves
/// it, and lets everything go wrong: crashes at every step, lost and late answers, brokers that forget, stores that are
/// lost, outages, cancellations, deadlines, clocks that jump.
///
/// After every step the five invariants of the contract hold; when nothing goes wrong any more every order comes to its
/// end, the gateway's own ledger agrees to the cent, the stock adds up, and all that was ever said stands in the stream.
/// A seed that fails is shrunk and told as a timeline, with the command that repeats it; the exit code is 1 then.
///
///   just simulate                        a thousand seeds
///   just simulate --seeds 100000         many
///   just simulate --seed 4711            one, told line by line
///   just simulate --seed 4711 --faults crash,store-lost
#[derive(Parser)]
#[command(name = "just simulate", verbatim_doc_comment)]
struct Arguments {
    /// How many seeds to run, from 0 on.
    #[arg(long, conflicts_with = "seed")]
    seeds: Option<u64>,
    /// Runs this one seed, and tells what happens.
    #[arg(long)]
    seed: Option<u64>,
    /// With one seed: how many orders are placed.
    #[arg(long, requires = "seed")]
    orders: Option<usize>,
    /// With one seed: for how many steps things go wrong.
    #[arg(long, requires = "seed")]
    steps: Option<u32>,
    /// With one seed: what goes wrong, by name, separated by commas; `none` for nothing.
    #[arg(long, requires = "seed", value_delimiter = ',')]
    faults: Option<Vec<String>>,
    /// Prints what was reached, and how often.
    #[arg(long)]
    reached: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // A panic in a run is told with its timeline.
    std::panic::set_hook(Box::new(|_| {}));
    match arguments.seed {
        Some(seed) => one(seed, &arguments),
        None => many(arguments.seeds.unwrap_or_else(|| times(1_000, 100_000)), arguments.reached),
    }
}

fn one(seed: u64, arguments: &Arguments) -> ExitCode {
    let mut plan = Plan::of(seed);
    plan.orders = arguments.orders.unwrap_or(plan.orders);
    plan.steps = arguments.steps.unwrap_or(plan.steps);
    if let Some(names) = &arguments.faults {
        let found: Option<_> = names.iter().filter(|name| *name != "none").map(|name| Fault::named(name)).collect();
        let Some(faults) = found else {
            let known: Vec<_> = Fault::ALL.iter().map(|fault| fault.name()).collect();
            eprintln!("just simulate: --faults knows {}", known.join(", "));
            return ExitCode::from(2);
        };
        plan.faults = faults;
    }
    let report = plan.run(true);
    tell(&report);
    if arguments.reached {
        show(&report.reached);
    }
    println!("{} turns, {} orders", report.turns, report.orders);
    if report.wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A reader that has heard enough ends the pipe.
fn tell(report: &Report) {
    let mut out = std::io::stdout().lock();
    for line in report.trace.iter().cloned().chain(report.wrong.iter().map(|what| format!("WRONG: {what}"))) {
        if writeln!(out, "{line}").is_err() {
            return;
        }
    }
}

fn many(seeds: u64, show_reached: bool) -> ExitCode {
    let began = Instant::now();
    let (next, failed) = (AtomicU64::new(0), AtomicBool::new(false));
    let sum = Mutex::new((Report::default(), Vec::<Plan>::new()));
    let workers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds || failed.load(Ordering::Relaxed) {
                        return;
                    }
                    let plan = Plan::of(seed);
                    let report = plan.run(false);
                    let mut sum = sum.lock().expect("nobody panics while it is held");
                    sum.0.turns += report.turns;
                    sum.0.orders += report.orders;
                    sum.0.reached.add(&report.reached);
                    if !report.wrong.is_empty() {
                        failed.store(true, Ordering::Relaxed);
                        sum.1.push(plan);
                    }
                    progress(seed + 1, seeds, &sum.0, began);
                }
            });
        }
    });
    let (report, bad) = sum.into_inner().expect("all have ended");
    eprintln!();
    if show_reached {
        show(&report.reached);
    }
    for plan in &bad {
        fails(plan);
    }
    let missing: Vec<_> = MUST_BE_REACHED.iter().filter(|what| !report.reached.0.contains_key(**what)).collect();
    let enough = seeds >= 1_000;
    if bad.is_empty() && enough && !missing.is_empty() {
        println!("never reached, so nothing is proven about it: {missing:?}");
    }
    record(&report, next.into_inner().min(seeds), bad.len());
    println!("{seeds} seeds, {} turns, {} orders, {} s", report.turns, report.orders, began.elapsed().as_secs());
    if bad.is_empty() && (missing.is_empty() || !enough) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn progress(done: u64, all: u64, report: &Report, began: Instant) {
    let terminal = std::io::stderr().is_terminal();
    if done.is_multiple_of(if terminal { 50 } else { 5_000 }) {
        let seconds = began.elapsed().as_secs_f64();
        let left = seconds / done as f64 * all.saturating_sub(done) as f64;
        let end = if terminal { "\r" } else { "\n" };
        eprint!("{done} of {all} seeds, {} turns, {left:.0} s left   {end}", report.turns);
    }
}

/// Tells the smallest run that fails as this one does.
fn fails(plan: &Plan) {
    println!("{} fails; looking for a smaller one", plan.command());
    let smallest = shrink(plan, |plan| !plan.run(false).wrong.is_empty());
    tell(&smallest.run(true));
    println!("\nit is repeated by\n\n    {}\n", smallest.command());
}

fn show(Reached(reached): &Reached) {
    for (what, times) in reached {
        println!("{times:>10}  {what}");
    }
}

fn record(report: &Report, seeds: u64, bad: usize) {
    let mut figures = BTreeMap::from([("turns".to_owned(), report.turns)]);
    figures.extend(report.reached.0.clone());
    let proof = Proof {
        part: "simulation".to_owned(),
        fault: "everything at once, by seed".to_owned(),
        tried: seeds,
        acknowledged: report.orders,
        // What is wrong with a seed is in its timeline; none of it may be counted as well.
        lost: bad as u64,
        figures,
        repeat: "just prove simulation".to_owned(),
        ..Proof::default()
    };
    proof.record();
}
