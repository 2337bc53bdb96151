//! The event that a letter is about, whole: as it stands in the stream of events, or as the letter kept it.
//!
//! Invariant: what is handed on is that event and no other. A place alone proves nothing, since the stream may have been
//! made anew.

use chassis::{Client, Stored, StreamState};
use events::{CATALOGUE, EVENTS, EventId, Headers, header};

use super::letter::{Letter, UNREADABLE};
use crate::Error;

/// How much of a header or a subject a letter keeps.
const KEPT_OF_A_SUBJECT: usize = 200;

/// An event that can be said again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Original {
    /// Its id, which it keeps.
    pub id: EventId,
    /// Where it was said.
    pub subject: String,
    /// Its headers, without those that are the broker's business.
    pub headers: Headers,
    /// The whole body.
    pub body: Vec<u8>,
    /// The place in `EVENTS` that the letter names.
    pub sequence: u64,
    /// Whether that was a place in a stream that is gone: it was said before everything that is in this one.
    pub older: bool,
    /// Whether it stands in the stream still; else it is the letter's copy.
    pub stands: bool,
}

/// The event that `letter` is about; a sentence where there is no telling what it was.
pub(super) async fn find(
    client: &Client,
    events: &StreamState,
    letter: &Letter,
) -> Result<Result<Original, String>, Error> {
    let Some(sequence) = letter.letter.sequence else { return Ok(Err(never_stood(letter))) };
    let message = client.message(EVENTS, sequence).await?;
    let standing = message.and_then(|message| standing(message, events, letter));
    Ok(standing.map_or_else(|| copy(events, letter, sequence), Ok))
}

/// The message, if it is the event that the letter is about.
fn standing(message: Stored, events: &StreamState, letter: &Letter) -> Option<Original> {
    let Letter { letter, .. } = letter;
    let place = message.sequence.to_string();
    let arrival = EventId::derived(&["message", &events.identity.to_string(), &place]);
    let mut named = [header::ID, header::MESSAGE_ID].into_iter().filter_map(|name| message.headers.get(name));
    let named = named.find(|value| !value.is_empty()).map(EventId::named);
    // A service that could not read the headers knew the event by its arrival alone.
    let known = [named, Some(arrival)].into_iter().flatten().any(|id| id.to_string() == letter.event_id);
    let same_subject = message.subject == letter.subject
        || (is_cut(&letter.subject) && message.subject.starts_with(letter.subject.as_str()));
    let text = crate::output::text(&message.body);
    // The letter may have cut the last character in two.
    let same_body =
        message.body.len() == letter.body_bytes && text.starts_with(letter.body.trim_end_matches('\u{fffd}'));
    (known && same_subject && same_body).then(|| Original {
        id: named.unwrap_or(arrival),
        subject: message.subject,
        headers: of_the_event(message.headers),
        body: message.body,
        sequence: message.sequence,
        older: false,
        stands: true,
    })
}

/// What the letter itself kept of the event, if that is all of it.
fn copy(events: &StreamState, letter: &Letter, sequence: u64) -> Result<Original, String> {
    let Letter { number, letter, .. } = letter;
    let gone = format!("message {sequence} of {EVENTS} is not the event of dead letter {number} any more, and");
    let producer = letter.subject.split('.').next();
    if !CATALOGUE.iter().any(|schema| schema.kind.split('.').next() == producer) {
        return Err(format!("{gone} {:?} is not where an event is said", letter.subject));
    }
    if letter.body.len() != letter.body_bytes || letter.body.contains('\u{fffd}') || is_cut(&letter.subject) {
        return Err(format!("{gone} the letter kept only the beginning of it: publish it again from where it came"));
    }
    Ok(Original {
        id: EventId::named(&letter.event_id),
        subject: letter.subject.clone(),
        headers: of_the_event(letter.headers.clone()),
        body: letter.body.clone().into_bytes(),
        sequence,
        older: letter.at < events.created,
        stands: false,
    })
}

