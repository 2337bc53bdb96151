//! A pull consumer: what it delivered, what it waits for, what it delivers again.
//!
//! There are two books. The broker goes by what it has in memory; it shows, and starts again from, what it wrote down. The
//! two differ where an acknowledgement stands for a message that was never delivered.
//!
//! Invariant: an acknowledgement moves both floors forward or does nothing; a message at or below the floor in memory is
//! not delivered again by this process.

mod written;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use jiff::{SignedDuration, Timestamp};

use self::written::Written;
use super::{Consumers, Stored, Stream, StreamInfo, subject};

/// What acknowledging one message stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AckPolicy {
    /// All before it too.
    All,
    /// Nothing is acknowledged, nothing is delivered again.
    None,
}

/// What a consumer is made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerConfig {
    /// Its name.
    pub name: String,
    /// What it hears; all where there is none.
    pub filter_subjects: Vec<String>,
    /// The first message that it may deliver.
    pub start_sequence: u64,
    /// What acknowledging stands for.
    pub ack_policy: AckPolicy,
    /// After how long without an acknowledgement a message is delivered again.
    pub ack_wait: SignedDuration,
    /// How many may wait for their acknowledgement before no new one is delivered.
    pub max_ack_pending: usize,
    /// Whether it ends with the broker's process.
    pub in_memory: bool,
}

impl ConsumerConfig {
    /// A durable consumer as a service makes it.
    pub fn durable(name: &str, filter_subjects: &[String], start_sequence: u64) -> ConsumerConfig {
        ConsumerConfig {
            name: name.to_owned(),
            filter_subjects: filter_subjects.to_vec(),
            start_sequence,
            ack_policy: AckPolicy::All,
            ack_wait: SignedDuration::from_secs(30),
            max_ack_pending: 10_000,
            in_memory: false,
        }
    }

    /// The consumer by which a service reads back what it said.
    pub fn remembering(name: &str, filter_subject: &str, start_sequence: u64) -> ConsumerConfig {
        let filter = [filter_subject.to_owned()];
        let durable = ConsumerConfig::durable(name, &filter, start_sequence);
        ConsumerConfig { ack_policy: AckPolicy::None, in_memory: true, ..durable }
    }

    fn hears(&self, subject: &str) -> bool {
        self.filter_subjects.is_empty() || self.filter_subjects.iter().any(|it| subject::matches(it, subject))
    }
}

/// A place in the consumer's count of deliveries, and in the stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pair {
    /// Counts deliveries.
    pub consumer: u64,
    /// Counts messages.
    pub stream: u64,
}

/// What an acknowledgement says: the two numbers in its subject.
pub type Place = Pair;

/// A delivered message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// The message.
    pub stored: Arc<Stored>,
    /// Where it is acknowledged.
    pub place: Place,
    /// The how manieth time it is delivered.
    pub deliveries: u64,
}

/// What the broker says about a consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConsumerInfo {
    /// The last delivery.
    pub delivered: Pair,
    /// Up to where everything is acknowledged.
    pub ack_floor: Pair,
    /// How many messages it hears that it has not delivered yet.
    pub num_pending: u64,
    /// How many wait for their acknowledgement.
    pub num_ack_pending: usize,
    /// How many of those were delivered more than once.
    pub num_redelivered: usize,
}

/// A message that waits for its acknowledgement.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    /// Its first delivery.
    delivery: u64,
    since: Timestamp,
}

/// A pull consumer.
#[derive(Clone, Debug)]
pub struct Consumer {
    config: ConsumerConfig,
    /// The next delivery, and the first message that may be in it.
    next: Pair,
    /// From where on there may be something that it hears; behind what it delivered there may be much that it does not.
    looked: u64,
    floor: Pair,
    waiting: BTreeMap<u64, Waiting>,
    /// How often a message was delivered again.
    again: BTreeMap<u64, u64>,
    /// What is to be delivered again, in this order.
    overdue: VecDeque<u64>,
    queued: BTreeSet<u64>,
    written: Arc<Written>,
    /// What a power cut leaves of what was written; nothing where it leaves no consumer.
    synced: Option<Arc<Written>>,
    /// What was written when it was made.
    begun: Arc<Written>,
}

impl Consumer {
    pub(super) fn new(config: ConsumerConfig, stream: StreamInfo) -> Consumer {
        let first = config.start_sequence.max(stream.first_sequence).max(1);
        let before = Pair { consumer: 0, stream: first - 1 };
        let written = Arc::new(Written { delivered: before, floor: before, ..Written::default() });
        Consumer {
            config,
            next: Pair { consumer: 1, stream: first },
            looked: first,
            floor: before,
            waiting: BTreeMap::new(),
            again: BTreeMap::new(),
            overdue: VecDeque::new(),
            queued: BTreeSet::new(),
            begun: written.clone(),
            written,
            synced: None,
        }
    }

    /// What it was made with.
    pub fn config(&self) -> &ConsumerConfig {
        &self.config
    }

    pub(super) fn info(&self, stream: &Stream) -> ConsumerInfo {
        let unheard = stream.from(self.looked).filter(|it| self.config.hears(&it.message.subject));
        ConsumerInfo {
            delivered: self.written.delivered,
            ack_floor: self.written.floor,
            num_pending: unheard.count() as u64,
            num_ack_pending: self.waiting.len(),
            num_redelivered: self.again.len(),
        }
    }

