//! A stream: messages in the order in which they came, each with its sequence.
//!
//! Invariant: the last sequence never goes back while the broker runs, whatever is deleted; after a power cut it may.

use std::{
    collections::{BTreeMap, HashSet, VecDeque},
    sync::Arc,
};

use chassis::{Message, stream_identity};
use events::{EventId, header};
use jiff::{SignedDuration, Timestamp};

use super::{
    AckPolicy, Consumer, ConsumerConfig, ConsumerInfo, Delivered, Place, Refused, duplicates::Duplicates, subject,
};

/// The most messages in one atomic batch.
const BATCH_AT_MOST: usize = 1000;

/// What a stream is made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamConfig {
    /// `EVENTS`.
    pub name: String,
    /// What it holds.
    pub subjects: Vec<String>,
    /// For how long a message id is known.
    pub duplicate_window: SignedDuration,
    /// Whether it takes atomic batches.
    pub allow_atomic_publish: bool,
    /// The most bytes of body and headers.
    pub max_message_size: Option<usize>,
}

impl StreamConfig {
    /// A stream as the contract describes it.
    pub fn new(name: &str, subjects: &[&str]) -> StreamConfig {
        StreamConfig {
            name: name.to_owned(),
            subjects: subjects.iter().map(|&it| it.to_owned()).collect(),
            duplicate_window: SignedDuration::from_mins(2),
            allow_atomic_publish: true,
            max_message_size: None,
        }
    }
}

/// A message with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its place in the stream.
    pub sequence: u64,
    /// When it was stored.
    pub time: Timestamp,
    /// What was published.
    pub message: Arc<Message>,
}

/// The answer to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Published {
    /// Where it stands, or where the first one with its id stands.
    pub sequence: u64,
    /// Whether its id was known, and nothing was stored.
    pub duplicate: bool,
}

/// The answer to a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublishedBatch {
    /// Where its last message stands.
    pub last_sequence: u64,
    /// How many it has.
    pub count: u64,
}

/// What the broker says about a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamInfo {
    /// When it was made: what tells it from another one of its name.
    pub created: Timestamp,
    /// The first message that is there; one more than the last where none is.
    pub first_sequence: u64,
    /// The last message that was stored, whether or not it is still there.
    pub last_sequence: u64,
    /// How many are there.
    pub messages: u64,
}

/// A stream with its consumers.
#[derive(Clone, Debug)]
pub struct Stream {
    config: StreamConfig,
    pub(super) created: Timestamp,
    /// Messages from the first sequence to the last; nothing where one was deleted.
    pub(super) messages: VecDeque<Option<Arc<Stored>>>,
    pub(super) first: u64,
    there: u64,
    pub(super) duplicates: Duplicates,
    pub(super) consumers: BTreeMap<String, Consumer>,
    /// Up to where a power cut leaves it; nothing where it leaves no stream.
    pub(super) synced: Option<u64>,
}

impl Stream {
    pub(super) fn new(config: StreamConfig, now: Timestamp) -> Stream {
        Stream {
            duplicates: Duplicates::within(config.duplicate_window),
            config,
            created: now,
            messages: VecDeque::new(),
            first: 1,
            there: 0,
            consumers: BTreeMap::new(),
            synced: None,
        }
    }

    /// What it was made with.
    pub fn config(&self) -> &StreamConfig {
        &self.config
    }

    /// What tells it from another one of its name, as services see it.
    pub fn identity(&self) -> EventId {
        stream_identity(&self.config.name, self.created.as_nanosecond())
    }

    /// What the broker says about it. An empty stream that never held anything begins at 0.
    pub fn info(&self) -> StreamInfo {
        let last_sequence = self.last_sequence();
        let first_sequence = if last_sequence == 0 { 0 } else { self.first };
        StreamInfo { created: self.created, first_sequence, last_sequence, messages: self.there }
    }

    /// The last message that was stored, whether or not it is still there.
    pub fn last_sequence(&self) -> u64 {
        self.first + self.messages.len() as u64 - 1
    }

    /// Whether it holds `subject`.
    pub fn takes(&self, subject: &str) -> bool {
        self.config.subjects.iter().any(|filter| subject::matches(filter, subject))
    }

    /// A message by its place.
    pub fn get(&self, sequence: u64) -> Result<&Arc<Stored>, Refused> {
        let at = sequence.checked_sub(self.first).and_then(|at| usize::try_from(at).ok());
        at.and_then(|at| self.messages.get(at)).and_then(Option::as_ref).ok_or(Refused::MessageNotFound)
    }

    /// The messages that are there, from `sequence` on.
    pub fn from(&self, sequence: u64) -> impl Iterator<Item = &Arc<Stored>> {
        let skipped = usize::try_from(sequence.saturating_sub(self.first)).unwrap_or(usize::MAX);
        self.messages.range(skipped.min(self.messages.len())..).flatten()
    }

    /// The last message that is there under a subject, or under what a filter takes.
    pub fn last_by_subject(&self, filter: &str) -> Result<&Arc<Stored>, Refused> {
        let mut backwards = self.messages.iter().rev().flatten();
        backwards.find(|it| subject::matches(filter, &it.message.subject)).ok_or(Refused::MessageNotFound)
    }

    /// Publishes one message. With an id that is known, nothing is stored, and the answer is where the first one stands.
    pub fn publish(&mut self, message: Arc<Message>, now: Timestamp) -> Result<Published, Refused> {
        if self.too_large(&message) {
            return Err(Refused::MessageTooLarge);
        }
        let known = message_id(&message).and_then(|id| self.duplicates.known(id, now));
        if let Some(sequence) = known {
            return Ok(Published { sequence, duplicate: true });
        }
        Ok(Published { sequence: self.store(message, now), duplicate: false })
    }

