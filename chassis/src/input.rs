//! Everything that can move a service, and everything that a commit releases.

use std::sync::Weak;

use events::{Arrival, EventId, Headers};
use jiff::Timestamp;
use tokio::sync::oneshot;

use crate::{
    Position, Refusal,
    effect::Pending,
    outbox::{Compared, OutboxRow, Receipt},
    reminder::Reminder,
};

/// A message of the stream.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The subject.
    pub subject: String,
    /// All headers.
    pub headers: Headers,
    /// The body, as it came.
    pub body: Vec<u8>,
    /// What stands in for absent headers.
    pub arrival: Arrival,
    /// Which stream it stood in: one that was made anew counts from 1 again and has another identity.
    pub stream: EventId,
    /// Its place in the stream.
    pub sequence: u64,
    /// How it is acknowledged; not at all in a replay.
    pub acknowledge: Option<Acknowledge>,
}

/// Where a message is acknowledged, for as long as the session lasts that it was delivered in. Once the consumer was set
/// back, an acknowledgement from before would stand for messages that are delivered again.
#[derive(Clone, Debug)]
pub struct Acknowledge {
    /// The subject.
    pub place: String,
    /// Dead when the session has ended.
    pub session: Weak<()>,
}

/// A command with the place where its answer goes.
#[derive(Debug)]
pub struct Request {
    /// `place`.
    pub command: String,
    /// JSON.
    pub body: Vec<u8>,
    /// The command's id, where it does not bring a key of its own.
    pub id: EventId,
    /// When it came.
    pub time: Timestamp,
    /// Where the answer goes.
    pub answer: oneshot::Sender<Answer>,
}

/// What a command is answered.
pub type Answer = Result<Vec<u8>, Refusal>;

/// What moves a service.
#[derive(Debug)]
pub enum Input {
    /// A message of the stream.
    Event(Delivery),
    /// A fact of the service's own kind, read back from the stream before anything else is heard: an earlier self may have
    /// said it, with a store that is gone or newer than this one. What contradicts comes again in its place.
    Remembered(Delivery),
    /// Behind what was heard, up to here, stands nothing that the service hears.
    Passed {
        /// The last place of that.
        position: Position,
        /// When the message there came.
        time: Timestamp,
    },
    /// There is no more to remember: effects that still wait for their outcome may start.
    AllRemembered {
        /// Where hearing begins.
        from: u64,
    },
    /// What stood in the stream when this session began is heard: reminders may come due. A deadline is not judged before
    /// what was said in time is heard.
    CaughtUp,
    /// A command.
    Command(Request),
    /// An effect came to its outcome.
    Outcome {
        /// The effect's name.
        name: String,
        /// Its idempotency key.
        key: String,
        /// The outcome as JSON.
        outcome: Vec<u8>,
        /// When it was known.
        time: Timestamp,
    },
    /// An effect was tried in vain, and will be tried again.
    Attempt {
        /// The effect's name.
        name: String,
        /// Its idempotency key.
        key: String,
        /// How often it was tried so far.
        attempts: u32,
        /// Why it was in vain.
        error: String,
        /// When.
        time: Timestamp,
        /// Until when this kind of effect waits, where this opened its breaker.
        open_until: Option<Timestamp>,
    },
    /// A reminder is due.
    Reminder(Reminder),
    /// The broker confirmed outbox rows.
    Published {
        /// Its word for each.
        receipts: Vec<Receipt>,
        /// When it came.
        time: Timestamp,
    },
    /// The broker does not hold these rows any more, which it had confirmed: they are published again.
    Gone(Vec<u64>),
    /// All that the broker confirmed was compared with what it holds, and what it lost is said to be gone.
    Compared(Compared),
    /// Somebody compares up to where the service heard, and some places before, with what stands in the stream. The
    /// answer is ascending by sequence.
    WhereHeard(oneshot::Sender<Vec<Position>>),
    /// Somebody compares what the broker confirmed with what it holds.
    WhatWasConfirmed(oneshot::Sender<Vec<Receipt>>),
}

/// What a commit releases. It exists only after the commit is on the disk: this is what makes "durable first" a matter
/// of types.
#[derive(Debug, Default)]
pub struct Released {
    /// Answers to commands.
    pub answers: Vec<(oneshot::Sender<Answer>, Answer)>,
    /// Where the last message of the batch is acknowledged; it stands for all before it.
    pub acknowledge: Option<Acknowledge>,
    /// Rows for the relay, in order.
    pub said: Vec<OutboxRow>,
    /// Effects that are not wanted any more, by name and key: they go before those in `asked`.
    pub withdrawn: Vec<(String, String)>,
    /// Effects to start.
    pub asked: Vec<Pending>,
    /// Reminders that are not wanted any more, by name and key: they go before those in `reminders`.
    pub forgotten: Vec<(String, String)>,
    /// Reminders to wait for. A later one of the same name and key replaces an earlier one.
    pub reminders: Vec<Reminder>,
}
