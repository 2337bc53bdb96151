//! The two ways in which a service says no: to a message that it can never take, and to a command.

use std::borrow::Cow;

/// Why an input can never be taken. It becomes a dead letter. A business "no" is an event instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unacceptable {
    /// One word, for filters.
    pub reason: Cow<'static, str>,
    /// A sentence for people.
    pub detail: String,
}

impl Unacceptable {
    /// The fact cannot be true beside what this service knows.
    pub fn contradicts(detail: impl Into<String>) -> Unacceptable {
        Unacceptable { reason: "contradicts".into(), detail: detail.into() }
    }

    pub(crate) fn new(reason: &'static str, detail: impl Into<String>) -> Unacceptable {
        Unacceptable { reason: reason.into(), detail: detail.into() }
    }
}

impl From<events::Error> for Unacceptable {
    fn from(error: events::Error) -> Unacceptable {
        Unacceptable { reason: error.reason().into(), detail: error.to_string() }
    }
}

/// Why a command changes nothing. The sentence says what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// As in HTTP: 400, 404, 409, 422, 429, 503.
    pub code: u16,
    /// A sentence for people: one line of text.
    pub message: String,
}

impl Refusal {
    fn new(code: u16, message: impl Into<String>) -> Refusal {
        // The sentence travels as a header, which is one line.
        let message: String = message.into();
        let line = message.chars().map(|c| if c.is_control() { ' ' } else { c }).take(500).collect();
        Refusal { code, message: line }
    }

    /// 400: the body cannot be read.
    pub fn unreadable(message: impl Into<String>) -> Refusal {
        Refusal::new(400, message)
    }

    /// 404: there is no such thing.
    pub fn not_found(message: impl Into<String>) -> Refusal {
        Refusal::new(404, message)
    }

    /// 409: it is too late, or something else was asked under the same key.
    pub fn conflict(message: impl Into<String>) -> Refusal {
        Refusal::new(409, message)
    }

    /// 422: the body can be read, and what it asks for makes no sense.
    pub fn unprocessable(message: impl Into<String>) -> Refusal {
        Refusal::new(422, message)
    }

    /// 429: too much at once; the same command later will do.
    pub fn busy(message: impl Into<String>) -> Refusal {
        Refusal::new(429, message)
    }

    /// 503: the service is stopping.
    pub fn unavailable(message: impl Into<String>) -> Refusal {
        Refusal::new(503, message)
    }
}
