//! Everything about an event that is not its body: CloudEvents 1.0 in binary mode, as message headers.
//!
//! Every header is optional on the way in, so that an event can be typed by hand, and all of them are set on the way
//! out.

use jiff::Timestamp;
use uuid::Uuid;

use crate::{Error, EventId, Headers, Key, Subject};

/// The names of the headers that are read and written.
pub mod header {
    /// The broker's own duplicate check; the same value as [`ID`].
    pub const MESSAGE_ID: &str = "Nats-Msg-Id";
    /// The event's id.
    pub const ID: &str = "ce-id";
    /// The event's type.
    pub const TYPE: &str = "ce-type";
    /// Who said it.
    pub const SOURCE: &str = "ce-source";
    /// The key.
    pub const SUBJECT: &str = "ce-subject";
    /// When it happened, RFC 3339.
    pub const TIME: &str = "ce-time";
    /// The version of the body.
    pub const DATA_SCHEMA: &str = "ce-dataschema";
    /// The saga.
    pub const CORRELATION: &str = "ce-correlationid";
    /// What caused it.
    pub const CAUSATION: &str = "ce-causationid";
    /// W3C trace context.
    pub const TRACE_PARENT: &str = "traceparent";
    /// The version of CloudEvents.
    pub const SPEC_VERSION: &str = "ce-specversion";
}

/// What stands before `<type>/<version>` in `ce-dataschema`.
const SCHEMA_PREFIX: &str = "urn:murmuration:schema/";

/// How many headers an event has, and about how many bytes.
const ROOM: (usize, usize) = (12, 640);

/// What the broker knows about a message: it stands in for headers that are absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Derived from the stream's name, its creation time and the message's sequence.
    pub id: EventId,
    /// When the broker took it.
    pub time: Timestamp,
}

/// Everything about an event that is not its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The event's identity: two messages with one id are one event.
    pub id: EventId,
    /// Where it was said.
    pub subject: Subject,
    /// Who said it: `/services/order`, or `/external`.
    pub source: String,
    /// When it happened.
    pub time: Timestamp,
    /// The version of the body; none means the newest one that the body fits.
    pub version: Option<String>,
    /// The saga: the order id. None for an event without a key whose sender named none.
    pub correlation: Option<Key>,
    /// The event or command that caused this one.
    pub causation: Option<EventId>,
    /// W3C trace context, `00-<trace>-<span>-<flags>`.
    pub traceparent: String,
}

impl Envelope {
    /// Reads the envelope of a message. Headers that are absent are filled in from the subject and from `arrival`;
    /// headers that only trace (`ce-time`, causation, `traceparent`) are ignored when they cannot be read.
    pub fn read(subject: Subject, headers: &Headers, arrival: Arrival) -> Result<Envelope, Error> {
        let text = |name: &str| headers.get(name).filter(|value| !value.is_empty());
        if let Some(kind) = text(header::TYPE)
            && kind != subject.kind()
        {
            return Err(Error::TypeMismatch { subject: subject.kind().to_owned(), header: kind.to_owned() });
        }
        if let (Some(about), Some(key)) = (text(header::SUBJECT), subject.key())
            && about != key.as_str()
        {
            return Err(Error::KeyMismatch { subject: key.to_string(), body: about.to_owned() });
        }
        let id = text(header::ID).or(text(header::MESSAGE_ID)).map_or(arrival.id, EventId::named);
        let correlation = text(header::CORRELATION).and_then(|saga| Key::try_from(saga).ok());
        Ok(Envelope {
            id,
            source: text(header::SOURCE).filter(|it| is_source(it)).unwrap_or("/external").to_owned(),
            time: text(header::TIME).and_then(|time| time.parse().ok()).unwrap_or(arrival.time),
            version: text(header::DATA_SCHEMA).map(|schema| version_of(schema).chars().take(40).collect()),
            correlation: correlation.or_else(|| subject.key().cloned()),
            causation: text(header::CAUSATION).map(EventId::named),
            traceparent: text(header::TRACE_PARENT).filter(|it| is_trace(it)).map_or_else(|| trace(id), str::to_owned),
            subject,
        })
    }

