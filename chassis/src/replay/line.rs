//! A line of a recording, and a recording as a whole.

use events::{Headers, Subject};
use serde::Deserialize;
use serde_json::Value;

use super::ReplayError;
use crate::Stored;

/// What stands before the inputs of one service that are no events.
const NO_EVENTS: [&str; 4] = ["svc", "effect", "attempt", "reminder"];

/// An input as it was recorded.
#[derive(Debug, Deserialize)]
pub(super) struct Line {
    /// Its place in the stream, where it was recorded from one.
    sequence: Option<u64>,
    pub subject: String,
    #[serde(default)]
    pub headers: Headers,
    data: Value,
}

impl Line {
    /// The body; a string stands for one that is not JSON, byte for byte.
    pub fn body(&self) -> Vec<u8> {
        match &self.data {
            Value::String(text) => text.clone().into_bytes(),
            data => data.to_string().into_bytes(),
        }
    }
}

/// The lines of `recording` with their numbers, counted from 1. Blank ones do not count as inputs.
pub(super) fn lines(recording: &str) -> impl Iterator<Item = Result<(usize, Line), ReplayError>> {
    let lines = recording.lines().zip(1..).filter(|(text, _)| !text.trim().is_empty());
    lines.map(|(text, number)| match serde_json::from_str(text) {
        Ok(line) => Ok((number, line)),
        Err(source) => Err(ReplayError::Line { line: number, source }),
    })
}

/// Reads a recording of events, in the order of the stream. A line without a sequence stands at its own number.
///
/// # Errors
/// A line that is no event, with its number; a recording without events.
pub fn read_recording(text: &str) -> Result<Vec<Stored>, ReplayError> {
    let event = |line: Result<(usize, Line), ReplayError>| {
        let (number, line) = line?;
        let no_event = |why| ReplayError::NoEvent { line: number, why };
        let subject = line.subject.parse::<Subject>().map_err(|error| no_event(error.to_string()))?;
        if NO_EVENTS.contains(&subject.producer()) {
            return Err(no_event(format!("{subject} is an input of one service")));
        }
        let body = line.body();
        let sequence = line.sequence.unwrap_or(number as u64);
        Ok(Stored { sequence, subject: line.subject, headers: line.headers, body })
    };
    let events = lines(text).map(event).collect::<Result<Vec<_>, _>>()?;
    if events.is_empty() { Err(ReplayError::Empty) } else { Ok(events) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(read_recording(text).unwrap_err().to_string().split(": ").next(), Some(expected));
    }

    #[test]
    fn a_line_that_is_no_event_is_named_by_its_number() {
        let event = r#"{"subject":"order.created.o-1","data":{}}"#;
        check(&format!("{event}\n\n{{"), "line 3 of the recording is not an input");
        check(&format!("{event}\n{}", r#"{"subject":"order","data":{}}"#), "line 2 of the recording is not an event");
        check(r#"{"subject":"svc.order.place","data":{}}"#, "line 1 of the recording is not an event");
        check("\n", "the recording is empty");
    }

    #[test]
    fn a_line_without_a_sequence_stands_at_its_number() {
        let recording = "{\"subject\":\"a.b.c\",\"data\":{}}\n{\"sequence\":9,\"subject\":\"a.b.c\",\"data\":\"x\"}";
        let events = read_recording(recording).unwrap();
        assert_eq!(
            events.iter().map(|it| (it.sequence, it.body.as_slice())).collect::<Vec<_>>(),
            [(1, b"{}".as_slice()), (9, b"x".as_slice())]
        );
    }
}
