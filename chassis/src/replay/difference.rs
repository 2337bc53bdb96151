//! What differs between a recording and its replay, and what is left to do at its end; each as data and as a sentence.

use std::fmt;

use events::{EventId, Key};
use serde::Serialize;
use serde_json::Value;

use crate::Reminder;

/// How much of a body a sentence shows.
const SHOWN_CHARACTERS: usize = 200;

/// An event of the recording, as a sentence names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Moment {
    /// Its number in the timeline.
    pub number: usize,
    /// `inventory.reserved`.
    pub kind: String,
}

/// Something that a service said, then or now.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Said {
    /// The event's id: equal for what the same reaction says in the same place.
    pub id: EventId,
    /// Where it was said, with the key.
    pub subject: String,
    /// The saga that it belongs to.
    pub saga: Option<Key>,
    /// The body; a string where it is not JSON.
    pub body: Value,
    /// Its number in the timeline; none for what is not in the recording.
    pub number: Option<usize>,
}

/// What differs.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// On hearing the event the service said `then`, and says `now`; one of them may be nothing.
    Says {
        /// In the recording.
        then: Option<Said>,
        /// In the replay.
        now: Option<Said>,
    },
    /// The service does not take the event.
    Refuses {
        /// One word.
        reason: String,
        /// A sentence.
        detail: String,
    },
    /// The event was the outcome of an effect, and the service asks for none now that could end in it.
    AsksForNothing,
}

/// Where a replay differs from its recording.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// Whose reaction it is.
    pub service: &'static str,
    /// The event that it heard, or said itself.
    pub on: Moment,
    /// What differs.
    pub what: What,
}

/// What a service waits for at the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Left {
    /// The outcome of an effect that is not in the recording.
    Effect {
        /// Who asked for it.
        service: &'static str,
        /// `charge`.
        name: String,
        /// Its idempotency key.
        key: String,
    },
    /// A reminder that is not due.
    Reminder {
        /// Who asked for it.
        service: &'static str,
        /// Which one, and when.
        reminder: Reminder,
    },
}

impl Said {
    pub(super) fn new(id: EventId, subject: &str, saga: Option<Key>, body: &[u8]) -> Said {
        let text = || Value::String(String::from_utf8_lossy(body).into_owned());
        let body = serde_json::from_slice(body).unwrap_or_else(|_| text());
        Said { id, subject: subject.to_owned(), saga, body, number: None }
    }

    /// Whether it is the same fact: that it was recorded makes no difference.
    pub(super) fn is(&self, other: &Said) -> bool {
        (self.id, &self.subject, &self.body) == (other.id, &other.subject, &other.body)
    }

    fn kind(&self) -> &str {
        self.subject.rsplit_once('.').map_or(&self.subject, |(kind, _)| kind)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.kind, self.number)
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.number {
            Some(number) => write!(f, "{} ({number})", self.kind()),
            None => f.write_str(self.kind()),
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Difference { service, on, what } = self;
        match what {
            What::Says { then: Some(then), now: Some(now) } if then.subject == now.subject => {
                write!(
                    f,
                    "on hearing {on}, {service} says {then} with another body: {}",
                    changed(&then.body, &now.body)
                )
            }
            What::Says { then: Some(then), now: Some(now) } => {
                write!(f, "on hearing {on}, {service} says {} now, and said {then} then", now.kind())
            }
            What::Says { then: Some(then), now: None } => {
                write!(f, "on hearing {on}, {service} says nothing now where it said {then} then")
            }
            What::Says { then: None, now: Some(now) } => {
                write!(f, "on hearing {on}, {service} says {now} now, which it did not say then")
            }
            What::Says { then: None, now: None } => write!(f, "on hearing {on}, {service} says nothing"),
            What::Refuses { reason, detail } => write!(f, "{service} refuses {on} now, {reason}: {detail}"),
            What::AsksForNothing => write!(f, "{service} asks for no effect now that could end in {on}"),
        }
    }
}

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Left::Effect { service, name, key } => write!(f, "{service} waits for the outcome of {name} {key}"),
            Left::Reminder { service, reminder: Reminder { name, key, at } } => {
                write!(f, "{service} waits for the reminder {name} {key}, due {at}")
            }
        }
    }
}

/// The fields in which two bodies differ.
fn changed(then: &Value, now: &Value) -> String {
    let (Some(old), Some(new)) = (then.as_object(), now.as_object()) else {
        return format!("{} instead of {}", shown(now), shown(then));
    };
    let names = old.keys().chain(new.keys().filter(|name| !old.contains_key(*name)));
    let field = |name: &String| format!("{name} is {} instead of {}", shown(&now[name]), shown(&then[name]));
    names.filter(|name| old.get(*name) != new.get(*name)).map(field).collect::<Vec<_>>().join(", ")
}

fn shown(value: &Value) -> String {
    value.to_string().chars().filter(|c| !c.is_control()).take(SHOWN_CHARACTERS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(subject: &str, body: &str, number: Option<usize>) -> Option<Said> {
        Some(Said { number, ..Said::new(EventId::derived(&["e"]), subject, None, body.as_bytes()) })
    }

    #[track_caller]
    fn check(then: Option<Said>, now: Option<Said>, sentence: &str) {
        let on = Moment { number: 3, kind: "inventory.released".to_owned() };
        let difference = Difference { service: "order", on, what: What::Says { then, now } };
        assert_eq!(difference.to_string(), format!("on hearing inventory.released (3), order says {sentence}"));
    }

    #[test]
    fn a_difference_reads_as_a_sentence() {
        let then = || said("order.cancelled.o-1", r#"{"order_id":"o-1","reason":"a"}"#, Some(4));
        let another = said("order.cancelled.o-1", r#"{"order_id":"o-1","why":1}"#, None);
        check(
            then(),
            another,
            "order.cancelled (4) with another body: reason is null instead of \"a\", why is 1 instead of null",
        );
        let other = || said("order.completed.o-1", "{}", None);
        check(then(), other(), "order.completed now, and said order.cancelled (4) then");
        check(then(), None, "nothing now where it said order.cancelled (4) then");
        check(None, other(), "order.completed now, which it did not say then");
    }
}
