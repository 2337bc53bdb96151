//! Which events a service has taken, and which it has said itself: the same event twice has its effect once.

use events::EventId;
use jiff::Timestamp;

use crate::{
    draft::Draft,
    engine::{since, timed},
    key,
};

/// How many bytes stand for a body.
const PRINT: usize = 8;

/// What the inbox knows about an event.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// It is new.
    Never,
    /// It was taken, or said by this service.
    Before,
    /// Its id was, with another body: somebody made a mistake.
    WithAnotherBody,
}

/// What stands for a body in the inbox. The type belongs to it: one id for two facts is a mistake too.
pub(crate) fn fingerprint(kind: &str, body: &[u8]) -> [u8; PRINT] {
    let body = String::from_utf8_lossy(body);
    let whole = EventId::derived(&[kind, &body]);
    whole.as_bytes()[..8].try_into().expect("eight of sixteen bytes")
}

/// Whether `id` is known. A message that was typed by hand is compared by its id alone, since its owner completes it.
pub(crate) fn seen(draft: &Draft<'_>, id: EventId, print: Option<[u8; PRINT]>) -> Seen {
    match (draft.get(&key::inbox(id)), print) {
        (None, _) => Seen::Never,
        (Some(known), Some(print)) if !known.starts_with(&print) => Seen::WithAnotherBody,
        (Some(_), _) => Seen::Before,
    }
}

/// Marks `id` as known, in the turn that takes or says it. It is known for some time from when it happened.
pub(crate) fn mark(draft: &mut Draft<'_>, id: EventId, print: [u8; PRINT], happened: Timestamp) {
    draft.put(key::inbox(id), timed(print.to_vec(), happened));
}

/// When the event of an entry happened; none in a store of an older version, which keeps it for good.
pub(crate) fn happened(value: &[u8]) -> Option<Timestamp> {
    since(value.get(PRINT..)?)
}
