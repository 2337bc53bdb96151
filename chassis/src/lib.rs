//! What a choreographed service stands on.
//!
//! A service is a table of reactions ([`Service`]); a reaction sees the world through a [`Turn`]; every input takes the
//! one path through the [`Engine`]; a [`Runner`] puts that between a broker, a store and the outside.
//!
//! Invariant: rows, inbox, outbox, effects, reminders and position are written in one atomic commit, and it is on the
//! disk before any command is answered, any message acknowledged, any event published, any effect started.

pub mod ambient;
mod broker;
mod client;
pub mod crash;
mod dead_letter;
mod draft;
mod effect;
mod engine;
mod error;
pub mod graph;
mod inbox;
mod input;
mod key;
mod listening;
pub mod logs;
mod object;
mod outbox;
mod position;
mod refusal;
mod reminder;
mod replay;
mod runner;
mod service;
pub mod settings;
mod signal;
mod store;
mod turn;
mod turn_loop;

pub use broker::{Permissions, authorization, stream_identity};
pub use client::{Client, ConsumerState, Pages, Start, Stored, StreamState};
pub use dead_letter::DeadLetter;
pub use effect::{Effect, Pace, Pending, Perform, Retry, Waiting};
pub use engine::{Engine, Figures, Keeping, Unfinished, WaitingEffect, Waits};
pub use error::Error;
pub use input::{Acknowledge, Answer, Delivery, Input, Released, Request};
pub use listening::listens;
pub use object::Object;
pub use outbox::{Compared, Holding, Message, OutboxRow, Receipt};
pub use position::{LastStanding, Position};
pub use refusal::{Refusal, Unacceptable};
pub use reminder::Reminder;
pub use replay::{
    Difference, Left, Moment, ReplayError, Replayed, Said, What, read_recording, replay, replay_together,
};
pub use runner::Runner;
pub use service::{Declared, Service, Trigger};
pub use settings::Settings;
pub use store::{Batch, DiskStore, MAX_ROW_BYTES, MemoryDisk, MemoryStore, Pair, Store};
pub use turn::{Row, Turn};

/// A service makes and drops pages, rows and messages all day, and hands them from thread to thread. glibc's allocator takes
/// a sixth of its time for that. This one does not read what it hands out: seven services share a small cache.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;
