//! Places that were heard, behind the position: where the stream lost its end, hearing goes on from the last of them that
//! still stands, not from the beginning.

use events::EventId;
use jiff::{SignedDuration, Timestamp};

use super::forget::timed;
use crate::{
    Error, Position, key,
    store::{Batch, Store},
};

/// How far apart two rungs are at most, in messages; a new one is due after a second too.
const APART: u64 = 1000;

/// The rungs, as far as they are kept in memory: the last one.
#[derive(Default)]
pub(super) struct Ladder {
    last: Option<(Position, Timestamp)>,
}

impl Ladder {
    /// Adds a rung at `position`, which was reached at `now`, where one is due.
    pub fn climb(&mut self, writes: &mut Batch, position: Position, now: Timestamp) {
        let near = |(last, at): &(Position, Timestamp)| {
            last.stream == position.stream
                && (last.sequence..last.sequence + APART).contains(&position.sequence)
                && (*at..*at + SignedDuration::from_secs(1)).contains(&now)
        };
        if self.last.as_ref().is_some_and(near) {
            return;
        }
        let Position { stream, sequence, mark } = position;
        let rung = [stream.as_bytes().as_slice(), mark.as_bytes()].concat();
        writes.insert(key::heard(sequence), Some(timed(rung, now)));
        self.last = Some((position, now));
    }

    /// Hearing begins at `from`: what was heard there and behind it stood in a stream that is no more.
    pub fn cut(&mut self, store: &dyn Store, writes: &mut Batch, from: u64) -> Result<(), Error> {
        self.last.take_if(|(last, _)| last.sequence >= from);
        for pair in store.scan_from(key::HEARD, &key::heard(from)) {
            writes.insert(pair?.0, None);
        }
        Ok(())
    }

    /// All rungs, ascending.
    pub fn places(store: &dyn Store) -> Result<Vec<Position>, Error> {
        const WRITTEN: &str = "a rung has 40 bytes: climb writes them";
        let id = |value: &[u8], at: usize| EventId::from_bytes(value[at..at + 16].try_into().expect(WRITTEN));
        let place = |(key, value): (Vec<u8>, Vec<u8>)| Position {
            stream: id(&value, 0),
            sequence: key::number(&key),
            mark: id(&value, 16),
        };
        store.scan(key::HEARD).map(|pair| pair.map(place)).collect()
    }
}
