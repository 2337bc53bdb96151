//! `murmur replay`: a recording through the real reactions of all services, in memory, and what they say now that they
//! did not say then. It needs no broker and changes nothing.

mod customers;
mod report;
mod stock;

use std::{
    fs,
    io::{self, Read},
    path::PathBuf,
};

use clap::Args;

pub use report::Report;

use crate::{Error, Exit, output, shop};

const EXAMPLES: &str = "\
Examples:
  murmur replay order.jsonl
  murmur record 7f9cf0a2-9f5c-4c7e-8a51-0e7c3d0a1b2c | murmur replay -
  murmur replay --json order.jsonl | jq .differences

Every service hears what was recorded. What its reactions said then they have to say now. The outcomes of effects,
commands and reminders are taken from the recording: nothing is charged, mailed or published, and no broker is needed.
A recording in tests/fixtures/ is a test: `murmur record ORDER > tests/fixtures/NAME.jsonl`, then `just test`.
Exit code 0 when nothing differs, 1 when something does, 2 when the recording cannot be read.";

/// Replays a recording through the reactions of all services, and says what differs
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Replay {
    /// What `murmur record` printed; `-` is standard input
    #[arg(value_name = "FILE")]
    recording: PathBuf,

    /// Print the timeline, the differences and what is left as JSON
    #[arg(long)]
    json: bool,
}

impl Replay {
    pub fn run(self) -> Result<Exit, Error> {
        let report = replay(&self.text()?)?;
        let text = if self.json { report.json() } else { report.to_string() };
        output::print(text.trim_end())?;
        Ok(if report.differs() { Exit::Failed } else { Exit::Done })
    }

    fn text(&self) -> Result<String, Error> {
        let read = match self.recording.to_str() {
            Some("-") => {
                let mut text = String::new();
                io::stdin().read_to_string(&mut text).map(|_| text)
            }
            _ => fs::read_to_string(&self.recording),
        };
        read.map_err(|source| Error::NoRecording { file: self.recording.clone(), source })
    }
}

/// Replays the recording `text` through the services of the shop. The same text gives the same report.
///
/// # Errors
/// A line that is no event, with its number.
pub fn replay(text: &str) -> Result<Report, Error> {
    let (recording, opened) = stock::opened(chassis::read_recording(text)?);
    let (recording, known) = customers::known(recording);
    let opened = opened.iter().map(ToString::to_string);
    let known = known.iter().map(|customer| format!("{customer} is registered, so that the mails have an address"));
    let replayed = chassis::replay_together(shop(), &recording)?;
    Ok(Report::new(&recording, opened.chain(known).collect(), replayed))
}
