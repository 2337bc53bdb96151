//! A model of JetStream: what nats-server 2.15 answers, as plain data. It does no I/O and knows no clock, so that a
//! simulation can run a hundred thousand brokers; `end_to_end/differential.rs` holds it against the real one.
//!
//! Invariant: the same calls with the same times give the same answers. A clone is a copy of the broker with its disk;
//! messages are shared between copies.
//!
//! What it leaves out, since nothing here uses it: limits, mirrors, push consumers, `+NAK`, `+TERM`, purge, batches that
//! are left unfinished.

mod consumer;
mod duplicates;
mod durability;
mod refused;
mod stream;
mod subject;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc};

use chassis::Message;
use jiff::Timestamp;

pub use consumer::{AckPolicy, Consumer, ConsumerConfig, ConsumerInfo, Delivered, Pair, Place};
pub use durability::Consumers;
pub use refused::Refused;
pub use stream::{Published, PublishedBatch, Stored, Stream, StreamConfig, StreamInfo};
pub use subject::matches;

/// A broker: streams, with their consumers.
#[derive(Clone, Debug, Default)]
pub struct JetStream {
    streams: BTreeMap<String, Stream>,
}

impl JetStream {
    /// Makes a stream. One that is there as it is wanted stays as it is, with all that it holds.
    pub fn create_stream(&mut self, config: StreamConfig, now: Timestamp) -> Result<StreamInfo, Refused> {
        if let Some(there) = self.streams.get(&config.name) {
            return if *there.config() == config { Ok(there.info()) } else { Err(Refused::StreamNameInUse) };
        }
        let taken = |other: &Stream| {
            let mut pairs = other.config().subjects.iter().flat_map(|a| config.subjects.iter().map(move |b| (a, b)));
            pairs.any(|(a, b)| subject::overlap(a, b))
        };
        if self.streams.values().any(taken) {
            return Err(Refused::SubjectsOverlap);
        }
        let stream = Stream::new(config, now);
        let info = stream.info();
        self.streams.insert(stream.config().name.clone(), stream);
        Ok(info)
    }

    /// Deletes a stream, with its messages and consumers. Made again, it is another one and counts from 1.
    pub fn delete_stream(&mut self, name: &str) -> Result<(), Refused> {
        self.streams.remove(name).map(drop).ok_or(Refused::StreamNotFound)
    }

    /// The names of all streams.
    pub fn streams(&self) -> impl Iterator<Item = &str> {
        self.streams.keys().map(String::as_str)
    }

    /// A stream.
    pub fn stream(&self, name: &str) -> Result<&Stream, Refused> {
        self.streams.get(name).ok_or(Refused::StreamNotFound)
    }

    /// A stream, to be changed.
    pub fn stream_mut(&mut self, name: &str) -> Result<&mut Stream, Refused> {
        self.streams.get_mut(name).ok_or(Refused::StreamNotFound)
    }

    /// Publishes one message to the stream that holds its subject.
    pub fn publish(&mut self, message: impl Into<Arc<Message>>, now: Timestamp) -> Result<Published, Refused> {
        let message = message.into();
        self.holder(&message.subject)?.publish(message, now)
    }

    /// Publishes `messages`, all or none, to the stream that holds the subject of the last one, which asks for the answer.
    pub fn publish_batch(&mut self, messages: &[Arc<Message>], now: Timestamp) -> Result<PublishedBatch, Refused> {
        let last = messages.last().ok_or(Refused::IncompleteBatch)?;
        self.holder(&last.subject)?.publish_batch(messages, now)
    }

    /// What a pull request gets at once: redelivered messages first, then new ones.
    pub fn fetch(
        &mut self,
        stream: &str,
        consumer: &str,
        at_most: usize,
        now: Timestamp,
    ) -> Result<Vec<Delivered>, Refused> {
        self.stream_mut(stream)?.fetch(consumer, at_most, now)
    }

    /// A client's `+ACK`. Nobody answers it: to a stream or a consumer that is gone it does nothing, and one that was made
    /// again under the same name takes it for its own.
    pub fn acknowledge(&mut self, stream: &str, consumer: &str, place: Place) {
        if let Ok(stream) = self.stream_mut(stream) {
            stream.acknowledge(consumer, place);
        }
    }

    fn holder(&mut self, subject: &str) -> Result<&mut Stream, Refused> {
        self.streams.values_mut().find(|it| it.takes(subject)).ok_or(Refused::NoStream)
    }
}
