//! The layout of a store: which key holds what. One ordered map, one prefix a kind.

use events::EventId;

/// `m/store`: which service's store this is.
pub(crate) const STORE: &[u8] = b"m/store";
/// `m/position`: up to where the stream was heard.
pub(crate) const POSITION: &[u8] = b"m/position";
/// `m/starting-over`: there while everything that was heard is being forgotten.
pub(crate) const STARTING_OVER: &[u8] = b"m/starting-over";
/// `r/`: the rows of the service.
pub(crate) const ROWS: &[u8] = b"r/";
/// `i/`: what was taken or said.
pub(crate) const INBOX: &[u8] = b"i/";
/// `o/`: outbox rows, in the order in which they were said.
pub(crate) const OUTBOX: &[u8] = b"o/";
/// `e/`: effects that wait for their outcome.
pub(crate) const EFFECTS: &[u8] = b"e/";
/// `t/`: reminders that are not due yet.
pub(crate) const REMINDERS: &[u8] = b"t/";

/// A row of a service: `r/<table>/<key>`.
pub(crate) fn row(table: &str, key: &str) -> Vec<u8> {
    [ROWS, table.as_bytes(), b"/", key.as_bytes()].concat()
}

/// An event that was taken or said: `i/<id>`.
pub(crate) fn inbox(id: EventId) -> Vec<u8> {
    [INBOX, id.as_bytes().as_slice()].concat()
}

/// The answer to a command that came with an idempotency key: `c/<id>`.
pub(crate) fn answer(id: EventId) -> Vec<u8> {
    [b"c/", id.as_bytes().as_slice()].concat()
}

/// An outbox row: `o/<number>`, so that the map's order is the order in which the rows were said.
pub(crate) fn outbox(number: u64) -> Vec<u8> {
    [OUTBOX, &number.to_be_bytes()].concat()
}

/// An effect: `e/<name>/<key>`.
pub(crate) fn effect(name: &str, key: &str) -> Vec<u8> {
    [EFFECTS, name.as_bytes(), b"/", key.as_bytes()].concat()
}

/// A reminder: `t/<name>/<key>`.
pub(crate) fn reminder(name: &str, key: &str) -> Vec<u8> {
    [REMINDERS, name.as_bytes(), b"/", key.as_bytes()].concat()
}
