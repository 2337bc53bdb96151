//! What a service could not take: parked with the reason, through the outbox, so that it is never lost between two
//! streams and never parked twice.

use events::{EventId, Headers, dead_letter_subject, header};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Unacceptable, outbox::Message};

/// How much of a body a dead letter keeps. The whole one stays in the stream, at [`DeadLetter::sequence`].
const KEPT_BYTES: usize = 2048;

/// The body of a dead letter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// Who could not take it.
    pub service: String,
    /// One word.
    pub reason: String,
    /// A sentence.
    pub detail: String,
    /// When.
    pub at: Timestamp,
    /// The event's id.
    pub event_id: String,
    /// Where it was said.
    pub subject: String,
    /// Its place in the stream `EVENTS`; none for what never stood there.
    pub sequence: Option<u64>,
    /// Its headers, as far as they are known ones.
    pub headers: Headers,
    /// Its body as text, or the beginning of it.
    pub body: String,
    /// How many bytes the whole body has.
    pub body_bytes: usize,
}

/// An input as far as a dead letter tells of it.
pub(crate) struct Lost<'a> {
    pub subject: &'a str,
    pub headers: &'a Headers,
    pub body: &'a [u8],
    pub sequence: Option<u64>,
    pub id: EventId,
    pub time: Timestamp,
}

/// The message that parks `lost`.
pub(crate) fn message(service: &'static str, lost: &Lost<'_>, why: Unacceptable) -> Message {
    let letter = DeadLetter {
        service: service.to_owned(),
        reason: why.reason.into_owned(),
        detail: shortened(&why.detail, 500),
        at: lost.time,
        event_id: lost.id.to_string(),
        subject: shortened(lost.subject, 200),
        sequence: lost.sequence,
        headers: known(lost.headers),
        body: beginning(lost.body),
        body_bytes: lost.body.len(),
    };
    let place = lost.sequence.map_or_else(|| lost.id.to_string(), |sequence| sequence.to_string());
    let id = EventId::derived(&[service, "dead", &lost.id.to_string(), &letter.reason, &place]);
    let subject = if lost.subject.len() > 200 { "subject.too_long" } else { lost.subject };
    Message {
        subject: dead_letter_subject(service, subject),
        headers: Headers::from([(header::MESSAGE_ID, id.to_string().as_str()), ("Murmuration-Reason", &letter.reason)]),
        body: String::from_utf8(crate::draft::json(&letter)).expect("serde_json writes UTF-8"),
    }
}

/// The headers that an event has by contract; others could be of any number and size.
fn known(headers: &Headers) -> Headers {
    use header::*;
    let names = [MESSAGE_ID, ID, TYPE, SOURCE, SUBJECT, TIME, DATA_SCHEMA, CORRELATION, CAUSATION, TRACE_PARENT];
    names.into_iter().filter_map(|name| Some((name, shortened(headers.get(name)?, 64)))).collect()
}

/// The first [`KEPT_BYTES`] of a body as text that stays small as JSON too, whatever the bytes are.
fn beginning(body: &[u8]) -> String {
    let mut budget = KEPT_BYTES;
    let text = String::from_utf8_lossy(&body[..body.len().min(KEPT_BYTES)]);
    let fits = |c: &char| {
        let cost = if c.is_control() {
            6
        } else if matches!(c, '"' | '\\') {
            2
        } else {
            c.len_utf8()
        };
        let enough = budget >= cost;
        budget = budget.saturating_sub(cost);
        enough
    };
    text.chars().take_while(fits).collect()
}

fn shortened(text: &str, characters: usize) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(characters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &[u8]) -> DeadLetter {
        let headers = Headers::from([(header::ID, "x".repeat(100_000)), ("odd", "1".to_owned())]);
        let subject = format!("order.created.{}", "k".repeat(5000));
        let id = EventId::derived(&["test"]);
        let lost =
            Lost { subject: &subject, headers: &headers, body, sequence: Some(7), id, time: Timestamp::UNIX_EPOCH };
        let message = message("order", &lost, Unacceptable::new("malformed", "x".repeat(10_000)));
        assert!(message.body.len() + message.subject.len() < 5000, "{} bytes", message.body.len());
        serde_json::from_str(&message.body).unwrap()
    }

    #[test]
    fn a_dead_letter_is_small_whatever_the_bytes_are() {
        for byte in [b'"', b'\\', 0, 0xff, b'x'] {
            assert_eq!(check(&vec![byte; 2_000_000]).body_bytes, 2_000_000);
        }
    }

    #[test]
    fn a_short_body_is_kept_whole() {
        assert_eq!(check(b"{\"order_id\": 7").body, "{\"order_id\": 7");
    }
}