fn never_stood(Letter { number, letter, .. }: &Letter) -> String {
    let what = match letter.reason.as_str() {
        UNREADABLE => "is no dead letter of a service",
        _ => "is about an outcome or a reminder of the service itself, which never stood in the stream",
    };
    format!("dead letter {number} ({}) {what}: it cannot be redriven, only dropped", letter.subject)
}

fn is_cut(subject: &str) -> bool {
    subject.chars().count() >= KEPT_OF_A_SUBJECT
}

/// Headers of the broker are instructions for the one message that they stood on: expectations, batches, lifetimes.
fn of_the_event(mut headers: Headers) -> Headers {
    let of_the_broker = |name: &str| name.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("nats-"));
    headers.retain(|name, _| !of_the_broker(name));
    headers
}

#[cfg(test)]
pub(super) mod tests {
    use super::{super::letter::tests::letter, *};

    pub fn stream() -> StreamState {
        let created = "2026-01-01T00:00:00Z".parse().unwrap();
        StreamState { identity: EventId::derived(&["stream"]), created, last_sequence: 9 }
    }

    /// The message that `letter(…, "payment.failed.o-1", Some(3), body)` is about, typed with that `ce-id`.
    fn message(subject: &str, body: &str) -> Stored {
        let id = EventId::derived(&["event", subject]).to_string();
        let headers =
            [(header::ID, id.as_str()), ("traceparent", "00"), ("Nats-Sequence", "3"), ("nats-batch-id", "7")];
        Stored { sequence: 3, subject: subject.to_owned(), headers: headers.into(), body: body.into() }
    }

    #[test]
    fn what_stands_at_the_place_is_the_event_only_if_everything_fits() {
        let wanted = letter(1, "payment.failed.o-1", Some(3), "{}");
        let found = standing(message("payment.failed.o-1", "{}"), &stream(), &wanted).unwrap();
        assert!(found.stands && found.id.to_string() == wanted.letter.event_id);
        assert_eq!(found.headers.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["ce-id", "traceparent"]);
        for (subject, body) in
            [("payment.failed.o-2", "{}"), ("payment.failed.o-1", "[]"), ("payment.failed.o-1", "{} ")]
        {
            assert_eq!(standing(message(subject, body), &stream(), &wanted), None, "{subject} {body}");
        }
        let mut other = message("payment.failed.o-1", "{}");
        other.headers.insert(header::ID, "another");
        assert_eq!(standing(other, &stream(), &wanted), None);
    }

    #[test]
    fn an_event_without_headers_is_known_by_its_place_in_this_stream() {
        let typed = Stored { headers: Headers::new(), ..message("payment.failed.o-1", "{}") };
        let mut wanted = letter(1, "payment.failed.o-1", Some(3), "{}");
        let id = EventId::derived(&["message", &stream().identity.to_string(), "3"]);
        wanted.letter.event_id = id.to_string();
        assert_eq!(standing(typed.clone(), &stream(), &wanted).unwrap().id, id);
        let anew = StreamState { identity: EventId::derived(&["anew"]), ..stream() };
        assert_eq!(standing(typed, &anew, &wanted), None);
    }

    #[test]
    fn a_letter_stands_in_for_the_event_where_it_kept_all_of_it() {
        let whole = letter(1, "payment.failed.o-1", Some(3), "{}");
        assert!(copy(&stream(), &whole, 3).is_ok_and(|it| !it.stands && !it.older && it.body == b"{}"));
        let anew = StreamState { created: "2027-01-01T00:00:00Z".parse().unwrap(), ..stream() };
        assert!(copy(&anew, &whole, 3).is_ok_and(|it| it.older));

        let mut cut = whole.clone();
        cut.letter.body_bytes = 5000;
        assert!(copy(&stream(), &cut, 3).unwrap_err().contains("only the beginning"));
        let foreign = letter(1, "svc.order.place", Some(3), "{}");
        assert!(copy(&stream(), &foreign, 3).unwrap_err().contains("not where an event is said"));
    }

    #[test]
    fn what_never_stood_in_the_stream_cannot_be_redriven() {
        let own = letter(4, "effect.charge.o-1", None, "");
        assert!(never_stood(&own).contains("never stood in the stream"));
    }
}
