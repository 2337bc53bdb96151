//! What a service says, on its way to the broker. A row is written with the turn that said it, and published after the
//! commit, in the order in which the rows were said.

use events::{DEAD_LETTERS, EVENTS, Headers};
use serde::{Deserialize, Serialize};

use crate::{Error, key, store::Store};

/// A message for a stream. Its `Nats-Msg-Id` makes publishing it again harmless.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The subject.
    pub subject: String,
    /// All headers.
    pub headers: Headers,
    /// JSON.
    pub body: String,
}

impl Message {
    /// The stream that holds it.
    pub fn stream(&self) -> &'static str {
        if self.subject.starts_with("dead.") { DEAD_LETTERS } else { EVENTS }
    }
}

/// A message with its place in the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxRow {
    /// Rows are published in ascending order.
    pub number: u64,
    /// What is said.
    pub message: Message,
}

/// The rows that the broker has not confirmed.
pub(crate) fn unpublished(store: &dyn Store) -> Result<Vec<OutboxRow>, Error> {
    store
        .scan(key::OUTBOX)
        .map(|pair| {
            let (key, value) = pair?;
            let number = key[key::OUTBOX.len()..].try_into().map(u64::from_be_bytes);
            let number = number.expect("outbox keys end in eight bytes: key::outbox writes them");
            let message = serde_json::from_slice(&value)
                .map_err(|source| Error::Row { key: format!("outbox/{number}"), source })?;
            Ok(OutboxRow { number, message })
        })
        .collect()
}
