//! `just prove`: runs the long form of what `just test` runs the short form of, and writes down what came of it.

mod page;
mod parts;
mod progress;
mod record;
mod run;

use std::{
    io::{self, Write},
    path::Path,
    process::ExitCode,
};

use anyhow::{Context, bail};
use clap::Parser;

use crate::{
    parts::{PARTS, Part},
    record::Record,
    run::run,
};

/// Proves what the README promises, and writes docs/reliability.md.
///
/// Each part breaks the system in its own way, again and again, and counts: orders that were answered, and of those the
/// lost, the doubled and the unfinished. All three have to be 0. `just test` runs a few of each; this runs them all, which
/// takes hours, or the parts that are named. What the other parts found last stays on the page.
///
/// While a part runs, what it prints goes to target/proof/PART.log. The figures stand in docs/reliability.json, from which
/// the page is made: nobody types one.
///
/// Exit code: 0 when every part that ran has passed, 1 when one has failed, 2 when a name is unknown.
#[derive(Parser)]
#[command(name = "prove", version)]
struct Arguments {
    /// The parts to run; all of them where none is named
    #[arg(value_name = "PART", value_parser = part)]
    parts: Vec<&'static Part>,

    /// Show the parts, what each does, and when it was run last; run nothing
    #[arg(long)]
    list: bool,

    /// Write the page again from the figures that are there; run nothing
    #[arg(long, conflicts_with = "list")]
    page: bool,
}

fn part(name: &str) -> Result<&'static Part, String> {
    let names = || PARTS.iter().map(|part| part.name).collect::<Vec<_>>().join(", ");
    PARTS.iter().find(|part| part.name == name).ok_or_else(|| format!("the parts are {}", names()))
}

fn main() -> ExitCode {
    match prove(Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("prove: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether everything that ran has passed.
fn prove(arguments: Arguments) -> anyhow::Result<bool> {
    if !Path::new("docs").is_dir() || !Path::new("justfile").is_file() {
        bail!("this is not the folder of the workspace: run `just prove` there");
    }
    let mut record = Record::read()?;
    if arguments.list {
        let shown = PARTS.iter().map(|part| part.line(record.parts.get(part.name))).collect::<String>();
        io::stdout().write_all(shown.as_bytes()).context("the list cannot be shown")?;
        return Ok(true);
    }
    if arguments.page {
        record.write()?;
        return Ok(true);
    }
    let parts = match arguments.parts.is_empty() {
        true => PARTS.iter().collect(),
        false => arguments.parts,
    };
    let mut failed = Vec::new();
    for (at, part) in parts.iter().enumerate() {
        let run = run(part, &format!("[{}/{}]", at + 1, parts.len()), record.parts.get(part.name))?;
        if !run.passed {
            failed.push(part.name);
        }
        // After each, on what is there by then: what is interrupted has kept what it found, and another run of other parts
        // beside this one loses nothing.
        record = Record::read()?;
        record.parts.insert(part.name.to_owned(), run);
        record.write()?;
    }
    match failed.is_empty() {
        true => eprintln!("all of it holds: {} says how often it was tried", record::PAGE),
        false => eprintln!("FAILED: {}. Start with target/proof/{}.log", failed.join(", "), failed[0]),
    }
    Ok(failed.is_empty())
}
