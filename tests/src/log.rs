//! An event log: what was said, in the order of the stream.

use events::{Headers, Subject, header};
use serde_json::Value;

/// An event as the invariants see it.
#[derive(Clone, Debug)]
pub struct Fact {
    /// `order.created`.
    pub kind: String,
    /// The order id, or what else it is about.
    pub key: String,
    /// `ce-id`.
    pub id: String,
    /// The body.
    pub body: Value,
    /// The body as it came.
    pub text: String,
}

/// A message of the stream as a fact; none for one that was typed by hand, which its owner says again.
///
/// `place` is where it stands: it stands for the id of a message that brings none.
pub fn fact(subject: &str, headers: &Headers, body: &[u8], place: u64) -> Option<Fact> {
    let subject: Subject = subject.parse().ok()?;
    Some(Fact {
        kind: subject.kind().to_owned(),
        key: subject.key()?.to_string(),
        id: headers.get(header::ID).map_or_else(|| format!("message {place}"), str::to_owned),
        body: serde_json::from_slice(body).ok()?,
        text: String::from_utf8_lossy(body).into_owned(),
    })
}