    /// Publishes all of `messages` or nothing: nothing where one of them has an id that is known, or that another has.
    pub fn publish_batch(&mut self, messages: &[Arc<Message>], now: Timestamp) -> Result<PublishedBatch, Refused> {
        let Some((last, others)) = messages.split_last() else { return Err(Refused::IncompleteBatch) };
        // Only the last message asks for an answer, and the server looks at it before it looks at its batch.
        if self.too_large(last) {
            return Err(Refused::MessageTooLarge);
        }
        if !self.config.allow_atomic_publish {
            return Err(Refused::BatchesDisabled);
        }
        if messages.len() > BATCH_AT_MOST {
            // The one after the last that fits ended the batch.
            return Err(Refused::BatchTooLarge);
        }
        if others.iter().any(|it| self.too_large(it) || !self.takes(&it.subject)) {
            return Err(Refused::IncompleteBatch);
        }
        let mut ids = HashSet::new();
        for id in messages.iter().filter_map(|it| message_id(it)) {
            if !ids.insert(id) || self.duplicates.known(id, now).is_some() {
                return Err(Refused::DuplicateInBatch);
            }
        }
        let last_sequence = messages.iter().map(|it| self.store(it.clone(), now)).last().unwrap_or_default();
        Ok(PublishedBatch { last_sequence, count: messages.len() as u64 })
    }

    /// Deletes a message. Its place stays empty; a consumer that waits for its acknowledgement takes it as given.
    pub fn delete_message(&mut self, sequence: u64) -> Result<(), Refused> {
        self.get(sequence).map_err(|_| Refused::SequenceNotFound)?;
        let at = usize::try_from(sequence - self.first).map_err(|_| Refused::SequenceNotFound)?;
        self.messages[at] = None;
        self.there -= 1;
        while self.messages.front().is_some_and(Option::is_none) {
            self.messages.pop_front();
            self.first += 1;
        }
        for consumer in self.consumers.values_mut() {
            consumer.message_deleted(sequence);
        }
        Ok(())
    }

    /// Makes a consumer. One that is there as it is wanted stays as it is.
    pub fn create_consumer(&mut self, config: ConsumerConfig) -> Result<ConsumerInfo, Refused> {
        if let Some(there) = self.consumers.get(&config.name) {
            return if *there.config() == config { Ok(there.info(self)) } else { Err(Refused::ConsumerExists) };
        }
        let consumer = Consumer::new(config, self.info());
        let info = consumer.info(self);
        self.consumers.insert(consumer.config().name.clone(), consumer);
        Ok(info)
    }

    /// Deletes a consumer, with all that it waits for.
    pub fn delete_consumer(&mut self, name: &str) -> Result<(), Refused> {
        self.consumers.remove(name).map(drop).ok_or(Refused::ConsumerNotFound)
    }

    /// What the broker says about a consumer.
    pub fn consumer_info(&self, name: &str) -> Result<ConsumerInfo, Refused> {
        Ok(self.consumers.get(name).ok_or(Refused::ConsumerNotFound)?.info(self))
    }

    /// What a pull request gets at once.
    pub fn fetch(&mut self, consumer: &str, at_most: usize, now: Timestamp) -> Result<Vec<Delivered>, Refused> {
        let mut consumer = self.consumers.remove_entry(consumer).ok_or(Refused::ConsumerNotFound)?;
        let delivered = consumer.1.fetch(self, at_most, now);
        self.consumers.insert(consumer.0, consumer.1);
        Ok(delivered)
    }

    /// A client's `+ACK`.
    pub fn acknowledge(&mut self, consumer: &str, place: Place) {
        if let Some(consumer) = self.consumers.get_mut(consumer)
            && consumer.config().ack_policy == AckPolicy::All
        {
            consumer.acknowledge(place);
        }
    }

    /// What is left when messages after `last` are gone; the ids that it knows then are those of the messages that it has.
    pub(super) fn recover(&mut self, last: u64, now: Timestamp) {
        let left = usize::try_from((last + 1).saturating_sub(self.first)).unwrap_or(usize::MAX);
        self.messages.truncate(left);
        self.first = self.first.min(last + 1);
        self.there = self.messages.iter().flatten().count() as u64;
        self.duplicates = Duplicates::within(self.config.duplicate_window);
        let window = self.config.duplicate_window;
        for stored in self.messages.iter().flatten().filter(|it| now.duration_since(it.time) < window) {
            if let Some(id) = message_id(&stored.message) {
                self.duplicates.know(id, stored.sequence, stored.time);
            }
        }
    }

    fn store(&mut self, message: Arc<Message>, now: Timestamp) -> u64 {
        let sequence = self.last_sequence() + 1;
        if let Some(id) = message_id(&message) {
            self.duplicates.know(id, sequence, now);
        }
        self.messages.push_back(Some(Arc::new(Stored { sequence, time: now, message })));
        self.there += 1;
        sequence
    }

    fn too_large(&self, message: &Message) -> bool {
        // `NATS/1.0`, a line each, and an empty one.
        let lines: usize = message.headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
        let headers = if message.headers.is_empty() { 0 } else { lines + 12 };
        self.config.max_message_size.is_some_and(|most| headers + message.body.len() > most)
    }
}

fn message_id(message: &Message) -> Option<&str> {
    message.headers.get(header::MESSAGE_ID).filter(|id| !id.is_empty())
}
