//! Stores, queues and messages that many states have in common, each kept once, for as long as a state has it.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Weak},
};

use chassis::{Batch, MemoryStore, Message, Store};

use super::{Queues, SavedNode};
use crate::world::Node;

/// What states have in common, under a number that stands for what it is.
#[derive(Default)]
pub(super) struct Shared {
    stores: HashMap<u64, Weak<MemoryStore>>,
    queues: HashMap<u64, Weak<Queues>>,
    messages: HashMap<u64, Weak<Message>>,
}

impl Shared {
    pub fn message(&mut self, message: &Message) -> Arc<Message> {
        let number = number(|hasher| (&message.subject, &message.headers, &message.body).hash(hasher));
        once(&mut self.messages, number, || message.clone())
    }

    pub fn node(&mut self, at: usize, node: &Node) -> SavedNode {
        let store = needed(node.disk.copy());
        let (digest, whole) = digests(at, &store);
        let store = once(&mut self.stores, whole, || store);
        SavedNode { store, store_digest: digest, queues: self.queues(at, node) }
    }

    pub fn queues(&mut self, at: usize, node: &Node) -> Arc<Queues> {
        let number = number(|hasher| {
            (at, &node.unheard).hash(hasher);
            for row in &node.outbox {
                (row.number, &row.message.subject, &row.message.headers, &row.message.body).hash(hasher);
            }
            for effect in &node.effects {
                (&effect.name, &effect.key, effect.request.get(), effect.cause.as_bytes()).hash(hasher);
                (effect.asked.as_nanosecond(), effect.attempts, &effect.last_error).hash(hasher);
            }
            node.outcomes.hash(hasher);
            for reminder in &node.reminders {
                (reminder.at.as_nanosecond(), &reminder.name, &reminder.key).hash(hasher);
            }
        });
        let queues = || Queues {
            unheard: node.unheard.clone(),
            outbox: node.outbox.iter().cloned().collect(),
            effects: node.effects.clone(),
            outcomes: node.outcomes.clone(),
            reminders: node.reminders.clone(),
        };
        once(&mut self.queues, number, queues)
    }
}

fn once<T>(known: &mut HashMap<u64, Weak<T>>, number: u64, make: impl FnOnce() -> T) -> Arc<T> {
    let entry = known.entry(number).or_default();
    entry.upgrade().unwrap_or_else(|| {
        let made = Arc::new(make());
        *entry = Arc::downgrade(&made);
        made
    })
}

fn number(of: impl FnOnce(&mut DefaultHasher)) -> u64 {
    let mut hasher = DefaultHasher::new();
    of(&mut hasher);
    hasher.finish()
}

/// What the future depends on. Not the position and the places that were heard, since in this world what is unheard decides
/// what is heard next; not what waits to be forgotten; not outbox rows that the broker confirmed.
fn needed(mut store: MemoryStore) -> MemoryStore {
    let aside = |key: &[u8]| key == b"m/position" || key.starts_with(b"h/") || key.starts_with(b"x/");
    let pairs = store.scan(b"").map(|pair| pair.expect("a store in memory reads"));
    let gone: Batch = pairs.filter(|(key, _)| aside(key)).map(|(key, _)| (key, None)).collect();
    let (inbox, outbox) = (inbox_in_order(&store), outbox_one_by_one(&store));
    store.commit(gone.into_iter().chain(inbox).chain(outbox).collect()).expect("a store in memory works");
    store
}

/// The outbox as if each row that the broker did not confirm had come alone: which commit said what, and when the broker's
/// word for another was written, no future depends on.
fn outbox_one_by_one(store: &MemoryStore) -> Batch {
    const PLACE: usize = 24;
    let all = |prefix| store.scan(prefix).map(|pair| pair.expect("a store in memory reads"));
    let last = |key: &[u8]| u64::from_be_bytes(*key.last_chunk().expect("the number of the last row"));
    let rows = |key: &[u8], many: usize| (last(key) + 1 - many as u64)..=last(key);
    // The stream and the time take less than two places.
    let words: Vec<_> = all(b"p/").collect();
    let confirmed: BTreeSet<_> = words.iter().flat_map(|(key, word)| rows(key, word.len() / PLACE - 1)).collect();
    let chunks: Vec<_> = all(b"o/").collect();
    let mut batch: Batch = words.iter().chain(&chunks).map(|(key, _)| (key.clone(), None)).collect();
    for (key, chunk) in &chunks {
        let texts: Vec<_> = chunk.split(|byte| *byte == 0xFF).collect();
        for (number, text) in rows(key, texts.len()).zip(texts).filter(|(number, _)| !confirmed.contains(number)) {
            batch.insert([b"o/", &number.to_be_bytes()[..]].concat(), Some(text.to_vec()));
        }
    }
    batch
}

/// The inbox as if all of it had come with one commit, in the order of the ids: which commit brought what, no future
/// depends on. Of an id that was marked again the later mark counts.
fn inbox_in_order(store: &MemoryStore) -> Batch {
    const MARK: usize = 32;
    let pages: Vec<_> = store.scan(b"i/").map(|page| page.expect("a store in memory reads")).collect();
    let marks = pages.iter().flat_map(|(_, page)| page.chunks_exact(MARK));
    let marks: BTreeMap<_, _> = marks.map(|mark| (&mark[..16], mark)).collect();
    let marks: Vec<_> = marks.into_values().collect();
    let in_order = marks.chunks(200).map(|page| Some(page.concat()));
    let written = in_order.zip(0_u64..).map(|(page, number)| ([b"i/", &number.to_be_bytes()[..]].concat(), page));
    pages.iter().map(|(key, _)| (key.clone(), None)).chain(written).collect()
}

/// Two numbers of a store: the first stands for all of it but the numbers of outbox rows, the second for all of it.
fn digests(at: usize, store: &MemoryStore) -> (u64, u64) {
    let (mut digest, mut whole) = (DefaultHasher::new(), DefaultHasher::new());
    at.hash(&mut digest);
    at.hash(&mut whole);
    for pair in store.scan(b"") {
        let (key, value) = pair.expect("a store in memory reads");
        (&key, &value).hash(&mut whole);
        match key.starts_with(b"o/") {
            true => ("o/", value).hash(&mut digest),
            false => (key, value).hash(&mut digest),
        }
    }
    (digest.finish(), whole.finish())
}
