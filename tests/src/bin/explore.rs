//! `just explore`: every way in which a small world can go, as far as is asked for.

use std::{
    io::{IsTerminal, Write, stderr},
    process::ExitCode,
    time::Instant,
};

use clap::Parser;
use tests::explorer::{Bounds, Faults, SCENARIOS, Scenario, Seen, explore};

/// Explores every interleaving of small worlds: the real services on the real engine, in memory, with crashes between any
/// two moves, messages that come again and messages that overtake.
#[derive(Parser)]
#[command(
    name = "explore",
    after_help = "Ends with 1 where a bad state was found, 2 where a bound cut the search off."
)]
struct Arguments {
    /// The most moves in a row
    #[arg(long, default_value_t = 200)]
    depth: usize,
    /// How many orders: 1 or 2; all where it is left out
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=2))]
    orders: Option<u8>,
    /// The most states of one search
    #[arg(long, default_value_t = 2_000_000)]
    states: usize,
    /// The most crashes in a run
    #[arg(long, default_value_t = 1)]
    crashes: u8,
    /// The most messages that come again in a run
    #[arg(long, default_value_t = 1)]
    duplicates: u8,
    /// The most messages in a run that are heard before an older one
    #[arg(long, default_value_t = 0)]
    overtakings: u8,
    /// Try also what need not be tried, to see that it makes no difference
    #[arg(long)]
    everything: bool,
    /// Only this scenario, such as "cancelled"
    #[arg(long)]
    scenario: Option<String>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let wanted = |it: &&Scenario| {
        arguments.orders.is_none_or(|orders| usize::from(orders) == it.orders.len())
            && arguments.scenario.as_ref().is_none_or(|name| name == it.name)
    };
    let scenarios: Vec<_> = SCENARIOS.iter().filter(wanted).collect();
    if scenarios.is_empty() {
        let names: Vec<_> = SCENARIOS.iter().map(|it| it.name).collect();
        eprintln!("explore: no such scenario: use one of {}", names.join(", "));
        return ExitCode::from(64);
    }
    let mut end = ExitCode::SUCCESS;
    for scenario in scenarios {
        match search(scenario, &arguments) {
            Some(seen) if seen.cut_off > 0 && end == ExitCode::SUCCESS => end = ExitCode::from(2),
            Some(_) => {}
            None => end = ExitCode::FAILURE,
        }
    }
    end
}

/// One search; nothing where it found a bad state.
#[expect(clippy::print_stdout, reason = "this is a command")]
fn search(scenario: &Scenario, arguments: &Arguments) -> Option<Seen> {
    let Arguments { crashes, duplicates, overtakings, .. } = *arguments;
    let faults = scenario.faults(Faults { crashes, duplicates, overtakings, ..Faults::default() });
    let bounds = Bounds { states: arguments.states, depth: arguments.depth, everything: arguments.everything };
    let began = Instant::now();
    let shown = stderr().is_terminal();
    let progress = |seen: &Seen| {
        if shown {
            // Who watches has lost nothing where it cannot be shown.
            write!(stderr(), "\r{}: {} states, {} deep ", scenario.name, seen.states, seen.depth).ok();
        }
    };
    let result = explore(scenario, faults, bounds, progress);
    if shown {
        write!(stderr(), "\r\x1b[K").ok();
    }
    let seconds = began.elapsed().as_secs_f32();
    match result {
        Ok(seen) => {
            let Seen { states, transitions, depth, ends, crashes, duplicates, overtakings, cut_off } = seen;
            let bound = if cut_off > 0 { format!("; a bound cut off {cut_off}") } else { String::new() };
            println!(
                "{:24} {states:>9} states {transitions:>9} moves, {depth:>3} deep, {ends:>7} ends, {crashes:>8} crashes, \
                 {duplicates:>8} duplicates, {overtakings:>8} overtakings: none bad ({seconds:.1} s{bound})",
                scenario.name
            );
            Some(seen)
        }
        Err(bad) => {
            println!("{}: a bad state\n  {}", scenario.name, bad.why.join("\n  "));
            println!("how it comes there:\n{}", bad.timeline.join("\n"));
            let name = scenario.name;
            println!(
                "again: just explore --scenario '{name}' --crashes {crashes} --duplicates {duplicates} \
                 --overtakings {overtakings}"
            );
            None
        }
    }
}
