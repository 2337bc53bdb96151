//! The message ids that a stream knows, each for the length of the duplicate window.
//!
//! Invariant: an id is known from when its message was stored until the window has passed; publishing it again does not
//! lengthen that, and deleting the message does not shorten it.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use jiff::{SignedDuration, Timestamp};

#[derive(Clone, Debug, Default)]
pub(super) struct Duplicates {
    window: SignedDuration,
    known: HashMap<Arc<str>, u64>,
    /// Oldest first.
    ages: VecDeque<(Timestamp, Arc<str>)>,
}

impl Duplicates {
    pub fn within(window: SignedDuration) -> Duplicates {
        Duplicates { window, ..Duplicates::default() }
    }

    /// The sequence of the message that brought `id`, where it is known at `now`.
    pub fn known(&mut self, id: &str, now: Timestamp) -> Option<u64> {
        self.expire(now);
        self.known.get(id).copied()
    }

    /// Knows `id` from `time` on.
    pub fn know(&mut self, id: &str, sequence: u64, time: Timestamp) {
        if self.window > SignedDuration::ZERO {
            let id = Arc::<str>::from(id);
            self.known.insert(id.clone(), sequence);
            self.ages.push_back((time, id));
        }
    }

    fn expire(&mut self, now: Timestamp) {
        while self.ages.front().is_some_and(|(time, _)| now.duration_since(*time) >= self.window) {
            if let Some((_, id)) = self.ages.pop_front() {
                self.known.remove(&id);
            }
        }
    }
}