    /// The headers that carry this envelope.
    pub fn headers(&self) -> Headers {
        let mut headers = Headers::with_capacity(ROOM.0, ROOM.1);
        headers.insert(header::SPEC_VERSION, "1.0");
        headers.insert(header::MESSAGE_ID, self.id);
        headers.insert(header::ID, self.id);
        headers.insert(header::TYPE, self.subject.kind());
        headers.insert(header::SOURCE, &self.source);
        headers.insert(header::TIME, self.time);
        headers.insert(header::TRACE_PARENT, &self.traceparent);
        if let Some(key) = self.subject.key() {
            headers.insert(header::SUBJECT, key);
        }
        if let Some(version) = &self.version {
            headers.insert(header::DATA_SCHEMA, format_args!("{SCHEMA_PREFIX}{}/{version}", self.subject.kind()));
        }
        if let Some(saga) = &self.correlation {
            headers.insert(header::CORRELATION, saga);
        }
        if let Some(cause) = self.causation {
            headers.insert(header::CAUSATION, cause);
        }
        headers
    }
}

/// The trace of `parent` (a valid `traceparent`), with the event `caused` as its new span.
pub fn child_trace(parent: &str, caused: EventId) -> String {
    format!("{}{}-01", &parent[..36], &hexadecimal(caused)[16..])
}

/// What stands behind the last `/` of a schema.
fn version_of(schema: &str) -> &str {
    schema.rsplit('/').next().unwrap_or(schema)
}

/// A trace that starts at `id`. It is derived, so that handling the same input again continues the same trace.
pub fn trace(id: EventId) -> String {
    let id = hexadecimal(id);
    format!("00-{id}-{}-01", &id[16..])
}

/// The id in 32 digits: all of them are a trace, and the last 16 a span.
fn hexadecimal(id: EventId) -> String {
    Uuid::from_bytes(*id.as_bytes()).simple().to_string()
}

/// Whether `text` may stand for a sender: it is said again, so it has to fit wherever an event fits.
fn is_source(text: &str) -> bool {
    text.len() <= 100 && !text.chars().any(char::is_control)
}

/// Whether `text` is a W3C traceparent of version 00.
fn is_trace(text: &str) -> bool {
    text.len() == 55
        && text.starts_with("00-")
        && text.bytes().enumerate().all(|(at, byte)| match at {
            2 | 35 | 52 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrival() -> Arrival {
        Arrival { id: EventId::derived(&["EVENTS", "1"]), time: "2026-01-02T03:04:05Z".parse().unwrap() }
    }

    fn read(subject: &str, headers: &[(&str, &str)]) -> Result<Envelope, Error> {
        let headers = headers.iter().copied().collect();
        Envelope::read(subject.parse().unwrap(), &headers, arrival())
    }

    #[test]
    fn a_message_without_headers_has_a_whole_envelope() {
        let envelope = read("order.created.o-1", &[]).unwrap();
        assert_eq!(envelope.id, arrival().id);
        assert_eq!(envelope.time, arrival().time);
        assert_eq!(envelope.source, "/external");
        assert_eq!(envelope.correlation.as_ref().map(Key::as_str), Some("o-1"));
        assert!(is_trace(&envelope.traceparent));
    }

    #[test]
    fn an_envelope_reads_back_from_its_headers() {
        let mut envelope = read("order.created.o-1", &[("ce-causationid", "place-1")]).unwrap();
        envelope.version = Some("2".to_owned());
        let other = Arrival { id: EventId::derived(&["other"]), time: Timestamp::UNIX_EPOCH };
        assert_eq!(Envelope::read(envelope.subject.clone(), &envelope.headers(), other), Ok(envelope));
    }

    #[test]
    fn headers_that_contradict_the_subject_are_refused() {
        assert_eq!(read("order.paid.o-1", &[("ce-type", "order.created")]).unwrap_err().reason(), "type_mismatch");
        assert_eq!(read("order.paid.o-1", &[("ce-subject", "o-2")]).unwrap_err().reason(), "key_mismatch");
    }

    #[test]
    fn headers_that_only_trace_are_ignored_when_they_cannot_be_read() {
        let odd = [("ce-time", "yesterday"), ("traceparent", "00-zz"), ("ce-correlationid", "a b"), ("ce-id", "")];
        let envelope = read("order.paid.o-1", &odd).unwrap();
        assert_eq!(envelope, read("order.paid.o-1", &[]).unwrap());
    }

    #[test]
    fn a_source_of_any_size_is_nobody() {
        let long = "x".repeat(65_000);
        assert_eq!(read("order.paid.o-1", &[("ce-source", &long)]).unwrap().source, "/external");
    }

    #[test]
    fn a_trace_goes_on_in_the_events_that_follow() {
        let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let envelope = read("order.paid.o-1", &[("traceparent", trace)]).unwrap();
        let child = child_trace(&envelope.traceparent, EventId::derived(&["next"]));
        assert!(is_trace(&child) && child[..36] == trace[..36] && child != trace);
    }
}