    pub(super) fn fetch(&mut self, stream: &Stream, at_most: usize, now: Timestamp) -> Vec<Delivered> {
        self.find_overdue(now);
        let mut delivered = Vec::new();
        while delivered.len() < at_most {
            let Some((stored, deliveries)) = self.next_again(stream).or_else(|| self.next_new(stream)) else { break };
            delivered.push(self.deliver(stored, deliveries, now));
        }
        delivered
    }

    pub(super) fn acknowledge(&mut self, place: Place) {
        let never_delivered = place.stream >= self.next.stream;
        if never_delivered || place.consumer <= self.floor.consumer || place.stream <= self.floor.stream {
            return;
        }
        self.floor = place;
        let rest = self.waiting.split_off(&(place.stream + 1));
        for sequence in std::mem::replace(&mut self.waiting, rest).into_keys() {
            self.again.remove(&sequence);
            self.unqueue(sequence);
        }
        Arc::make_mut(&mut self.written).acknowledge(place);
    }

    /// A message that waits for its acknowledgement and is deleted counts as acknowledged, with all before it.
    pub(super) fn message_deleted(&mut self, sequence: u64) {
        match self.waiting.get(&sequence).map(|it| it.delivery) {
            Some(delivery) => self.acknowledge(Pair { consumer: delivery, stream: sequence }),
            None => drop(self.again.remove(&sequence)),
        }
    }

    pub(super) fn sync(&mut self) {
        self.synced = Some(self.written.clone());
    }

    pub(super) fn is_synced(&self) -> bool {
        self.synced.is_some()
    }

    /// The broker starts again, with a stream that ends at `last`, and what was written newest, or an older state.
    pub(super) fn recover(&mut self, left: Consumers, last: u64) {
        let mut written = match left {
            Consumers::Newest => self.written.clone(),
            Consumers::Older => self.synced.as_ref().unwrap_or(&self.begun).clone(),
        };
        if written.delivered.stream > last {
            Arc::make_mut(&mut written).reconcile(last);
        }
        let waiting = |(sequence, waiting): (&u64, &Waiting)| (*sequence, *waiting);
        *self = Consumer {
            config: self.config.clone(),
            next: Pair { consumer: written.delivered.consumer + 1, stream: written.delivered.stream + 1 },
            looked: written.delivered.stream + 1,
            floor: written.floor,
            waiting: written.waiting.iter().map(waiting).collect(),
            again: written.again.clone(),
            overdue: VecDeque::new(),
            queued: BTreeSet::new(),
            // A kill writes nothing to the disk.
            synced: match left {
                Consumers::Newest => self.synced.clone(),
                Consumers::Older => self.synced.as_ref().map(|_| written.clone()),
            },
            begun: self.begun.clone(),
            written,
        };
    }

    /// Queues what waited for too long: what is due first comes first, and of what is due together the older message.
    fn find_overdue(&mut self, now: Timestamp) {
        let late = |waiting: &Waiting| now.duration_since(waiting.since) >= self.config.ack_wait;
        let new = |sequence: &u64| !self.queued.contains(sequence);
        let mut found: Vec<_> = self
            .waiting
            .iter()
            .filter(|(sequence, waiting)| late(waiting) && new(sequence))
            .map(|(sequence, waiting)| (waiting.since, *sequence))
            .collect();
        found.sort_unstable();
        for (_, sequence) in found {
            self.overdue.push_back(sequence);
            self.queued.insert(sequence);
        }
    }

    fn next_again(&mut self, stream: &Stream) -> Option<(Arc<Stored>, u64)> {
        while let Some(sequence) = self.overdue.pop_front() {
            self.queued.remove(&sequence);
            if let Ok(stored) = stream.get(sequence) {
                let times = self.again.entry(sequence).or_default();
                *times += 1;
                return Some((stored.clone(), *times + 1));
            }
            self.message_deleted(sequence);
        }
        None
    }

    fn next_new(&mut self, stream: &Stream) -> Option<(Arc<Stored>, u64)> {
        let full = self.config.ack_policy == AckPolicy::All && self.waiting.len() >= self.config.max_ack_pending;
        if full {
            return None;
        }
        match stream.from(self.looked).find(|it| self.config.hears(&it.message.subject)) {
            Some(stored) => {
                self.looked = stored.sequence + 1;
                self.next.stream = self.looked;
                Some((stored.clone(), 1))
            }
            None => {
                // It waits where it is, although nothing before the end is for it.
                self.looked = self.looked.max(stream.last_sequence() + 1);
                None
            }
        }
    }

    fn deliver(&mut self, stored: Arc<Stored>, deliveries: u64, now: Timestamp) -> Delivered {
        let place = Pair { consumer: self.next.consumer, stream: stored.sequence };
        self.next.consumer += 1;
        let waits = self.config.ack_policy == AckPolicy::All;
        Arc::make_mut(&mut self.written).deliver(place, deliveries, stored.time, waits);
        if waits {
            let waiting = Waiting { delivery: place.consumer, since: now };
            self.waiting.entry(place.stream).and_modify(|it| it.since = now).or_insert(waiting);
        } else {
            self.floor = place;
        }
        Delivered { stored, place, deliveries }
    }

    fn unqueue(&mut self, sequence: u64) {
        if self.queued.remove(&sequence) {
            self.overdue.retain(|it| *it != sequence);
        }
    }
}
