//! What a service says, on its way to the broker. A row is written with the turn that said it, and published after the
//! commit, in the order in which the rows were said.

use events::{DEAD_LETTERS, EVENTS, Headers};

use crate::{Error, draft::json, key, store::Store};

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

    fn from_row(row: &[u8], number: u64) -> Result<Message, Error> {
        let text = String::from_utf8_lossy(row);
        let mut lines = text.splitn(3, '\n').map(str::to_owned);
        let (subject, headers) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
        let headers =
            serde_json::from_str(&headers).map_err(|source| Error::Row { key: format!("outbox/{number}"), source })?;
        Ok(Message { subject, headers, body: lines.next().unwrap_or_default() })
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

/// The rows that the broker has not confirmed.
pub(crate) fn unpublished(store: &dyn Store) -> Result<Vec<OutboxRow>, Error> {
    store
        .scan(key::OUTBOX)
        .map(|pair| {
            let (key, value) = pair?;
            let number = key[key::OUTBOX.len()..].try_into().map(u64::from_be_bytes);
            let number = number.expect("outbox keys end in eight bytes: key::outbox writes them");
            Ok(OutboxRow { number, message: Message::from_row(&value, number)? })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_reads_back_from_its_row() {
        let headers = Headers::from([("ce-id".to_owned(), "a \"quoted\" id".to_owned())]);
        let body = "{\"text\":\n\"two lines\"}".to_owned();
        let message = Message { subject: "house.echoed.b-1".to_owned(), headers, body };
        assert_eq!(Message::from_row(&message.to_row(), 1).unwrap(), message);
    }
}
