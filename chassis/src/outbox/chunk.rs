//! What one commit says, in few rows: the messages stand one behind the other in chunks, a chunk under the number of the
//! last of them. A chunk of one message is what an older version wrote for each.
//!
//! Invariant: the numbers in a chunk follow one another, and no number is in two. So whichever chunk comes first from a
//! number on holds that number, or none does.

use super::OutboxRow;
use crate::{
    Error, key,
    store::{Batch, MAX_ROW_BYTES, Pair, Store},
};

/// Between two messages: no text has this byte in it.
const BETWEEN: u8 = 0xFF;

/// Messages that stand in one row of the store.
pub(crate) struct Chunk {
    pub key: Vec<u8>,
    /// The number of the first message.
    pub first: u64,
    /// The number of the last message.
    pub last: u64,
    text: Vec<u8>,
}

impl Chunk {
    pub fn new((key, text): Pair) -> Chunk {
        let last = key::number(&key);
        let first = last - text.iter().filter(|byte| **byte == BETWEEN).count() as u64;
        Chunk { key, first, last, text }
    }

    /// The chunk that holds the message of this number.
    pub fn holding(store: &dyn Store, number: u64) -> Result<Option<Chunk>, Error> {
        let next = store.scan_from(key::OUTBOX, &key::outbox(number)).next().transpose()?;
        Ok(next.map(Chunk::new).filter(|it| it.first <= number))
    }

    /// The message of this number, as [`super::Message::to_row`] wrote it.
    pub fn text(&self, number: u64) -> Option<&[u8]> {
        let at = number.checked_sub(self.first)?;
        self.text.split(|byte| *byte == BETWEEN).nth(usize::try_from(at).ok()?)
    }
}

/// Writes rows, whose numbers follow one another, as chunks.
pub(crate) fn write(rows: &[OutboxRow], writes: &mut Batch) {
    let mut open: Option<Pair> = None;
    for row in rows {
        let (key, text) = (key::outbox(row.number), row.message.to_row());
        open = Some(match open.take() {
            Some((_, before)) if key.len() + before.len() + 1 + text.len() <= MAX_ROW_BYTES => {
                (key, [before.as_slice(), &[BETWEEN], &text].concat())
            }
            full => {
                writes.extend(full.map(|(key, text)| (key, Some(text))));
                (key, text)
            }
        });
    }
    writes.extend(open.map(|(key, text)| (key, Some(text))));
}

/// Reads messages by their numbers: of those that ascend, each chunk once.
pub(crate) struct Texts<'s> {
    store: &'s dyn Store,
    chunk: Option<Chunk>,
}

impl<'s> Texts<'s> {
    pub fn of(store: &'s dyn Store) -> Texts<'s> {
        Texts { store, chunk: None }
    }

    /// The message of this number, where it is kept.
    pub fn get(&mut self, number: u64) -> Result<Option<&[u8]>, Error> {
        if self.chunk.as_ref().is_none_or(|it| !(it.first..=it.last).contains(&number)) {
            self.chunk = Chunk::holding(self.store, number)?;
        }
        Ok(self.chunk.as_ref().and_then(|chunk| chunk.text(number)))
    }
}

#[cfg(test)]
mod tests {
    use events::Headers;

    use super::*;
    use crate::{MemoryStore, outbox::Message};

    fn row(number: u64, bytes: usize) -> OutboxRow {
        let body = format!("{number} {}", "x".repeat(bytes));
        OutboxRow { number, message: Message { subject: "house.echoed.b-1".to_owned(), headers: Headers::new(), body } }
    }

    #[track_caller]
    fn check(sizes: &[usize], lasts: &[u64]) {
        let rows: Vec<_> = (7..).zip(sizes).map(|(number, bytes)| row(number, *bytes)).collect();
        let mut writes = Batch::new();
        write(&rows, &mut writes);
        assert_eq!(writes.keys().map(|key| key::number(key)).collect::<Vec<_>>(), lasts);
        assert!(writes.iter().all(|(key, text)| key.len() + text.as_ref().unwrap().len() <= MAX_ROW_BYTES));
        let mut store = MemoryStore::default();
        store.commit(writes).unwrap();
        let mut texts = Texts::of(&store);
        for row in &rows {
            assert_eq!(texts.get(row.number).unwrap(), Some(row.message.to_row().as_slice()));
        }
        let beyond = [6, 7 + rows.len() as u64].map(|number| texts.get(number).unwrap().is_some());
        assert_eq!(beyond, [false, false]);
    }

    #[test]
    fn messages_of_one_commit_stand_together_as_far_as_they_fit_into_a_row() {
        check(&[], &[]);
        check(&[100], &[7]);
        check(&[100; 5], &[11]);
        check(&[3000, 3000, 3000, 7100, 100], &[8, 9, 10, 11]);
    }

    #[test]
    fn a_row_of_an_older_version_is_a_chunk_of_one() {
        let mut store = MemoryStore::default();
        let rows = [row(1, 10), row(3, 10)];
        store.commit(rows.iter().map(|it| (key::outbox(it.number), Some(it.message.to_row()))).collect()).unwrap();
        let mut texts = Texts::of(&store);
        let there = [0, 1, 2, 3, 4].map(|number| texts.get(number).unwrap().map(<[u8]>::to_vec));
        assert_eq!(there, [None, Some(rows[0].message.to_row()), None, Some(rows[1].message.to_row()), None]);
    }
}
