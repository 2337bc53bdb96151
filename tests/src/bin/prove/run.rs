//! One part: its command, what it prints, and the figures that it leaves.

use std::{
    fs::{self, File},
    io::ErrorKind,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use anyhow::Context;
use bench::machine::{self, Machine};
use chassis::ambient;
use tests::proof::Proof;

use crate::{parts::Part, progress::Progress, record::Run};

const FOLDER: &str = "target/proof";

/// How often it is looked how far a part is.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// How much of what a failed part printed is shown.
const LAST_LINES: usize = 25;

/// Runs `part`, the one at `place`.
///
/// # Errors
/// Where it cannot be started, or its figures cannot be read. A part that fails is no error.
pub fn run(part: &Part, place: &str, last: Option<&Run>) -> anyhow::Result<Run> {
    fs::create_dir_all(FOLDER).context(FOLDER)?;
    let [figures, log] = ["jsonl", "log"].map(|kind| Path::new(FOLDER).join(part.name).with_extension(kind));
    match fs::remove_file(&figures) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error).context(figures.display().to_string()),
        _ => {}
    }
    // What is changed while it runs is not what is run.
    let commit = machine::commit("docs/reliability.*");
    let progress = Progress::begin(place, part.name, part.about, last);
    let ended_well = attend(part, &figures, &log, &progress)?;
    let proofs: Vec<_> = proofs(&figures)?.into_iter().filter(|proof| proof.part == part.name).collect();
    let sound = !proofs.is_empty() && proofs.iter().all(is_sound);
    let run = Run {
        date: ambient::now().strftime("%Y-%m-%d").to_string(),
        commit,
        machine: Machine::this(),
        seconds: progress.elapsed().as_secs(),
        passed: ended_well && sound,
        proofs,
    };
    progress.end(&run);
    if !run.passed {
        tell_why(&run, ended_well, &log);
    }
    Ok(run)
}

/// Starts the command and waits for its end; whether it ended well.
fn attend(part: &Part, figures: &Path, log: &Path, progress: &Progress) -> anyhow::Result<bool> {
    let command = part.how.command();
    let output = File::create(log).with_context(|| log.display().to_string())?;
    let mut child = Command::new(command[0])
        .args(&command[1..])
        // A test runs in the folder of its package.
        .env("PROOF_FIGURES", absolute(figures)?)
        .stdin(Stdio::null())
        .stderr(output.try_clone().context("the log cannot be shared")?)
        .stdout(output)
        .spawn()
        .with_context(|| format!("{} cannot be started", command.join(" ")))?;
    loop {
        if let Some(ended) = child.try_wait().context("the end of a part cannot be awaited")? {
            return Ok(ended.success());
        }
        progress.show(proofs(figures).map_or(0, |proofs| proofs.len()));
        thread::sleep(LOOK_AGAIN);
    }
}

fn absolute(path: &Path) -> anyhow::Result<PathBuf> {
    std::path::absolute(path).with_context(|| path.display().to_string())
}

/// What was left so far; nothing where nothing was.
fn proofs(figures: &Path) -> anyhow::Result<Vec<Proof>> {
    let text = match fs::read_to_string(figures) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        text => text.with_context(|| figures.display().to_string())?,
    };
    let read = |line| serde_json::from_str(line).with_context(|| format!("{}: {line}", figures.display()));
    text.lines().map(read).collect()
}

/// Nothing was lost, doubled or left unfinished.
fn is_sound(proof: &Proof) -> bool {
    [proof.lost, proof.doubled, proof.unfinished] == [0; 3]
}

fn tell_why(run: &Run, ended_well: bool, log: &Path) {
    if ended_well && run.proofs.is_empty() {
        eprintln!("    it left no figures: does it name the tests that there are? See parts.rs");
    }
    let said = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = said.lines().collect();
    for line in &lines[lines.len().saturating_sub(LAST_LINES)..] {
        eprintln!("    | {line}");
    }
    eprintln!("    all of it: {}", log.display());
}
