//! The world as a value: kept, come back to, and compared, so that every way on from a state can be tried.
//!
//! A store is copied when its service took a step, and an engine opens its copy anew when the world comes back to it. Such
//! an engine is the one that was there: what it holds beside the store is the broker's word for outbox rows that no commit
//! took along yet, and those are the rows that stand unconfirmed in the store and not in the queue; what it would release
//! again is in the queues already. What is kept for a broker that forgets, or until the horizon, is not copied: this broker
//! forgets nothing, and time stands still.
//!
//! Most states differ from their neighbours in one service only: what is the same is there once ([`shared`]).
//!
//! Invariant: two states with the same [`Saved::digest`] have the same futures, and no future of the one breaks an
//! invariant that the same future of the other keeps.

mod shared;

use std::{
    collections::BTreeSet,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use chassis::{Input, MemoryDisk, MemoryStore, Message, OutboxRow, Pending, Reminder};
use events::{EventId, header};
use jiff::Timestamp;

use self::shared::Shared;
use super::{Ledger, Node, World, open};

/// What a process has in memory, and the broker waits with.
#[derive(Clone)]
struct Queues {
    unheard: Vec<usize>,
    outbox: Vec<OutboxRow>,
    effects: Vec<Pending>,
    outcomes: Vec<(String, String, Vec<u8>)>,
    reminders: BTreeSet<Reminder>,
}

#[derive(Clone)]
struct SavedNode {
    store: Arc<MemoryStore>,
    store_digest: u64,
    queues: Arc<Queues>,
}

/// A state of the world.
#[derive(Clone)]
pub struct Saved {
    nodes: Vec<SavedNode>,
    stream: Vec<Arc<Message>>,
    ledger: Arc<Ledger>,
    commands: u32,
    dead_letters: usize,
}

/// A world that can be in any state that was saved. It knows which one it is in, and changes only what differs.
pub struct Stage {
    /// The world, to be looked at.
    pub world: World,
    at: Saved,
    shared: Shared,
}

impl Stage {
    /// A world whose clock stands still, so that the same things done at other times make the same state.
    pub fn new(mut world: World) -> Stage {
        world.stopped = true;
        let mut shared = Shared::default();
        let stream = world.stream.iter().map(|it| shared.message(it)).collect();
        let nodes = world.nodes.iter().enumerate().map(|(at, node)| shared.node(at, node)).collect();
        let ledger = Arc::new(world.ledger.clone());
        let (commands, dead_letters) = (world.commands, world.dead_letters.len());
        Stage { world, at: Saved { nodes, stream, ledger, commands, dead_letters }, shared }
    }

    /// The state that it is in.
    pub fn save(&self) -> Saved {
        self.at.clone()
    }

    /// Goes to a state.
    pub fn load(&mut self, wanted: &Saved) {
        for (at, there) in wanted.nodes.iter().enumerate() {
            let here = &self.at.nodes[at];
            // Which rows the broker confirmed is known by the store and the queue together.
            let numbers = |queues: &Queues| queues.outbox.iter().map(|row| row.number).collect::<Vec<_>>();
            let same_store = Arc::ptr_eq(&here.store, &there.store);
            let same_queues = Arc::ptr_eq(&here.queues, &there.queues);
            if same_store && same_queues {
                continue;
            }
            put(&mut self.world.nodes[at], &there.queues);
            if !same_store || numbers(&here.queues) != numbers(&there.queues) {
                reopen(&mut self.world.nodes[at], &there.store);
            }
        }
        let alike = self.at.stream.iter().zip(&wanted.stream).take_while(|(a, b)| Arc::ptr_eq(a, b)).count();
        self.world.stream.truncate(alike);
        self.world.stream.extend(wanted.stream[alike..].iter().map(|it| (**it).clone()));
        if !Arc::ptr_eq(&self.at.ledger, &wanted.ledger) {
            self.world.ledger = (*wanted.ledger).clone();
        }
        self.world.commands = wanted.commands;
        self.world.dead_letters.truncate(wanted.dead_letters);
        self.at = wanted.clone();
    }

    /// Does something to the service `at`, and nothing to another but that it may have more to hear.
    pub fn act(&mut self, at: usize, what: impl FnOnce(&mut World)) {
        what(&mut self.world);
        let new = &self.world.stream[self.at.stream.len()..];
        if !new.is_empty() {
            self.at.stream.extend(new.iter().map(|it| self.shared.message(it)));
            for (number, (saved, node)) in self.at.nodes.iter_mut().zip(&self.world.nodes).enumerate() {
                if saved.queues.unheard != node.unheard {
                    saved.queues = self.shared.queues(number, node);
                }
            }
        }
        self.at.nodes[at] = self.shared.node(at, &self.world.nodes[at]);
        if *self.at.ledger != self.world.ledger {
            self.at.ledger = Arc::new(self.world.ledger.clone());
        }
        self.at.commands = self.world.commands;
        self.at.dead_letters = self.world.dead_letters.len();
    }
}

impl Saved {
    /// What stands for the state: all rows of all stores, all queues, the ledger, and `log`, which stands for what the
    /// invariants see of the stream. Left out is what no future depends on: numbers of outbox rows, and places in the
    /// stream where the message itself is named.
    pub fn digest(&self, log: u64) -> u128 {
        let half = |salt: u8| {
            let mut hasher = DefaultHasher::new();
            (salt, log, self.commands, self.dead_letters).hash(&mut hasher);
            for node in &self.nodes {
                node.store_digest.hash(&mut hasher);
                self.hash_queues(&node.queues, &mut hasher);
            }
            format!("{:?}", self.ledger).hash(&mut hasher);
            hasher.finish()
        };
        (u128::from(half(0)) << 64) | u128::from(half(1))
    }

    /// The name of the message at `place`.
    pub fn name(&self, place: usize) -> String {
        let message = &self.stream[place];
        message.headers.get(header::ID).map_or_else(|| format!("message {place}"), str::to_owned)
    }

    fn hash_queues(&self, queues: &Queues, hasher: &mut DefaultHasher) {
        for place in &queues.unheard {
            self.name(*place).hash(hasher);
        }
        "outbox".hash(hasher);
        for row in &queues.outbox {
            (&row.message.subject, row.message.headers.get(header::ID)).hash(hasher);
        }
        let effects: BTreeSet<_> = queues.effects.iter().map(|it| (&it.name, &it.key, it.attempts)).collect();
        let outcomes: BTreeSet<_> = queues.outcomes.iter().collect();
        (effects, outcomes).hash(hasher);
        for it in &queues.reminders {
            (it.at.as_nanosecond(), &it.name, &it.key).hash(hasher);
        }
    }
}

fn put(node: &mut Node, queues: &Queues) {
    let Queues { unheard, outbox, effects, outcomes, reminders } = queues.clone();
    node.unheard = unheard;
    node.outbox = outbox.into();
    node.effects = effects;
    node.outcomes = outcomes;
    node.reminders = reminders;
}

/// Opens the engine on a copy of `store`, as it was when that was saved. What it releases is in the queues.
fn reopen(node: &mut Node, store: &MemoryStore) {
    node.disk = MemoryDisk::holding(store.clone());
    node.engine = open(node.service, &node.disk);
    let unconfirmed = node.engine.unfinished().expect("a store in memory reads").said;
    let queued: BTreeSet<_> = node.outbox.iter().map(|row| row.number).collect();
    let confirmed = unconfirmed.iter().filter(|row| !queued.contains(&row.number));
    // Where a row stands is asked by nobody in a world whose broker forgets nothing.
    let receipts = confirmed.map(|row| row.receipt(EventId::derived(&["world"]), row.number)).collect();
    let published = Input::Published { receipts, time: Timestamp::UNIX_EPOCH };
    let as_before = vec![Input::AllRemembered { from: 1 }, Input::CaughtUp, published];
    drop(node.engine.take(as_before).expect("a store in memory works"));
}
