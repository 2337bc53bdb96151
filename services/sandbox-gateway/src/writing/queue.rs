//! Decisions that wait to be written, and whether somebody takes them.
//!
//! While anything waits, exactly one thread takes it: who comes when there is none starts one.

use std::{
    mem,
    sync::{Mutex, MutexGuard},
};

use tokio::sync::oneshot;

use super::{Decide, Outcome};
use crate::idempotency::Hold;

/// A decision that waits for its turn.
pub struct Waiting {
    pub decide: Decide,
    pub hold: Option<Hold>,
    pub answer: oneshot::Sender<Outcome>,
}

/// Decisions in the order in which they came.
#[derive(Default)]
pub struct Queue(Mutex<Line>);

#[derive(Default)]
struct Line {
    waiting: Vec<Waiting>,
    taken: bool,
}

impl Queue {
    /// Lets a decision wait, and says whether somebody is there who takes it. Otherwise it is for the caller to do.
    pub fn push(&self, waiting: Waiting) -> bool {
        let mut line = self.line();
        line.waiting.push(waiting);
        mem::replace(&mut line.taken, true)
    }

    /// All that waits. Whoever finds nothing is not the one who takes it any more.
    pub fn take(&self) -> Vec<Waiting> {
        let mut line = self.line();
        let group = mem::take(&mut line.waiting);
        line.taken = !group.is_empty();
        group
    }

    /// Lets go of all that waits: who takes it is no more. Those who wait are told so.
    pub fn abandon(&self) {
        let left = mem::take(&mut *self.line());
        drop(left);
    }

    /// How many wait.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.line().waiting.len()
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.0.lock().expect("queueing does not panic")
    }
}
