//! The layout of a store: which key holds what. One ordered map, one prefix a kind.

use events::EventId;

/// `m/store`: which service's store this is.
pub(crate) const STORE: &[u8] = b"m/store";
/// `m/position`: up to where the stream was heard.
pub(crate) const POSITION: &[u8] = b"m/position";
/// `m/compared`: with whom the broker's word was compared last.
pub(crate) const COMPARED: &[u8] = b"m/compared";
/// `m/starting-over`: there while everything that was heard is being forgotten.
pub(crate) const STARTING_OVER: &[u8] = b"m/starting-over";
/// `r/`: the rows of the service.
pub(crate) const ROWS: &[u8] = b"r/";
/// `m/forgotten`: what happened up to then may be forgotten.
pub(crate) const FORGOTTEN: &[u8] = b"m/forgotten";
/// `m/hand/<kind>`: how far the hand has come that goes round that kind of entry.
pub(crate) fn hand(kind: &[u8]) -> Vec<u8> {
    [b"m/hand/", kind].concat()
}

/// `i/`: pages of what was taken or said.
pub(crate) const INBOX: &[u8] = b"i/";
/// `c/`: answers to commands that came with an idempotency key.
pub(crate) const ANSWERS: &[u8] = b"c/";
/// `h/`: places that were heard, behind the position.
pub(crate) const HEARD: &[u8] = b"h/";
/// `p/`: the broker's word for outbox rows.
pub(crate) const RECEIPTS: &[u8] = b"p/";
/// `x/`: rows that are not needed for much longer.
pub(crate) const RETIRED: &[u8] = b"x/";
/// `o/`: chunks of the outbox, in the order in which they were said.
pub(crate) const OUTBOX: &[u8] = b"o/";
/// `e/`: effects that wait for their outcome.
pub(crate) const EFFECTS: &[u8] = b"e/";
/// `t/`: reminders that are not due yet.
pub(crate) const REMINDERS: &[u8] = b"t/";

/// A row of a service: `r/<table>/<key>`.
pub(crate) fn row(table: &str, key: &str) -> Vec<u8> {
    [ROWS, table.as_bytes(), b"/", key.as_bytes()].concat()
}

/// A page of events that were taken or said: `i/<number>`.
pub(crate) fn page(number: u64) -> Vec<u8> {
    [INBOX, &number.to_be_bytes()].concat()
}

/// The answer to a command that came with an idempotency key: `c/<id>`.
pub(crate) fn answer(id: EventId) -> Vec<u8> {
    [ANSWERS, id.as_bytes().as_slice()].concat()
}

/// A place that was heard: `h/<sequence>`.
pub(crate) fn heard(sequence: u64) -> Vec<u8> {
    [HEARD, &sequence.to_be_bytes()].concat()
}

/// The broker's word for outbox rows, of which this is the last: `p/<number>`.
pub(crate) fn receipts(number: u64) -> Vec<u8> {
    [RECEIPTS, &number.to_be_bytes()].concat()
}

/// The mark of a row of a service that is not needed for much longer: `x/<table>/<key>`.
pub(crate) fn retired(table: &str, key: &str) -> Vec<u8> {
    [RETIRED, table.as_bytes(), b"/", key.as_bytes()].concat()
}

/// The number or sequence at the end of a key.
pub(crate) fn number(key: &[u8]) -> u64 {
    let eight = key.last_chunk().expect("keys with a number end in eight bytes: this file writes them");
    u64::from_be_bytes(*eight)
}

/// Outbox rows, of which this is the last: `o/<number>`, so that the map's order is the order in which they were said.
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
