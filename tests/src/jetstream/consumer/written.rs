//! What the broker writes down of a consumer: what it shows, and what it starts again from.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Pair, Waiting};

/// The written state of a consumer.
#[derive(Clone, Debug, Default)]
pub(super) struct Written {
    pub delivered: Pair,
    pub floor: Pair,
    /// Since when it waits is when the message was stored: after a start it comes again early.
    pub waiting: BTreeMap<u64, Waiting>,
    pub again: BTreeMap<u64, u64>,
}

impl Written {
    pub fn deliver(&mut self, place: Pair, deliveries: u64, stored: Timestamp, waits: bool) {
        if place.consumer <= self.floor.consumer {
            return;
        }
        let new = place.stream > self.delivered.stream;
        self.delivered.consumer = self.delivered.consumer.max(place.consumer);
        self.delivered.stream = self.delivered.stream.max(place.stream);
        if !waits {
            self.floor = self.delivered;
            return;
        }
        if new {
            self.waiting.insert(place.stream, Waiting { delivery: place.consumer, since: stored });
        } else if let Some(waiting) = self.waiting.get_mut(&place.stream) {
            waiting.since = stored;
        }
        if deliveries > 1 {
            let times = self.again.entry(place.stream).or_default();
            *times = (*times).max(deliveries - 1);
        }
    }

    /// An acknowledgement of what does not wait is not written.
    pub fn acknowledge(&mut self, place: Pair) {
        self.again.remove(&place.stream);
        if place.consumer <= self.floor.consumer || !self.waiting.contains_key(&place.stream) {
            return;
        }
        self.floor = place;
        let rest = self.waiting.split_off(&(place.stream + 1));
        for sequence in std::mem::replace(&mut self.waiting, rest).into_keys() {
            self.again.remove(&sequence);
        }
    }

    /// The stream ends at `last`, which is before what was delivered: sequences after it will be used again.
    pub fn reconcile(&mut self, last: u64) {
        if self.floor.stream > last {
            self.floor = Pair { consumer: self.delivered.consumer, stream: last };
            self.waiting.clear();
            self.again.clear();
        }
        self.waiting.retain(|sequence, _| *sequence <= last);
        self.again.retain(|sequence, _| *sequence <= last);
        self.delivered = match self.waiting.keys().next_back() {
            None => self.floor,
            Some(stream) => {
                let consumer = self.waiting.values().map(|it| it.delivery).max().unwrap_or_default();
                Pair { consumer, stream: *stream }
            }
        };
    }
}
