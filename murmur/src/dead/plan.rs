//! What a redrive will do, before it does anything: which events go out again, in which order, for which letters.
//!
//! Invariant: an event goes out once, however many services parked it, and never before one that was said before it.

use std::collections::HashMap;

use events::{EventId, Headers, header};
use serde_json::{Value, json};

use super::{letter::Letter, original::Original};

/// Where an event was said, among all: what stood in a stream that is gone came before everything in this one.
type Place = (bool, u64);

/// An event that goes out again, with every letter that is settled by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// The event, as it was said first.
    pub original: Original,
    /// The letters, by number.
    pub letters: Vec<u64>,
    /// What the event is about.
    pub key: Option<String>,
    /// Where it stood last: once redriven, an event that is parked again stands in a later place.
    pub last: Place,
    /// What speaks against it.
    pub warning: Option<String>,
}

/// A letter that cannot be redriven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    /// Its number.
    pub number: u64,
    /// The sentence.
    pub why: String,
}

/// What a redrive will do.
#[derive(Debug, Default)]
pub(super) struct Plan {
    steps: Vec<Step>,
    known: HashMap<(EventId, String, EventId), usize>,
    refused: Vec<Refused>,
}

/// How an order ended, and where in the stream it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct End {
    /// `completed` or `cancelled`.
    pub how: String,
    /// The place of the last event.
    pub sequence: u64,
}

impl Plan {
    /// Adds a letter with what was found out about its event.
    pub fn add(&mut self, letter: &Letter, original: Result<Original, String>) {
        let number = letter.number;
        let original = match original {
            Ok(original) => original,
            Err(why) => return self.refused.push(Refused { number, why }),
        };
        let print = EventId::derived(&[&crate::output::text(&original.body)]);
        let identity = (original.id, original.subject.clone(), print);
        if let Some(step) = self.known.get(&identity).map(|at| &mut self.steps[*at]) {
            step.letters.push(number);
            step.last = step.last.max(place(&original));
            if place(&original) < place(&step.original) {
                step.original = original;
            }
            return;
        }
        self.known.insert(identity, self.steps.len());
        let (last, key) = (place(&original), letter.key());
        self.steps.push(Step { original, letters: vec![number], key, last, warning: None });
    }

    /// The events in the order in which they were said, and the letters that have none.
    pub fn finish(mut self) -> (Vec<Step>, Vec<Refused>) {
        self.steps.sort_by_key(|step| place(&step.original));
        for step in &mut self.steps {
            step.letters.sort_unstable();
        }
        (self.steps, self.refused)
    }
}

fn place(original: &Original) -> Place {
    (!original.older, original.sequence)
}

impl Step {
    /// The headers that the event goes out with: its own, its id by name, and a message id that is the same whenever the
    /// event is redriven from the same place. The broker stores it once, and the services know it by its id.
    pub fn headers(&self) -> Headers {
        let Original { id, headers, .. } = &self.original;
        let message = EventId::derived(&[&id.to_string(), "redrive", &self.last.1.to_string()]);
        let mut headers = headers.clone();
        headers.insert(header::ID, id);
        headers.insert(header::MESSAGE_ID, message);
        headers
    }

    /// Notes that the order has come to its end.
    pub fn warn(&mut self, end: Option<&End>) {
        let Some((End { how, sequence }, key)) = end.zip(self.key.as_ref()) else { return };
        let when = match self.original.older || *sequence > self.original.sequence {
            true => "since",
            false => "before it was said",
        };
        self.warning = Some(format!("the order {key} was {how} {when} (message {sequence})"));
    }

    /// The step on one line, with the place that the event has now, or none where nothing was done.
    pub fn line(&self, stored: Option<u64>) -> String {
        let Original { subject, sequence, stands, .. } = &self.original;
        let from = match stands {
            true => format!("message {sequence}"),
            false => format!("the letter's copy of message {sequence}"),
        };
        match stored {
            Some(stored) => format!("redriven {subject}, {from}, as message {stored} ({})", self.named()),
            None => format!("would redrive {subject}, {from} ({})", self.named()),
        }
    }

    /// The same as JSON.
    pub fn json(&self, stored: Option<u64>) -> Value {
        let Original { id, subject, sequence, stands, .. } = &self.original;
        json!({
            "event_id": id,
            "subject": subject,
            "sequence": sequence,
            "body": if *stands { "stream" } else { "letter" },
            "letters": self.letters,
            "warning": self.warning,
            "stored": stored,
        })
    }

    /// `dead letters 3, 4`.
    pub fn named(&self) -> String {
        let numbers: Vec<_> = self.letters.iter().map(u64::to_string).collect();
        format!("dead letter{} {}", if numbers.len() == 1 { "" } else { "s" }, numbers.join(", "))
    }
}

