//! What every part found when it was run last: `docs/reliability.json`, and the page that is made of it.

use std::{collections::BTreeMap, fs, io::ErrorKind};

use ::tests::proof::Proof;
use anyhow::Context;
use bench::machine::Machine;
use serde::{Deserialize, Serialize};

use crate::page;

const FIGURES: &str = "docs/reliability.json";
pub const PAGE: &str = "docs/reliability.md";

/// The last run of each part, by name.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Record {
    pub parts: BTreeMap<String, Run>,
}

/// One run of a part.
#[derive(Debug, Serialize, Deserialize)]
pub struct Run {
    /// The day, in UTC.
    pub date: String,
    /// Of which sources, and whether they had changes that were not committed.
    pub commit: String,
    pub machine: Machine,
    pub seconds: u64,
    /// Whether the command ended well and left figures, and nothing was lost, doubled or left unfinished.
    pub passed: bool,
    /// What it left.
    pub proofs: Vec<Proof>,
}

impl Record {
    /// What is there; nothing where no part was ever run.
    pub fn read() -> anyhow::Result<Record> {
        match fs::read_to_string(FIGURES) {
            Ok(text) => {
                serde_json::from_str(&text).with_context(|| format!("{FIGURES} is not what `just prove` wrote"))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Record::default()),
            Err(error) => Err(error).context(FIGURES),
        }
    }

    /// Keeps the figures, and makes the page of them.
    pub fn write(&self) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(self).context("figures are numbers and words")?;
        fs::write(FIGURES, text + "\n").context(FIGURES)?;
        fs::write(PAGE, page::of(self)).context(PAGE)
    }
}

impl Run {
    pub fn verdict(&self) -> &'static str {
        match (self.passed, self.was_skipped()) {
            (false, _) => "FAILED",
            (true, true) => "skipped",
            (true, false) => "passed",
        }
    }

    /// Whether nothing of it could be tried.
    fn was_skipped(&self) -> bool {
        self.proofs.iter().all(|proof| proof.tried == 0)
    }

    pub fn took(&self) -> String {
        match self.seconds {
            seconds @ ..120 => format!("{seconds} s"),
            seconds @ ..7200 => format!("{} min", seconds / 60),
            seconds => format!("{}.{} h", seconds / 3600, seconds % 3600 / 360),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_says_what_the_figures_say() {
        let read = |path: &str| {
            let path = format!("{}/../{path}", env!("CARGO_MANIFEST_DIR"));
            fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
        };
        let record: Record = serde_json::from_str(&read(FIGURES)).unwrap();
        assert_eq!(read(PAGE), page::of(&record), "the page is stale: `just prove --page` writes it again");
    }
}
