//! A dead letter as it is read from its stream.

use chassis::{DeadLetter, Stored};
use events::{Headers, header};
use jiff::Timestamp;
use serde_json::{Value, json};

/// The reason of what stands among the dead letters and is none.
pub(super) const UNREADABLE: &str = "unreadable";

/// A dead letter with its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Letter {
    /// Its place in `DEAD_LETTERS`.
    pub number: u64,
    /// When the broker took it.
    pub parked: Timestamp,
    /// What it says.
    pub letter: DeadLetter,
}

impl Letter {
    /// Reads a message of `DEAD_LETTERS`. What somebody else put there can be looked at and dropped.
    pub fn read(message: &Stored) -> Letter {
        let parked = message.headers.get("Nats-Time-Stamp").and_then(|time| time.parse().ok()).unwrap_or_default();
        let letter = serde_json::from_slice(&message.body).unwrap_or_else(|error| DeadLetter {
            service: message.subject.split('.').nth(1).unwrap_or_default().to_owned(),
            reason: UNREADABLE.to_owned(),
            detail: format!("this is no dead letter of a service: {error}"),
            at: parked,
            event_id: String::new(),
            subject: message.subject.splitn(3, '.').nth(2).unwrap_or_default().to_owned(),
            sequence: None,
            headers: Headers::new(),
            body: crate::output::text(&message.body),
            body_bytes: message.body.len(),
        });
        Letter { number: message.sequence, parked, letter }
    }

    /// What it is about, the order as a rule: as the subject says, the headers, or the body of an event without a key.
    pub fn key(&self) -> Option<String> {
        let of_subject = self.letter.subject.split('.').skip(2).last();
        let of_headers = || {
            let named = [header::SUBJECT, header::CORRELATION].into_iter();
            named.filter_map(|name| self.letter.headers.get(name)).find(|value| !value.is_empty())
        };
        of_subject.or_else(of_headers).map(str::to_owned).or_else(|| self.key_in_body())
    }

    /// Whether the letter is about `key`, in any of the places that may name it.
    pub fn is_about(&self, key: &str) -> bool {
        let named = |name| self.letter.headers.get(name).is_some_and(|value| value == key);
        self.letter.subject.split('.').skip(2).last() == Some(key)
            || named(header::SUBJECT)
            || named(header::CORRELATION)
            || self.key_in_body().as_deref() == Some(key)
    }

    /// Whether this is what became of `event` in one of the services.
    pub fn is_of(&self, event: &Stored) -> bool {
        self.letter.sequence == Some(event.sequence)
    }

    /// The body's `order_id`, also where the body is not JSON or only its beginning was kept.
    fn key_in_body(&self) -> Option<String> {
        if let Ok(body) = serde_json::from_str::<Value>(&self.letter.body) {
            return body["order_id"].as_str().map(str::to_owned);
        }
        let (_, behind) = self.letter.body.split_once("\"order_id\"")?;
        let value = behind.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
        value.split_once('"').map(|(key, _)| key.to_owned())
    }

    /// The letter as JSON, with its number.
    pub fn json(&self) -> Value {
        let mut json = json!(self.letter);
        json["number"] = json!(self.number);
        json["parked"] = json!(self.parked);
        json["key"] = json!(self.key());
        json
    }
}

/// Somebody else's text, safe on a terminal; line ends stay.
pub(super) fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { ' ' } else { c }).collect()
}

/// Somebody else's text on one line of at most so many characters.
pub(crate) fn shortened(text: &str, characters: usize) -> String {
    let text = clean(text).replace('\n', " ");
    match text.chars().nth(characters) {
        None => text,
        Some(_) => format!("{}…", text.chars().take(characters - 1).collect::<String>()),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A letter of `payment` about an event at a place of `EVENTS`.
    pub fn letter(number: u64, subject: &str, sequence: Option<u64>, body: &str) -> Letter {
        let at: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        let letter = DeadLetter {
            service: "payment".to_owned(),
            reason: "contradicts".to_owned(),
            detail: "nothing is held".to_owned(),
            at,
            event_id: events::EventId::derived(&["event", subject]).to_string(),
            subject: subject.to_owned(),
            sequence,
            headers: Headers::new(),
            body: body.to_owned(),
            body_bytes: body.len(),
        };
        Letter { number, parked: at, letter }
    }

    #[test]
    fn the_key_is_found_wherever_it_stands() {
        let key = |subject, body| letter(1, subject, None, body).key();
        assert_eq!(key("payment.failed.o-1", "{}").as_deref(), Some("o-1"));
        assert_eq!(key("effect.charge.o-1", "").as_deref(), Some("o-1"));
        assert_eq!(key("payment.failed", r#"{"order_id":"o-2"}"#).as_deref(), Some("o-2"));
        assert_eq!(key("payment.failed", r#"{"reason":"x","order_id" : "o-3","no"#).as_deref(), Some("o-3"));
        assert_eq!(key("payment.failed", r#"{"order_id":"o-4"#), None);
        assert_eq!(key("payment.failed", r#"{"order_id":7}"#), None);
        let mut headed = letter(1, "payment.failed", None, r#"{"order_id":"o-6"}"#);
        headed.letter.headers.insert(header::CORRELATION, "o-5");
        assert_eq!(headed.key().as_deref(), Some("o-5"));
        assert!(headed.is_about("o-5") && headed.is_about("o-6") && !headed.is_about("o-1"));
    }

    #[test]
    fn what_is_no_letter_can_still_be_looked_at() {
        let message = Stored {
            sequence: 7,
            subject: "dead.order.order.created".to_owned(),
            headers: Headers::new(),
            body: b"hello".to_vec(),
        };
        let Letter { number, letter, .. } = Letter::read(&message);
        assert_eq!((number, letter.service.as_str(), letter.subject.as_str()), (7, "order", "order.created"));
        assert_eq!((letter.reason.as_str(), letter.body.as_str(), letter.sequence), (UNREADABLE, "hello", None));
    }

    #[test]
    fn foreign_text_is_one_line_and_steers_no_terminal() {
        assert_eq!(shortened("a\u{1b}[2J\nb", 80), "a [2J b");
        assert_eq!(shortened("abcdef", 6), "abcdef");
        assert_eq!(shortened("abcdefg", 6), "abcde…");
    }
}