impl Refused {
    /// The refusal as JSON.
    pub fn json(&self) -> Value {
        json!({ "letters": [self.number], "refused": self.why })
    }
}

#[cfg(test)]
mod tests {
    use super::{super::letter::tests::letter, *};

    fn original(subject: &str, sequence: u64) -> Original {
        Original {
            id: EventId::derived(&[subject]),
            subject: subject.to_owned(),
            headers: Headers::from([("ce-source", "/external")]),
            body: b"{}".to_vec(),
            sequence,
            older: false,
            stands: true,
        }
    }

    /// The plan for letters 1, 2, … of these originals, a line each.
    fn lines(originals: Vec<Result<Original, String>>) -> (Vec<String>, Vec<Refused>) {
        let mut plan = Plan::default();
        for (number, original) in (1..).zip(originals) {
            plan.add(&letter(number, "payment.failed.o-1", Some(1), "{}"), original);
        }
        let (steps, refused) = plan.finish();
        (steps.iter().map(|step| step.line(None)).collect(), refused)
    }

    #[test]
    fn events_go_out_in_the_order_in_which_they_were_said() {
        let gone = Original { older: true, stands: false, ..original("order.created.o-0", 99) };
        let (lines, _) = lines(vec![
            Ok(original("payment.failed.o-1", 8)),
            Ok(original("order.created.o-1", 3)),
            Ok(gone),
            Ok(original("inventory.reserved.o-1", 5)),
        ]);
        assert_eq!(
            lines,
            [
                "would redrive order.created.o-0, the letter's copy of message 99 (dead letter 3)",
                "would redrive order.created.o-1, message 3 (dead letter 2)",
                "would redrive inventory.reserved.o-1, message 5 (dead letter 4)",
                "would redrive payment.failed.o-1, message 8 (dead letter 1)",
            ]
        );
    }

    #[test]
    fn what_several_services_parked_goes_out_once() {
        let other_body = Original { body: b"[]".to_vec(), ..original("order.created.o-1", 4) };
        let (lines, _) =
            lines(vec![Ok(original("order.created.o-1", 3)), Ok(other_body), Ok(original("order.created.o-1", 3))]);
        assert_eq!(
            lines,
            [
                "would redrive order.created.o-1, message 3 (dead letters 1, 3)",
                "would redrive order.created.o-1, message 4 (dead letter 2)",
            ]
        );
    }

    #[test]
    fn what_cannot_be_redriven_is_in_nobodys_way() {
        let (lines, refused) = lines(vec![Err("no".to_owned()), Ok(original("order.created.o-1", 3))]);
        assert_eq!((lines.len(), refused), (1, vec![Refused { number: 1, why: "no".to_owned() }]));
    }

    /// The message id of an event that was parked at these places.
    fn message_id(sequences: &[u64]) -> String {
        let mut plan = Plan::default();
        for sequence in sequences {
            let letter = letter(*sequence, "payment.failed.o-1", Some(*sequence), "{}");
            plan.add(&letter, Ok(original("payment.failed.o-1", *sequence)));
        }
        let headers = plan.finish().0.remove(0).headers();
        assert_eq!(headers[header::ID], original("payment.failed.o-1", 0).id.to_string());
        assert_eq!(&headers["ce-source"], "/external");
        headers[header::MESSAGE_ID].to_owned()
    }

    #[test]
    fn the_same_redrive_is_the_same_message_and_the_next_one_is_another() {
        assert_eq!(message_id(&[3]), message_id(&[3]));
        assert_eq!(message_id(&[3]), message_id(&[3, 3]));
        // Redriven from 3, it was parked again at 9; the first letter may stand still.
        assert_ne!(message_id(&[3]), message_id(&[9]));
        assert_eq!(message_id(&[3, 9]), message_id(&[9]));
        assert_eq!(message_id(&[3, 9, 7]), message_id(&[9]));
        assert_eq!(message_id(&[9, 3]), message_id(&[9]));
    }

    #[test]
    fn an_order_that_has_ended_is_a_warning() {
        let warned = |sequence| {
            let mut plan = Plan::default();
            plan.add(&letter(1, "payment.failed.o-1", Some(5), "{}"), Ok(original("payment.failed.o-1", 5)));
            let mut step = plan.finish().0.remove(0);
            step.warn(Some(&End { how: "cancelled".to_owned(), sequence }));
            step.warning.unwrap()
        };
        assert_eq!(warned(9), "the order o-1 was cancelled since (message 9)");
        assert_eq!(warned(2), "the order o-1 was cancelled before it was said (message 2)");
    }
}
