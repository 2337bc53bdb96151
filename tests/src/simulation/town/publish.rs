//! How what is said gets into the streams, or does not.

use std::sync::Arc;

use chassis::{Message, OutboxRow, Receipt};
use events::{DEAD_LETTERS, EVENTS};
use jiff::SignedDuration;

use super::{Packet, Town};
use crate::{
    jetstream::StreamConfig,
    log::fact,
    simulation::{faults::Fault, process::Relay},
};

impl Town {
    pub(super) fn relay(&mut self, at: usize) {
        self.make_streams();
        let at_most = 1 + self.rng.usize(0..8);
        let Some(process) = &mut self.nodes[at].process else { return };
        if process.compares_at() <= self.now && matches!(process.relay, Relay::Compared) {
            process.relay = Relay::New;
        }
        if !matches!(process.relay, Relay::Compared) {
            return process.compare(&self.broker, (self.now, self.server), &mut self.reached);
        }
        let rows = process.next_rows(at_most);
        if self.strikes(Fault::Crash, 60) {
            return self.kill(at, "crash before a publish");
        }
        if self.strikes(Fault::PublishUnknown, 8) {
            return self.reached.note("a publish does not reach the broker");
        }
        if self.strikes(Fault::PublishLate, 8) {
            let late = self.now + SignedDuration::from_millis(self.rng.i64(1..240_000));
            let messages = rows.into_iter().map(|row| (late, Packet::Publish(Arc::new(row.message))));
            self.packets.extend(messages);
            return self.reached.note("a publish is given up and arrives late");
        }
        let Some((receipts, new)) = self.publish_rows(&rows) else { return };
        if self.strikes(Fault::Crash, 60) {
            return self.kill(at, "crash between a publish and its answer");
        }
        if self.strikes(Fault::PublishUnknown, 8) {
            return self.reached.note("the answer to a publish is lost");
        }
        let time = self.nodes[at].clock(self.now);
        if let Some(process) = &mut self.nodes[at].process {
            process.confirmed(receipts, new, time, &mut self.reached);
        }
    }

    /// Publishes rows as the relay does: all at once, or one by one where the broker knows one of them.
    fn publish_rows(&mut self, rows: &[OutboxRow]) -> Option<(Vec<Receipt>, Option<u64>)> {
        let to_events = rows.first()?.message.stream() == EVENTS;
        let stream = self.broker.stream(rows[0].message.stream()).ok()?.identity();
        let messages: Vec<_> = rows.iter().map(|row| Arc::new(row.message.clone())).collect();
        if rows.len() > 1 {
            if let Ok(batch) = self.broker.publish_batch(&messages, self.now) {
                messages.iter().for_each(|message| self.stored(message));
                let first = batch.last_sequence + 1 - batch.count;
                let receipts = rows.iter().zip(first..).map(|(row, sequence)| row.receipt(stream, sequence));
                return Some((receipts.collect(), to_events.then_some(batch.last_sequence)));
            }
            self.reached.note("a batch is refused for a duplicate");
        }
        let (mut receipts, mut new) = (Vec::new(), None);
        for (row, message) in rows.iter().zip(messages) {
            let published = self.broker.publish(message.clone(), self.now).ok()?;
            if published.duplicate {
                self.reached.note("the broker knows a message id");
            } else {
                self.stored(&message);
                new = to_events.then_some(published.sequence);
            }
            receipts.push(row.receipt(stream, published.sequence));
        }
        Some((receipts, new))
    }

    /// A message stands in its stream.
    fn stored(&mut self, message: &Message) {
        let place = self.log.len() as u64;
        let subject = &message.subject;
        if !subject.starts_with("dead.")
            && let Some(fact) = fact(subject, &message.headers, message.body.as_bytes(), place)
        {
            if self.log.iter().any(|before| before.id == fact.id) {
                self.reached.note("an event stands in the stream twice");
            }
            self.reached.note(&fact.kind);
            self.log.push(fact);
        }
        self.trace.tell(self.now, || format!("    {subject} {}", message.body));
    }

    fn make_streams(&mut self) {
        let producers = ["order.>", "inventory.>", "payment.>", "shipping.>", "customer.>", "notification.>"];
        for config in [StreamConfig::new(EVENTS, &producers), StreamConfig::new(DEAD_LETTERS, &["dead.>"])] {
            self.broker.create_stream(config, self.now).expect("the same streams every time");
        }
    }

    pub(super) fn arrive(&mut self, which: usize) {
        match self.packets.remove(which).1 {
            Packet::Acknowledge { service, place } => self.broker.acknowledge(EVENTS, service, place),
            Packet::Publish(message) => {
                if let Ok(published) = self.broker.publish(message.clone(), self.now)
                    && !published.duplicate
                {
                    self.stored(&message);
                }
            }
        }
    }

    /// Somebody publishes a message that is no service's.
    pub fn publish(&mut self, message: Message) {
        self.make_streams();
        self.packets.push((self.now, Packet::Publish(Arc::new(message))));
    }
}
