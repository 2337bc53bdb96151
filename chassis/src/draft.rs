//! What a batch will write, before it is written: an overlay of the store in two layers, so that a turn that is refused
//! leaves nothing of itself behind.

use std::cell::RefCell;

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Error,
    effect::Pending,
    key,
    outbox::OutboxRow,
    reminder::Reminder,
    store::{Batch, Store},
};

/// What a turn, or all turns of a batch together, lead to.
#[derive(Default)]
pub(crate) struct Layer {
    pub writes: Batch,
    pub said: Vec<OutboxRow>,
    pub asked: Vec<Pending>,
    pub reminders: Vec<Reminder>,
}

/// An overlay of the store: the batch's layer, and above it the layer of the turn that is running.
pub(crate) struct Draft<'s> {
    store: &'s dyn Store,
    pub batch: Layer,
    pub turn: Layer,
    next_outbox_row: u64,
    /// The first failure to read. It ends the batch: nothing that was decided after it counts.
    fault: RefCell<Option<Error>>,
}

impl<'s> Draft<'s> {
    pub fn over(store: &'s dyn Store, next_outbox_row: u64) -> Draft<'s> {
        Draft { store, batch: Layer::default(), turn: Layer::default(), next_outbox_row, fault: RefCell::new(None) }
    }

    /// The value of `key` as this turn sees it.
    pub fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        if let Some(value) = self.turn.writes.get(key).or_else(|| self.batch.writes.get(key)) {
            return value.clone();
        }
        self.store.get(key).unwrap_or_else(|error| {
            self.fault.borrow_mut().get_or_insert(error);
            None
        })
    }

    /// The value of `key`, decoded.
    pub fn read<T: DeserializeOwned>(&self, key: &[u8]) -> Option<T> {
        let value = self.get(key)?;
        match serde_json::from_slice(&value) {
            Ok(value) => Some(value),
            Err(source) => {
                let key = String::from_utf8_lossy(key).into_owned();
                self.fault.borrow_mut().get_or_insert(Error::Row { key, source });
                None
            }
        }
    }

    pub fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.turn.writes.insert(key, Some(value));
    }

    pub fn remove(&mut self, key: Vec<u8>) {
        self.turn.writes.insert(key, None);
    }

    /// Puts a row into the outbox, behind all others.
    pub fn say(&mut self, message: crate::outbox::Message) {
        let row = OutboxRow { number: self.next_outbox_row, message };
        self.next_outbox_row += 1;
        self.put(key::outbox(row.number), row.message.to_row());
        self.turn.said.push(row);
    }

    /// The turn ended well: it belongs to the batch now.
    pub fn keep(&mut self) {
        let turn = std::mem::take(&mut self.turn);
        self.batch.writes.extend(turn.writes);
        self.batch.said.extend(turn.said);
        self.batch.asked.extend(turn.asked);
        self.batch.reminders.extend(turn.reminders);
    }

    /// The turn was refused: nothing of it stays.
    pub fn discard(&mut self) {
        self.next_outbox_row -= self.turn.said.len() as u64;
        self.turn = Layer::default();
    }

    /// What the batch writes, or the first failure to read.
    pub fn finish(self) -> Result<(Layer, u64), Error> {
        match self.fault.into_inner() {
            Some(error) => Err(error),
            None => Ok((self.batch, self.next_outbox_row)),
        }
    }
}

/// `value` as JSON.
pub(crate) fn json<T: Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).expect("rows have string keys and no values that fail to serialise")
}
