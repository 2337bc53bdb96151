//! What was said: which rows the broker has not confirmed, and where it holds the others.
//!
//! A confirmed row is kept for a while with the broker's word beside it. What the broker then turns out to have lost is
//! not confirmed any more, and is published again: whoever heard it knows it by its id.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::forget::timed;
use crate::{
    Error, OutboxRow, key,
    outbox::{Message, Receipt},
    store::{Batch, Store},
};

/// The outbox of a service, as far as it is kept in memory.
pub(super) struct SaidRows {
    /// The number of the next row.
    pub next: u64,
    /// Rows that the broker has not confirmed.
    unconfirmed: BTreeSet<u64>,
    /// The broker's word that waits for a commit.
    receipts: Vec<Receipt>,
}

impl SaidRows {
    /// What stands in `store`.
    pub fn open(store: &dyn Store) -> Result<SaidRows, Error> {
        let numbers = |prefix| store.scan(prefix).map(|pair| pair.map(|(key, _)| key::number(&key)));
        let mut rows: BTreeSet<u64> = numbers(key::OUTBOX).collect::<Result<_, Error>>()?;
        let next = rows.last().map_or(1, |last| last + 1);
        for confirmed in numbers(key::RECEIPTS) {
            rows.remove(&confirmed?);
        }
        Ok(SaidRows { next, unconfirmed: rows, receipts: Vec::new() })
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
        self.receipts.extend(receipts);
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
        let rows = self.receipts.drain(..).map(|it| (key::receipt(it.row), Some(timed(it.to_row(), now))));
        writes.extend(rows);
    }

    /// The broker does not hold these rows any more: they count as not confirmed, and come back to be published again.
    pub fn gone(&mut self, store: &dyn Store, writes: &mut Batch, numbers: Vec<u64>) -> Result<Vec<OutboxRow>, Error> {
        self.receipts.retain(|it| !numbers.contains(&it.row));
        writes.extend(numbers.iter().map(|number| (key::receipt(*number), None)));
        let rows = rows(store, numbers)?;
        self.added(&rows);
        Ok(rows)
    }

    /// All of the broker's word that is kept.
    pub fn receipts(&self, store: &dyn Store) -> Result<Vec<Receipt>, Error> {
        let kept = store.scan(key::RECEIPTS).map(|pair| pair.map(|(key, value)| Receipt::from_row(&key, &value)));
        kept.chain(self.receipts.iter().map(|it| Ok(*it))).collect()
    }
}

/// The rows with these numbers.
pub(super) fn rows(store: &dyn Store, numbers: impl IntoIterator<Item = u64>) -> Result<Vec<OutboxRow>, Error> {
    let row = |number| {
        let value = store.get(&key::outbox(number))?;
        value.map(|value| Ok(OutboxRow { number, message: Message::from_row(&value, number)? })).transpose()
    };
    numbers.into_iter().filter_map(|number| row(number).transpose()).collect()
}
