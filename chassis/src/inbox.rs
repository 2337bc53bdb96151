//! Which events a service has taken, and which it has said itself: the same event twice has its effect once.

use events::EventId;

use crate::{draft::Draft, key};

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
pub(crate) fn fingerprint(kind: &str, body: &[u8]) -> [u8; 8] {
    let body = String::from_utf8_lossy(body);
    let whole = EventId::derived(&[kind, &body]);
    whole.as_bytes()[..8].try_into().expect("eight of sixteen bytes")
}

/// Whether `id` is known. A message that was typed by hand is compared by its id alone, since its owner completes it.
pub(crate) fn seen(draft: &Draft<'_>, id: EventId, print: Option<[u8; 8]>) -> Seen {
    match (draft.get(&key::inbox(id)), print) {
        (None, _) => Seen::Never,
        (Some(known), Some(print)) if known != print => Seen::WithAnotherBody,
        (Some(_), _) => Seen::Before,
    }
}

/// Marks `id` as known, in the turn that takes or says it.
pub(crate) fn mark(draft: &mut Draft<'_>, id: EventId, print: [u8; 8]) {
    draft.put(key::inbox(id), print.to_vec());
}
