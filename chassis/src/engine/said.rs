//! What was said: which rows the broker has not confirmed, and where it holds the others.
//!
//! A confirmed row is kept for a while with the broker's word beside it. What the broker then turns out to have lost is
//! not confirmed any more, and is published again: whoever heard it knows it by its id.
//!
//! Invariant: the word for a row is forgotten with its message, or later. So a row without it was not confirmed.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{forget::Round, since};
use crate::{
    Compared, Error, OutboxRow,
    draft::json,
    key,
    outbox::{
        Furthest, Message, Receipt,
        chunk::{Chunk, Texts},
        receipts,
    },
    store::{Batch, Store},
};

/// The outbox of a service, as far as it is kept in memory.
pub(super) struct SaidRows {
    /// The number of the next row.
    pub next: u64,
    /// Rows that the broker has not confirmed.
    unconfirmed: BTreeSet<u64>,
    /// The broker's word that waits for a commit, by row.
    receipts: BTreeMap<u64, Receipt>,
    /// With whom it was compared, where that waits for a commit. Nobody waits for one because of it.
    compared: Option<Compared>,
}

impl SaidRows {
    /// What stands in `store`. Of the chunks only those are read that hold rows without the broker's word.
    pub fn open(store: &dyn Store) -> Result<SaidRows, Error> {
        // What lies before a group of receipts and behind the one before it.
        let (mut gaps, mut next) = (Vec::new(), 0);
        for pair in store.scan(key::RECEIPTS) {
            let (key, value) = pair?;
            let (first, last) = receipts::rows(&key, &value).into_inner();
            gaps.extend((next < first).then_some(next..first));
            next = last + 1;
        }
        gaps.push(next..u64::MAX);
        let mut unconfirmed = BTreeSet::new();
        for gap in gaps {
            for pair in store.scan_from(key::OUTBOX, &key::outbox(gap.start)) {
                let chunk = Chunk::new(pair?);
                if chunk.first >= gap.end {
                    break;
                }
                unconfirmed.extend(chunk.first.max(gap.start)..(chunk.last + 1).min(gap.end));
                next = next.max(chunk.last + 1);
            }
        }
        Ok(SaidRows { next: next.max(1), unconfirmed, receipts: BTreeMap::new(), compared: None })
    }

    /// Rows that were committed and have to be published.
    pub fn added(&mut self, rows: &[OutboxRow]) {
        self.unconfirmed.extend(rows.iter().map(|row| row.number));
    }

    /// Takes the broker's word.
    pub fn confirmed(&mut self, receipts: Vec<Receipt>) {
        for receipt in &receipts {
            self.unconfirmed.remove(&receipt.row);
        }
        self.receipts.extend(receipts.into_iter().map(|it| (it.row, it)));
    }

    /// Takes note with whom the broker's word was compared. It is written no later than any word that came since.
    pub fn compared(&mut self, compared: Option<Compared>) {
        self.compared = compared.or(self.compared.take());
    }

    /// The numbers of the rows that the broker has not confirmed.
    pub fn unconfirmed(&self) -> impl ExactSizeIterator<Item = u64> {
        self.unconfirmed.iter().copied()
    }

    /// How much of the broker's word waits for a commit.
    pub fn owes(&self) -> usize {
        self.receipts.len()
    }

    /// The broker's word as rows, for the next commit.
    pub fn write(&mut self, writes: &mut Batch, now: Timestamp) {
        receipts::write(std::mem::take(&mut self.receipts), now, writes);
        writes.extend(self.compared.take().map(|compared| (key::COMPARED.to_vec(), Some(json(&compared)))));
    }

    /// The broker does not hold these rows any more: they count as not confirmed, and come back to be published again.
    pub fn gone(&mut self, store: &dyn Store, writes: &mut Batch, numbers: Vec<u64>) -> Result<Vec<OutboxRow>, Error> {
        if numbers.is_empty() {
            return Ok(Vec::new());
        }
        let numbers: BTreeSet<_> = numbers.into_iter().collect();
        self.receipts.retain(|row, _| !numbers.contains(row));
        for pair in store.scan(key::RECEIPTS) {
            let (key, value) = pair?;
            let (gone, stay): (Vec<_>, Vec<_>) = receipts::read(&key, &value).partition(|it| numbers.contains(&it.row));
            if !gone.is_empty() {
                writes.insert(key, None);
                let since = since(&value).unwrap_or(Timestamp::MAX);
                receipts::write(stay.into_iter().map(|it| (it.row, it)).collect(), since, writes);
            }
        }
        let rows = rows(store, numbers)?;
        self.added(&rows);
        Ok(rows)
    }

