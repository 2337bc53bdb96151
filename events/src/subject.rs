//! Subjects are built and parsed here and nowhere else: `<producer>.<event>.<key>`, or `<producer>.<event>` typed by
//! hand.

use std::{fmt, str::FromStr};

use crate::{Error, Key};

/// The stream that holds every event.
pub const EVENTS: &str = "EVENTS";

/// The stream that holds what a service could not take.
pub const DEAD_LETTERS: &str = "DEAD_LETTERS";

/// Where an event is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    kind: String,
    producer: usize,
    key: Option<Key>,
}

impl Subject {
    /// The subject of an event of type `kind` (`order.created`) about `key`.
    pub fn keyed(kind: &str, key: Key) -> Subject {
        let producer = kind.find('.').unwrap_or(kind.len());
        Subject { kind: kind.to_owned(), producer, key: Some(key) }
    }

    /// The event's type: `order.created`.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The service that owns the prefix: `order`.
    pub fn producer(&self) -> &str {
        &self.kind[..self.producer]
    }

    /// What the event is about; none in a subject that was typed by hand.
    pub fn key(&self) -> Option<&Key> {
        self.key.as_ref()
    }
}

impl FromStr for Subject {
    type Err = Error;

    fn from_str(text: &str) -> Result<Subject, Error> {
        let mut tokens = text.split('.');
        let bad = |why: &str| Error::Subject { subject: text.to_owned(), why: why.to_owned() };
        let (Some(producer), Some(event)) = (tokens.next(), tokens.next()) else {
            return Err(bad("it is not <producer>.<event>.<key>"));
        };
        if producer.is_empty() || event.is_empty() {
            return Err(bad("it has an empty token"));
        }
        let key = tokens.next().map(Key::try_from).transpose().map_err(|why| bad(&why))?;
        if tokens.next().is_some() {
            return Err(bad("it has more than three tokens"));
        }
        Ok(Subject { kind: format!("{producer}.{event}"), producer: producer.len(), key })
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.key {
            Some(key) => write!(f, "{}.{}", self.kind, key),
            None => f.write_str(&self.kind),
        }
    }
}

/// Where `service` puts an event that it could not take: the subject that the event came from, behind
/// `dead.<service>`.
pub fn dead_letter_subject(service: &str, subject: &str) -> String {
    format!("dead.{service}.{subject}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keyed_subject_reads_back() {
        let subject: Subject = "order.created.o-1".parse().unwrap();
        assert_eq!((subject.producer(), subject.kind()), ("order", "order.created"));
        assert_eq!(subject.key().map(Key::as_str), Some("o-1"));
        assert_eq!(subject.to_string(), "order.created.o-1");
        assert_eq!(subject, Subject::keyed("order.created", Key::try_from("o-1").unwrap()));
    }

    #[test]
    fn a_hand_typed_subject_has_no_key() {
        let subject: Subject = "order.created".parse().unwrap();
        assert_eq!(subject.key(), None);
        assert_eq!(subject.to_string(), "order.created");
    }

    #[test]
    fn other_subjects_are_refused() {
        for bad in ["", "order", "order.", ".created", "order.created.", "order.created.a.b", "order.created.a b"] {
            assert!(bad.parse::<Subject>().is_err(), "{bad:?} was taken");
        }
    }
}
