//! The broker's word for rows that it confirmed together: a group for rows that follow one another and stand in one
//! stream, under the number of the last of them. A group of one is what an older version wrote for each row.
//!
//! Invariant: a row is in one group at most.

use std::{collections::BTreeMap, ops::RangeInclusive};

use events::{DEAD_LETTERS, EVENTS, EventId};
use jiff::Timestamp;

use super::Receipt;
use crate::{Position, engine::timed, key, store::Batch};

/// Which stream, and its identity.
const STREAM: usize = 1 + 16;
/// Its sequence and its message id, for each row.
const PLACE: usize = 8 + 16;
/// When the word came.
const TIME: usize = 8;

/// The most rows of a group: it fits into a row of the store.
const ROWS: usize = 250;

/// Writes the word for these rows, which came `at` that time.
pub(crate) fn write(receipts: BTreeMap<u64, Receipt>, at: Timestamp, writes: &mut Batch) {
    let receipts: Vec<_> = receipts.into_values().collect();
    let stream = |it: &Receipt| (it.name, it.place.stream);
    let groups = receipts.chunk_by(|a, b| b.row == a.row + 1 && stream(a) == stream(b));
    for group in groups.flat_map(|group| group.chunks(ROWS)) {
        let first = &group[0];
        let mut value = vec![u8::from(first.name == DEAD_LETTERS)];
        value.extend(first.place.stream.as_bytes());
        for Position { sequence, mark, .. } in group.iter().map(|it| it.place) {
            value.extend(sequence.to_be_bytes());
            value.extend(mark.as_bytes());
        }
        let last = first.row + group.len() as u64 - 1;
        writes.insert(key::receipts(last), Some(timed(value, at)));
    }
}

/// Reads the group under `key`.
pub(crate) fn read(key: &[u8], value: &[u8]) -> impl Iterator<Item = Receipt> {
    const WRITTEN: &str = "a place has 24 bytes and a stream 17: `write` writes them";
    let id = |bytes: &[u8]| EventId::from_bytes(*bytes.first_chunk().expect(WRITTEN));
    let name = if value[0] == 1 { DEAD_LETTERS } else { EVENTS };
    let stream = id(&value[1..]);
    let places = value[STREAM..].chunks_exact(PLACE).take(count(value)).map(move |place| {
        let sequence = u64::from_be_bytes(*place.first_chunk().expect(WRITTEN));
        Position { stream, sequence, mark: id(&place[8..]) }
    });
    rows(key, value).zip(places).map(move |(row, place)| Receipt { row, name, place })
}

/// The rows that the group under `key` is for.
pub(crate) fn rows(key: &[u8], value: &[u8]) -> RangeInclusive<u64> {
    let last = key::number(key);
    last + 1 - count(value) as u64..=last
}

/// How many rows a group is for.
pub(crate) fn count(value: &[u8]) -> usize {
    (value.len() - STREAM - TIME) / PLACE
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{engine::since, store::MAX_ROW_BYTES};

    fn receipt(row: u64, name: &'static str, stream: &str) -> Receipt {
        let mark = EventId::derived(&[&row.to_string()]);
        Receipt { row, name, place: Position { stream: EventId::derived(&[stream]), sequence: row + 100, mark } }
    }

    #[track_caller]
    fn check(receipts: &[Receipt], lasts: &[u64]) {
        let mut writes = Batch::new();
        write(receipts.iter().map(|it| (it.row, *it)).collect(), Timestamp::UNIX_EPOCH, &mut writes);
        assert_eq!(writes.keys().map(|key| key::number(key)).collect::<Vec<_>>(), lasts);
        let groups: Vec<_> = writes.into_iter().map(|(key, value)| (key, value.unwrap())).collect();
        let back: Vec<_> = groups.iter().flat_map(|(key, value)| read(key, value)).collect();
        assert_eq!(back, receipts);
        assert!(groups.iter().all(|(key, value)| key.len() + value.len() <= MAX_ROW_BYTES));
        assert!(groups.iter().all(|(_, value)| since(value) == Some(Timestamp::UNIX_EPOCH)));
    }

    #[test]
    fn rows_that_follow_one_another_in_one_stream_are_one_group() {
        let event = |row| receipt(row, EVENTS, "events");
        check(&[], &[]);
        check(&[event(3), event(4), event(5)], &[5]);
        check(&[event(3), event(5), event(6)], &[3, 6]);
        check(&[event(3), receipt(4, DEAD_LETTERS, "dead"), event(5)], &[3, 4, 5]);
        check(&[event(3), receipt(4, EVENTS, "made anew")], &[3, 4]);
        check(&(1..=600).map(event).collect::<Vec<_>>(), &[250, 500, 600]);
    }

    #[test]
    fn a_receipt_of_an_older_version_is_a_group_of_one() {
        let receipt = receipt(7, DEAD_LETTERS, "dead");
        let Position { stream, sequence, mark } = receipt.place;
        let value = [&[1], stream.as_bytes().as_slice(), &sequence.to_be_bytes(), mark.as_bytes(), &[0; 8]].concat();
        assert_eq!(read(&key::receipts(7), &value).collect::<Vec<_>>(), [receipt]);
    }
}
