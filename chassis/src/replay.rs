//! Running what was recorded in memory: the real reactions, the real engine, no broker, no clock, no outside.
//!
//! [`replay`] gives one service the inputs of a script and writes down what followed. [`replay_together`] gives all
//! services the events of a recording, and tells what they say now that they did not say then.

mod alone;
mod difference;
mod line;
mod paper;
mod part;
mod story;
mod together;
mod typed;

pub use alone::replay;
pub use difference::{Difference, Left, Moment, Said, What};
pub use line::read_recording;
pub use together::{Replayed, replay_together};

use crate::Error;

/// What a recording cannot be.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// A line is not an input.
    #[error("line {line} of the recording is not an input: {source}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What serde says.
        source: serde_json::Error,
    },
    /// A line is something, and no event.
    #[error("line {line} of the recording is not an event: {why}")]
    NoEvent {
        /// Counted from 1.
        line: usize,
        /// What is wrong with its subject.
        why: String,
    },
    /// There is nothing in it.
    #[error("the recording is empty: `murmur record` makes one")]
    Empty,
    /// The engine stopped.
    #[error(transparent)]
    Engine(#[from] Error),
}
