//! The id of an event that was typed without one. The broker's place stood for it, which a recording does not hold; what
//! followed from the event names it as its cause, and the ids of what followed are derived from it.

use events::{EventId, Headers, Subject, header};

use super::story::SAID_AT_ONCE;
use crate::Stored;

/// The id that the event at `place` had when it was recorded, if anything followed from it by a reaction.
pub(super) fn id_from_what_followed(recording: &[Stored], place: usize) -> Option<EventId> {
    let subject: Subject = recording[place].subject.parse().ok()?;
    recording[place + 1..].iter().find_map(|event| {
        let cause = EventId::named(event.headers.get(header::CAUSATION)?);
        let id = EventId::named(event.headers.get(header::ID)?);
        let producer = event.subject.split('.').next()?;
        is_said_by_reaction(producer, cause, subject.kind(), id).then_some(cause)
    })
}

/// Whether `id` is that of an event that the reaction of `service` to `cause`, of this `kind`, said. What an effect of the
/// same cause led to has another id.
pub(super) fn is_said_by_reaction(service: &str, cause: EventId, kind: &str, id: EventId) -> bool {
    let cause = cause.to_string();
    (0..SAID_AT_ONCE).any(|number| EventId::derived(&[service, &cause, kind, &number.to_string()]) == id)
}

/// Whether the message says itself which event it is.
pub(super) fn names_an_id(headers: &Headers) -> bool {
    [header::ID, header::MESSAGE_ID].iter().any(|it| headers.get(it).is_some_and(|id| !id.is_empty()))
}
