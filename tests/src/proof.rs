//! What a run proves, as figures: each line of `docs/reliability.md` is written by the run that it speaks of.
//!
//! A test with a longer form takes its size from [`times`], so that `just test` runs a few of what `just prove` runs many
//! of: the same code, with nothing left out of the short one but repetition.

use std::{collections::BTreeMap, fs::File, io::Write, path::PathBuf};

use serde::{Deserialize, Serialize};

/// Where figures go, a JSON line each. Set by `just prove`; where it is not, nothing is kept and tests have their short form.
const FIGURES: &str = "PROOF_FIGURES";

/// What was tried, and what came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// Which part of the scorecard it belongs to, and what `just prove` calls it: `kills`.
    pub part: String,
    /// What went wrong on purpose, for people: `kill -9 of payment`.
    pub fault: String,
    /// How often.
    pub tried: u64,
    /// How often it could not be tried, and why stands in `skipped_because`.
    pub skipped: u64,
    /// Why it could not be tried here.
    pub skipped_because: Option<String>,
    /// Orders that were answered.
    pub acknowledged: u64,
    /// Of those, how many nobody knew afterwards.
    pub lost: u64,
    /// Charges, refunds, mails or stock movements that happened twice.
    pub doubled: u64,
    /// Orders without an end.
    pub unfinished: u64,
    /// Anything else that was counted.
    pub figures: BTreeMap<String, u64>,
    /// What noticed that a guarantee was taken out, where that was the fault.
    #[serde(default)]
    pub caught_by: Option<String>,
    /// The command that repeats it.
    pub repeat: String,
}

impl Proof {
    /// Keeps the figures where `just prove` asked for them.
    pub fn record(&self) {
        let Some(path) = figures() else { return };
        let line = serde_json::to_string(self).expect("figures are numbers and words");
        let file = File::options().create(true).append(true).open(&path);
        file.and_then(|mut file| writeln!(file, "{line}"))
            .unwrap_or_else(|error| panic!("{} cannot be written: {error}", path.display()));
    }
}

/// How often something is tried: `few` times in `just test`, `many` times in `just prove`.
pub fn times(few: u64, many: u64) -> u64 {
    if figures().is_some() { many } else { few }
}

#[expect(clippy::disallowed_methods, reason = "a test has no settings of a service")]
fn figures() -> Option<PathBuf> {
    std::env::var_os(FIGURES).map(PathBuf::from)
}
