//! What a batch will write, before it is written: an overlay of the store in two layers, so that a turn that is refused
//! leaves nothing of itself behind.

use std::cell::RefCell;

use events::EventId;
use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Error,
    effect::Pending,
    inbox::{Inbox, Mark, Marks},
    key,
    outbox::{self, Message, OutboxRow},
    reminder::Reminder,
    store::{
        Batch, Pair, Store,
        merge::{Merge, standing, written},
    },
};

/// What a turn, or all turns of a batch together, lead to.
#[derive(Default)]
pub(crate) struct Layer {
    pub writes: Batch,
    /// What is known from here on. It goes to the store with `writes`, and so does what is said.
    pub marks: Marks,
    pub said: Vec<OutboxRow>,
    pub asked: Vec<Pending>,
    /// Effects that are not wanted any more, by name and key. They were asked for before anything in `asked`.
    pub withdrawn: Vec<(String, String)>,
    pub reminders: Vec<Reminder>,
    /// Reminders that are not wanted any more, by name and key. They were asked for before anything in `reminders`.
    pub forgotten: Vec<(String, String)>,
    /// Everything that was heard is to be forgotten, and heard again.
    pub start_over: bool,
}

/// An overlay of the store: the batch's layer, and above it the layer of the turn that is running.
pub(crate) struct Draft<'s> {
    store: &'s dyn Store,
    inbox: &'s Inbox,
    pub batch: Layer,
    pub turn: Layer,
    next_outbox_row: u64,
    /// The broker's clock, where it is known.
    clock: Option<Timestamp>,
    /// The first failure to read. It ends the batch: nothing that was decided after it counts.
    fault: RefCell<Option<Error>>,
}

