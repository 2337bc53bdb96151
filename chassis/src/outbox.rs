//! What a service says, on its way to the broker. A row is written with the turn that said it, and published after the
//! commit, in the order in which the rows were said. Once the broker confirmed it, it is kept for a while with the
//! broker's word beside it: should the broker lose what it confirmed, the row is published again.
//!
//! In the store the rows of one commit stand together ([`chunk`]), and so does the word for them ([`receipts`]).

pub(crate) mod chunk;
pub(crate) mod receipts;

use std::{borrow::Cow, collections::HashMap};

use events::{DEAD_LETTERS, EVENTS, EventId, Headers, header};
use serde::{Deserialize, Serialize};

use crate::{Error, Position, draft::json};

/// A message for a stream. Its `Nats-Msg-Id` makes publishing it again harmless.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The subject.
    pub subject: String,
    /// All headers.
    pub headers: Headers,
    /// JSON.
    pub body: String,
}

impl Message {
    /// The message as it stands in the store: subject, headers and body, a line each. The body stands as it is, so that
    /// one that fits into an event fits into a row.
    pub(crate) fn to_row(&self) -> Vec<u8> {
        let headers = String::from_utf8(json(&self.headers)).expect("serde_json writes UTF-8");
        [self.subject.as_str(), &headers, &self.body].join("\n").into_bytes()
    }

    pub(crate) fn from_row(row: &[u8], number: u64) -> Result<Message, Error> {
        let text = String::from_utf8_lossy(row);
        let mut lines = text.splitn(3, '\n').map(str::to_owned);
        let (subject, headers) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
        let headers =
            serde_json::from_str(&headers).map_err(|source| Error::Row { key: format!("outbox/{number}"), source })?;
        Ok(Message { subject, headers, body: lines.next().unwrap_or_default() })
    }

    /// The subject of the message that stands in a row.
    pub(crate) fn subject_of(row: &[u8]) -> Cow<'_, str> {
        String::from_utf8_lossy(row.split(|byte| *byte == b'\n').next().unwrap_or_default())
    }

    /// The stream that holds it.
    pub fn stream(&self) -> &'static str {
        if self.subject.starts_with("dead.") { DEAD_LETTERS } else { EVENTS }
    }
}

/// A message with its place in the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxRow {
    /// Rows are published in ascending order.
    pub number: u64,
    /// What is said.
    pub message: Message,
}

impl OutboxRow {
    /// The broker's word for this row.
    pub fn receipt(&self, stream: EventId, sequence: u64) -> Receipt {
        let mark = self.message.headers.get(header::MESSAGE_ID).map_or(stream, EventId::named);
        Receipt { row: self.number, name: self.message.stream(), place: Position { stream, sequence, mark } }
    }
}

/// The broker's word that it holds a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The row.
    pub row: u64,
    /// The name of the stream.
    pub name: &'static str,
    /// Where it stands.
    pub place: Position,
}

/// The furthest word of the broker for each stream.
#[derive(Default)]
pub(crate) struct Furthest(HashMap<EventId, Receipt>);

impl Furthest {
    /// Keeps the receipt where it is the furthest of its stream.
    pub fn note(&mut self, receipt: Receipt) {
        let furthest = self.0.entry(receipt.place.stream).or_insert(receipt);
        *furthest = std::cmp::max_by_key(*furthest, receipt, |it| it.place.sequence);
    }

    /// The furthest in a stream.
    pub fn of(&self, stream: EventId) -> Option<&Receipt> {
        self.0.get(&stream)
    }

    /// Those of all streams.
    pub fn into_all(self) -> Vec<Receipt> {
        self.0.into_values().collect()
    }
}

impl Extend<Receipt> for Furthest {
    fn extend<T: IntoIterator<Item = Receipt>>(&mut self, receipts: T) {
        receipts.into_iter().for_each(|it| self.note(it));
    }
}

/// With whom all of the broker's word was compared. As long as it is the same process of a server with the same streams, it
/// lost the end of a stream or nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compared {
    /// The server's name for this process of it: another one each time it starts.
    pub server: String,
    /// The streams, of events and of dead letters.
    pub streams: [EventId; 2],
}

/// What a stream holds of what a service said, where it was said to stand.
#[derive(Debug)]
pub struct Holding {
    /// Which stream it is now.
    pub stream: EventId,
    /// Its first and its last sequence.
    pub reach: (u64, u64),
    /// The message ids that stand where somebody looked. Where nothing stands it was deleted by hand.
    pub marks: HashMap<u64, EventId>,
}

impl Holding {
    /// Whether the broker still has what it confirmed. What is older than all that the stream keeps, or was deleted by
    /// hand, is not lost: a stream that lost its end and went on has other messages there, not none.
    pub fn has(&self, receipt: &Receipt) -> bool {
        let Position { stream, sequence, mark } = receipt.place;
        let stands = || self.marks.get(&sequence).is_none_or(|there| *there == mark);
        stream == self.stream && (sequence < self.reach.0 || (sequence <= self.reach.1 && stands()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_reads_back_from_its_row() {
        let headers = Headers::from([("ce-id", "a \"quoted\" id")]);
        let body = "{\"text\":\n\"two lines\"}".to_owned();
        let message = Message { subject: "house.echoed.b-1".to_owned(), headers, body };
        assert_eq!(Message::from_row(&message.to_row(), 1).unwrap(), message);
    }

    #[test]
    fn what_was_lost_is_told_from_what_was_deleted_or_is_not_kept() {
        let id = |what: &str| EventId::derived(&[what]);
        let receipt = |stream: &str, sequence| Receipt {
            row: 1,
            name: EVENTS,
            place: Position { stream: id(stream), sequence, mark: id("said") },
        };
        let marks = HashMap::from([(15, id("said")), (16, id("another"))]);
        let holding = Holding { stream: id("stream"), reach: (10, 20), marks };
        for (sequence, has) in [(9, true), (15, true), (16, false), (17, true), (21, false)] {
            assert_eq!(holding.has(&receipt("stream", sequence)), has, "{sequence}");
            assert!(!holding.has(&receipt("the one before", sequence)));
        }
    }

    #[test]
    fn a_receipt_names_the_stream_and_the_message_id() {
        let headers = Headers::from([(header::MESSAGE_ID, "m-1")]);
        for (subject, name) in [("house.echoed.b-1", EVENTS), ("dead.house.echoed.b-1", DEAD_LETTERS)] {
            let message = Message { subject: subject.to_owned(), headers: headers.clone(), body: "{}".to_owned() };
            let receipt = OutboxRow { number: 7, message }.receipt(EventId::derived(&["stream"]), 77);
            let place = Position { stream: EventId::derived(&["stream"]), sequence: 77, mark: EventId::named("m-1") };
            assert_eq!(receipt, Receipt { row: 7, name, place });
        }
    }
}
