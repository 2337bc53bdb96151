//! `just prove mutations`: takes out one guarantee at a time, and sees that a test notices.

mod mutation;
mod tree;

use std::{path::Path, process::ExitCode};

use anyhow::{Context, ensure};
use clap::Parser;
use tests::proof::Proof;

use crate::{
    mutation::Mutation,
    tree::{Ended, Tree},
};

const PATCHES: &str = "tests/mutations";

/// Takes out one guarantee at a time, and runs the tests that should notice.
///
/// Each file in tests/mutations/ is a patch, with lines above it: `Takes out:` says what it takes out, and each `Run:` is
/// a command that should fail with it. They are run in their order until one does. The same commands have to pass on the
/// sources as they are, or what they say means nothing.
///
/// All of it happens in a copy of the sources in target/mutations/tree, built in target/mutations/target.
///
/// Exit code: 0 when everything was noticed; 1 when something was not, or when a patch no longer fits.
#[derive(Parser)]
#[command(name = "mutations", version)]
struct Arguments {
    /// Only the patches whose name has one of these words in it
    #[arg(value_name = "WORD")]
    words: Vec<String>,
}

fn main() -> ExitCode {
    match mutate(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("mutations: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether everything was noticed.
fn mutate(arguments: &Arguments) -> anyhow::Result<bool> {
    let wanted =
        |it: &Mutation| arguments.words.is_empty() || arguments.words.iter().any(|word| it.name.contains(word));
    let mutations: Vec<_> = Mutation::all(Path::new(PATCHES))?.into_iter().filter(wanted).collect();
    ensure!(!mutations.is_empty(), "no file in {PATCHES} is called so");
    let tree = Tree::make()?;
    // Before anything takes long.
    for mutation in &mutations {
        tree.apply(&mutation.patch).with_context(|| format!("{} no longer fits: make it again", mutation.name))?;
        tree.reset()?;
    }
    let mut commands: Vec<_> = mutations.iter().flat_map(|mutation| &mutation.commands).collect();
    commands.sort();
    commands.dedup();
    for command in commands {
        eprintln!("as it is: {command}");
        match tree.run(command)? {
            Ended::Passed => {}
            Ended::Failed(test) => anyhow::bail!("{test} fails on the sources as they are"),
        }
    }
    let mut all = true;
    for mutation in &mutations {
        eprintln!("without {}", mutation.takes_out);
        tree.apply(&mutation.patch)?;
        let caught_by = caught_by(&tree, mutation);
        tree.reset()?;
        let caught_by = caught_by?;
        eprintln!("    noticed by {}", caught_by.as_deref().unwrap_or("NOTHING"));
        all &= caught_by.is_some();
        record(mutation, caught_by);
    }
    Ok(all)
}

/// The test that fails first.
fn caught_by(tree: &Tree, mutation: &Mutation) -> anyhow::Result<Option<String>> {
    for command in &mutation.commands {
        if let Ended::Failed(test) = tree.run(command)? {
            return Ok(Some(test));
        }
    }
    Ok(None)
}

fn record(mutation: &Mutation, caught_by: Option<String>) {
    Proof {
        part: "mutations".to_owned(),
        fault: mutation.takes_out.clone(),
        tried: 1,
        caught_by,
        repeat: format!("just mutations {}", mutation.name),
        ..Proof::default()
    }
    .record();
}