impl<'s> Draft<'s> {
    pub fn over(store: &'s dyn Store, inbox: &'s Inbox, next_outbox_row: u64) -> Draft<'s> {
        let (batch, turn) = (Layer::default(), Layer::default());
        Draft { store, inbox, batch, turn, next_outbox_row, clock: None, fault: RefCell::new(None) }
    }

    /// From here on the broker's clock says `clock`.
    pub fn at(mut self, clock: Option<Timestamp>) -> Draft<'s> {
        self.clock = clock;
        self
    }

    /// The broker's clock, where it is known.
    pub fn clock(&self) -> Option<Timestamp> {
        self.clock
    }

    /// The value of `key` as this turn sees it.
    pub fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        if let Some(value) = self.turn.writes.get(key).or_else(|| self.batch.writes.get(key)) {
            return value.clone();
        }
        self.or_fault(self.store.get(key))
    }

    /// What is known of `id`, as this turn sees it.
    pub fn known(&self, id: EventId) -> Option<Mark> {
        let marked = self.turn.marks.get(&id).or_else(|| self.batch.marks.get(&id));
        marked.copied().or_else(|| self.or_fault(self.inbox.find(self.store, id)))
    }

    /// What was read, or nothing and a fault.
    pub fn or_fault<T: Default>(&self, read: Result<T, Error>) -> T {
        read.unwrap_or_else(|error| {
            self.fault.borrow_mut().get_or_insert(error);
            T::default()
        })
    }

    /// The value of `key`, decoded.
    pub fn read<T: DeserializeOwned>(&self, key: &[u8]) -> Option<T> {
        self.decode(key, &self.get(key)?)
    }

    /// `value`, which stands under `key`, decoded.
    pub fn decode<T: DeserializeOwned>(&self, key: &[u8], value: &[u8]) -> Option<T> {
        match serde_json::from_slice(value) {
            Ok(value) => Some(value),
            Err(source) => {
                let key = String::from_utf8_lossy(key).into_owned();
                self.fault.borrow_mut().get_or_insert(Error::Row { key, source });
                None
            }
        }
    }

    /// The pairs whose key starts with `prefix`, from the key `from` on, as this turn sees them; `at_most` so many.
    pub fn scan(&self, prefix: &[u8], from: &[u8], at_most: usize) -> Vec<Pair> {
        let layers = [
            written(&self.turn.writes, from),
            written(&self.batch.writes, from),
            standing(self.store.scan_from(prefix, from)),
        ];
        let read = |pair: Result<Pair, Error>| self.or_fault(pair.map(Some));
        let pairs = Merge::of(layers).map_while(read);
        pairs.take_while(|(key, _)| key.starts_with(prefix)).take(at_most).collect()
    }

    pub fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.turn.writes.insert(key, Some(value));
    }

    pub fn remove(&mut self, key: Vec<u8>) {
        self.turn.writes.insert(key, None);
    }

    /// Marks `id` as known.
    pub fn mark(&mut self, id: EventId, mark: Mark) {
        self.turn.marks.insert(id, mark);
    }

    /// Puts a row into the outbox, behind all others.
    pub fn say(&mut self, message: Message) {
        self.turn.said.push(OutboxRow { number: self.next_outbox_row, message });
        self.next_outbox_row += 1;
    }

    /// Asks for an effect.
    pub fn ask(&mut self, effect: Pending) {
        self.put(key::effect(&effect.name, &effect.key), json(&effect));
        self.turn.asked.push(effect);
    }

    /// Takes an effect back.
    pub fn withdraw(&mut self, name: &str, about: &str) {
        self.remove(key::effect(name, about));
        self.turn.asked.retain(|it| (it.name.as_str(), it.key.as_str()) != (name, about));
        self.turn.withdrawn.push((name.to_owned(), about.to_owned()));
    }

    /// Asks for a reminder.
    pub fn remind(&mut self, reminder: Reminder) {
        self.put(key::reminder(&reminder.name, &reminder.key), json(&reminder));
        self.turn.reminders.push(reminder);
    }

    /// Takes a reminder back.
    pub fn forget(&mut self, name: &str, about: &str) {
        self.remove(key::reminder(name, about));
        self.turn.reminders.retain(|it| (it.name.as_str(), it.key.as_str()) != (name, about));
        self.turn.forgotten.push((name.to_owned(), about.to_owned()));
    }

    /// The turn ended well: it belongs to the batch now.
    pub fn keep(&mut self) {
        let turn = std::mem::take(&mut self.turn);
        self.batch.writes.extend(turn.writes);
        self.batch.marks.extend(turn.marks);
        self.batch.said.extend(turn.said);
        for (name, key) in turn.withdrawn {
            self.batch.asked.retain(|it| (&it.name, &it.key) != (&name, &key));
            self.batch.withdrawn.push((name, key));
        }
        self.batch.asked.extend(turn.asked);
        self.batch.start_over |= turn.start_over;
        for (name, key) in turn.forgotten {
            self.batch.reminders.retain(|it| (&it.name, &it.key) != (&name, &key));
            self.batch.forgotten.push((name, key));
        }
        self.batch.reminders.extend(turn.reminders);
    }

    /// The turn was refused: nothing of it stays.
    pub fn discard(&mut self) {
        self.next_outbox_row -= self.turn.said.len() as u64;
        self.turn = Layer::default();
    }

    /// What the batch writes, or the first failure to read.
    pub fn finish(self) -> Result<(Layer, u64), Error> {
        let mut batch = self.batch;
        match self.fault.into_inner() {
            Some(error) => Err(error),
            None => {
                self.inbox.write(std::mem::take(&mut batch.marks), &mut batch.writes);
                outbox::chunk::write(&batch.said, &mut batch.writes);
                Ok((batch, self.next_outbox_row))
            }
        }
    }
}

thread_local! {
    /// Where rows are written first: each is copied from there once, in place of growing while it is written, and has no room
    /// to spare for as long as it is in memory.
    static WRITTEN: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// `value` as JSON.
pub(crate) fn json<T: Serialize>(value: &T) -> Vec<u8> {
    WRITTEN.with_borrow_mut(|text| {
        text.clear();
        serde_json::to_writer(&mut *text, value).expect("rows have string keys and no values that fail to serialise");
        text.clone()
    })
}
