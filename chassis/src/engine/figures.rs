//! What every service answers about its own work: how much it took, wrote and published. It is how a benchmark says what
//! one order costs.
//!
//! Invariant: it counts this process, from nought, and nothing depends on what is counted.

use serde::{Deserialize, Serialize};

use super::turns;
use crate::{Answer, Input, Refusal, draft::json, service::ABOUT_ITSELF, store::Batch};

/// The command has no fields.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {}

/// `svc.<service>.figures`: what this process has done since it started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// Inputs that had a turn: events, commands, outcomes, attempts and reminders. Duplicates too, and questions about
    /// the service itself not.
    pub turns: u64,
    /// Of these, messages of the stream.
    pub heard: u64,
    /// Batches that were written to the store.
    pub commits: u64,
    /// Rows that were written.
    pub rows: u64,
    /// Rows that were removed.
    pub removed: u64,
    /// Bytes of the keys and values of all of these.
    pub bytes: u64,
    /// Messages that the broker confirmed.
    pub published: u64,
    /// How often the broker's word came: once for what was published together.
    pub publishes: u64,
}

impl Figures {
    /// A batch of inputs comes to its turns.
    pub(super) fn take(&mut self, inputs: &[Input]) {
        for input in inputs {
            match input {
                Input::Event(_) => (self.turns, self.heard) = (self.turns + 1, self.heard + 1),
                Input::Command(request) if ABOUT_ITSELF.contains(&request.command.as_str()) => {}
                Input::Command(_) | Input::Outcome { .. } | Input::Attempt { .. } | Input::Reminder(_) => {
                    self.turns += 1;
                }
                Input::Published { receipts, .. } => {
                    (self.published, self.publishes) = (self.published + receipts.len() as u64, self.publishes + 1);
                }
                _ => {}
            }
        }
    }

    /// Answers itself.
    pub(super) fn answer(&self, body: &[u8]) -> Answer {
        let unreadable = |error| Refusal::unreadable(format!("the body does not read as figures: {error}"));
        let Question {} = serde_json::from_value(turns::read(body)?).map_err(unreadable)?;
        Ok(json(self))
    }

    /// A batch goes to the store.
    pub(super) fn commit(&mut self, writes: &Batch) {
        self.commits += 1;
        for (key, value) in writes {
            self.bytes += (key.len() + value.as_ref().map_or(0, Vec::len)) as u64;
            *if value.is_some() { &mut self.rows } else { &mut self.removed } += 1;
        }
    }
}