    /// All of the broker's word that is kept.
    pub fn receipts(&self, store: &dyn Store) -> Result<Vec<Receipt>, Error> {
        let mut kept = Vec::new();
        for pair in store.scan(key::RECEIPTS) {
            let (key, value) = pair?;
            kept.extend(receipts::read(&key, &value));
        }
        kept.extend(self.receipts.values());
        Ok(kept)
    }
}

/// With whom the broker's word was compared last, and the furthest place in each stream of all that it confirmed.
pub(super) fn compared(store: &dyn Store) -> Result<Option<(Compared, Vec<Receipt>)>, Error> {
    let read = |row: Vec<u8>| serde_json::from_slice::<Compared>(&row).ok();
    let Some(compared) = store.get(key::COMPARED)?.and_then(read) else { return Ok(None) };
    let mut furthest = Furthest::default();
    for pair in store.scan(key::RECEIPTS) {
        let (key, value) = pair?;
        furthest.extend(receipts::read(&key, &value));
    }
    Ok(Some((compared, furthest.into_all())))
}

/// The rows with these numbers.
pub(super) fn rows(store: &dyn Store, numbers: impl IntoIterator<Item = u64>) -> Result<Vec<OutboxRow>, Error> {
    let (mut texts, mut rows) = (Texts::of(store), Vec::new());
    for number in numbers {
        if let Some(text) = texts.get(number)? {
            rows.push(OutboxRow { number, message: Message::from_row(text, number)? });
        }
    }
    Ok(rows)
}

/// What goes with a group of receipts that is old enough: the chunks that hold its rows. Where one of these stays, since
/// a row of it is not confirmed, or was not for long, nothing goes.
pub(super) fn with_receipts(round: &Round<'_>, key: &[u8], value: &[u8]) -> Result<Option<Vec<Vec<u8>>>, Error> {
    let (first, last) = receipts::rows(key, value).into_inner();
    let mut chunks = Vec::new();
    for pair in round.store.scan_from(key::OUTBOX, &key::outbox(first)) {
        let chunk = Chunk::new(pair?);
        if chunk.first > last {
            break;
        }
        // It may have gone with the group before.
        let stays = !round.writes.contains_key(&chunk.key);
        if stays && !may_go(round, &chunk)? {
            return Ok(None);
        }
        chunks.push(chunk.key);
    }
    Ok(Some(chunks))
}

/// Whether all of a chunk was confirmed long ago. What this batch changes of it is not.
fn may_go(round: &Round<'_>, chunk: &Chunk) -> Result<bool, Error> {
    let mut sure = chunk.first;
    for pair in round.store.scan_from(key::RECEIPTS, &key::receipts(sure)) {
        let (key, value) = pair?;
        let rows = receipts::rows(&key, &value);
        if !rows.contains(&sure) || !round.is_old(&value) || round.writes.contains_key(&key) {
            return Ok(false);
        }
        sure = rows.end() + 1;
        if sure > chunk.last {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use events::{EVENTS, EventId};

    use super::*;
    use crate::{MemoryStore, Position};

    fn receipt(row: u64) -> (u64, Receipt) {
        (row, Receipt { row, name: EVENTS, place: Position::in_passing(EventId::derived(&[]), row) })
    }

    #[test]
    fn a_row_without_the_broker_s_word_is_not_confirmed_wherever_it_stands() {
        let mut writes = Batch::new();
        // Chunks end where they will; a text without a separator is one row.
        for (first, last) in [(1, 2), (3, 7), (8, 8), (9, 12), (13, 20)] {
            let text = vec![b"{}".as_slice(); last - first + 1].join(&0xFF);
            writes.insert(key::outbox(last as u64), Some(text));
        }
        let confirmed = [2, 3, 4, 6, 9, 10, 11, 12, 13];
        receipts::write(confirmed.map(receipt).into(), Timestamp::UNIX_EPOCH, &mut writes);
        let mut store = MemoryStore::default();
        store.commit(writes).unwrap();
        let said = SaidRows::open(&store).unwrap();
        assert_eq!(said.unconfirmed().collect::<Vec<_>>(), [1, 5, 7, 8, 14, 15, 16, 17, 18, 19, 20]);
        assert_eq!(said.next, 21);
        assert_eq!(SaidRows::open(&MemoryStore::default()).unwrap().next, 1);
    }

    #[test]
    fn the_number_of_a_row_that_is_gone_is_not_used_again_while_the_word_for_it_stands() {
        let mut writes = Batch::new();
        receipts::write([receipt(7)].into(), Timestamp::UNIX_EPOCH, &mut writes);
        let mut store = MemoryStore::default();
        store.commit(writes).unwrap();
        assert_eq!(SaidRows::open(&store).unwrap().next, 8);
    }
}
