//! Why an order is where it is, as a value; and the sentence and the command that go with it.

use events::Key;
use jiff::Timestamp;
use serde::Serialize;

use crate::{dead::letter::shortened, when};

/// How much of somebody else's text a sentence shows.
const SHOWN: usize = 160;

/// Why an order is where it is. The names are for scripts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "cause", rename_all = "snake_case")]
pub(super) enum Cause {
    /// The broker does not answer.
    BrokerDown { why: String },
    /// Nothing was ever said of it.
    Unknown,
    /// It came to its good end.
    Completed { then: Vec<String> },
    /// Everything about it is undone.
    Cancelled { reason: String },
    /// A service could not take an event about it.
    DeadLetter { service: String, number: u64, event: String, reason: String, detail: String },
    /// A service does not answer, and it listened before.
    ServiceDown { service: String, unheard: Vec<String>, behind: u64, since: Option<Timestamp>, why: String },
    /// Nobody listens to what was said: a service that never ran here, or none at all.
    NobodyListens { event: String, service: Option<String> },
    /// A refund was tried in vain so often that somebody should look.
    RefundStuck { attempts: u64, reason: String },
    /// What a service asks of the outside is not tried, since it failed too often.
    BreakerOpen { service: String, effect: String, attempts: u32, last_error: String, until: Timestamp },
    /// What a service asked of the outside has no outcome yet.
    EffectWaits { service: String, effect: String, attempts: u32, last_error: Option<String>, since: Timestamp },
    /// What a service said is not confirmed by the broker.
    OutboxWaits { service: String, subjects: Vec<String>, rows: usize },
    /// A service runs and has not heard it yet.
    Behind { service: String, unheard: Vec<String>, behind: u64, since: Option<Timestamp> },
    /// What was said is not enough for anybody.
    Missing { events: Vec<String>, services: Vec<String> },
    /// A reminder stands: it comes when nothing else does.
    #[serde(rename = "deadline")]
    ReminderStands { service: String, reminder: String, at: Timestamp, on_its_way_back: bool },
    /// A service has heard everything, and waits for nothing.
    Silent { service: String, event: String },
    /// Nothing has to follow from what was said.
    NothingDue,
}

/// How things are called where the answer is read.
pub(super) struct Names {
    pub order: Key,
    /// How this program is called.
    pub murmur: String,
    /// Where the broker was looked for.
    pub broker: String,
    /// How the broker is started.
    pub start_broker: String,
    /// Whether no service answers at all.
    pub all_down: bool,
    pub now: Timestamp,
}

impl Cause {
    /// What it is, and what becomes of it, for people; `primary` where it is why.
    pub fn sentence(&self, names: &Names, primary: bool) -> String {
        let Names { order, murmur, broker, .. } = names;
        match self {
            Cause::BrokerDown { why } => format!(
                "the broker does not answer at {broker} ({}); nothing is lost: what the services said waits in their \
                 outboxes, and goes on when the broker is back",
                shortened(why, SHOWN)
            ),
            Cause::Unknown => format!("nothing was ever said of an order {order}: check the id"),
            Cause::Completed { then } if then.is_empty() => "it is completed: a carrier takes it".to_owned(),
            Cause::Completed { then } => format!("it is completed, and then: {}", then.join(", ")),
            Cause::Cancelled { reason } => format!("it is cancelled ({}), and everything is undone", shown(reason)),
            Cause::DeadLetter { service, number, event, reason, detail } => format!(
                "{service} could not take {} ({reason}: {}): once it can, `{murmur} dead redrive {number}`",
                shown(event),
                shown(detail)
            ),
            Cause::ServiceDown { service, unheard, behind, since, why } => {
                let is = format!("{service} is down ({})", shown(why));
                match unheard.is_empty() {
                    true => format!("{is}: it has heard everything so far, and goes on when it runs"),
                    false => {
                        let unheard = unheard.join(", ");
                        format!("{is}: it has not heard {unheard}{}{}", messages(*behind), names.ago(*since))
                    }
                }
            }
            Cause::NobodyListens { event, service: Some(service) } => {
                format!("nobody listens to {event}: {service} never ran on this broker")
            }
            Cause::NobodyListens { event, service: None } => {
                format!("nobody listens to {}: no service hears it, so nothing follows from it", shown(event))
            }
            Cause::RefundStuck { attempts, reason } => format!(
                "the refund is stuck after {attempts} attempts: {}; it is tried again all the same, and may be settled \
                 by hand",
                shown(reason)
            ),
            Cause::BreakerOpen { service, effect, attempts, last_error, until } => format!(
                "{service} waits with the {effect} until {}{}, since what it asks failed too often; {}",
                second(*until),
                names.until(*until),
                tried(*attempts, Some(last_error))
            ),
            Cause::EffectWaits { service, effect, attempts, last_error, since } => format!(
                "{service} waits for the outcome of the {effect}{}; {}",
                names.ago(Some(*since)),
                tried(*attempts, last_error.as_deref())
            ),
            Cause::OutboxWaits { service, subjects, rows } => format!(
                "{service} said {}, and the broker has not confirmed it yet ({rows} in its outbox): it goes on by itself",
                subjects.join(", ")
            ),
            Cause::Behind { service, unheard, behind, since } => format!(
                "{service} has not heard {} yet{}{}: it will come",
                unheard.join(", "),
                messages(*behind),
                names.ago(*since)
            ),
            Cause::Missing { events, services } => {
                format!(
                    "nobody said {} of it, and {} cannot go on without",
                    events.join(" or "),
                    services.join(" and ")
                )
            }
            Cause::ReminderStands { reminder, at, on_its_way_back, .. } => {
                let nothing_else = if primary { "nothing else is under way: " } else { "" };
                let then = match reminder.as_str() {
                    "deadline" if *on_its_way_back => "; it is on its way back already",
                    "deadline" => ", and it is cancelled then if it has come to no end",
                    _ => "",
                };
                format!("{nothing_else}its {reminder} is at {}{}{then}", second(*at), names.until(*at))
            }
            Cause::Silent { service, event } => {
                format!("{service} has heard {event}, and waits for nothing: it says no more by itself")
            }
            Cause::NothingDue => "nothing has to follow from what was said: is it an order?".to_owned(),
        }
    }

    /// What helps, or shows more; none where nothing has to be done.
    pub fn command(&self, names: &Names) -> Option<String> {
        let Names { order, murmur, start_broker, .. } = names;
        let call = |command: &str, body: &str| Some(format!("{murmur} call {command} '{body}'"));
        match self {
            Cause::BrokerDown { .. } => Some(start_broker.clone()),
            Cause::Unknown | Cause::NothingDue => Some(format!("{murmur} dead list --order {order}")),
            Cause::Completed { .. } | Cause::Cancelled { .. } => None,
            Cause::DeadLetter { number, .. } => Some(format!("{murmur} dead show {number}")),
            Cause::ServiceDown { service, .. } | Cause::NobodyListens { service: Some(service), .. } => {
                Some(names.start_service(service))
            }
            Cause::NobodyListens { service: None, .. } | Cause::OutboxWaits { .. } | Cause::Behind { .. } => {
                Some(format!("{murmur} watch {order}"))
            }
            Cause::RefundStuck { .. } => {
                let body = format!(r#"{{"order_id":"{order}","refund_id":"…","note":"…"}}"#);
                call("svc.payment.settle", &body)
            }
            Cause::BreakerOpen { service, .. } | Cause::EffectWaits { service, .. } => {
                call(&format!("svc.{service}.get"), &format!(r#"{{"order_id":"{order}"}}"#))
            }
            Cause::Missing { events, .. } => {
                let event = events.first().map_or("order.created", String::as_str);
                Some(format!(r#"{murmur} pub {event} '{{"order_id":"{order}",…}}'"#))
            }
            Cause::ReminderStands { on_its_way_back: true, .. } => None,
            Cause::ReminderStands { .. } => call("svc.order.cancel", &format!(r#"{{"order_id":"{order}"}}"#)),
            Cause::Silent { service, .. } => call(&format!("svc.{service}.waits"), &format!(r#"{{"key":"{order}"}}"#)),
        }
    }

    /// The most specific first: of several, the one with the lowest rank is said to be why.
    pub fn rank(&self) -> u8 {
        match self {
            Cause::BrokerDown { .. } | Cause::Unknown | Cause::Completed { .. } | Cause::Cancelled { .. } => 0,
            Cause::DeadLetter { .. } => 1,
            Cause::NobodyListens { service: Some(_), .. } | Cause::ServiceDown { .. } => 2,
            Cause::RefundStuck { .. } => 3,
            Cause::BreakerOpen { .. } => 4,
            Cause::EffectWaits { .. } => 5,
            Cause::OutboxWaits { .. } => 6,
            Cause::Behind { .. } => 7,
            Cause::NobodyListens { service: None, .. } => 8,
            Cause::Missing { .. } => 9,
            Cause::ReminderStands { .. } => 10,
            Cause::Silent { .. } => 11,
            Cause::NothingDue => 12,
        }
    }
}

impl Names {
    /// What starts a service. Where none runs, they are started together.
    fn start_service(&self, service: &str) -> String {
        if self.all_down { format!("{} up", self.murmur) } else { format!("{} serve {service}", self.murmur) }
    }

    fn ago(&self, then: Option<Timestamp>) -> String {
        then.map_or_else(String::new, |then| format!(", since {}", when::age(then, self.now)))
    }

    fn until(&self, at: Timestamp) -> String {
        if at <= self.now { " (due now)".to_owned() } else { format!(" (in {})", when::age(self.now, at)) }
    }
}

/// Without the fractions that nobody reads.
fn second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

fn messages(behind: u64) -> String {
    match behind {
        0 => String::new(),
        1 => " (1 message to hear)".to_owned(),
        behind => format!(" ({behind} messages to hear)"),
    }
}

fn tried(attempts: u32, last_error: Option<&str>) -> String {
    let why = last_error.map_or_else(String::new, |why| format!(", the last time because {}", shown(why)));
    match attempts {
        0 => "no attempt has failed so far".to_owned(),
        1 => format!("it was tried in vain once{why}, and is tried again by itself"),
        attempts => format!("it was tried in vain {attempts} times{why}, and is tried again by itself"),
    }
}

fn shown(text: &str) -> String {
    shortened(text, SHOWN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(murmur: &str, all_down: bool) -> Names {
        Names {
            order: Key::try_from("o-1").unwrap(),
            murmur: murmur.to_owned(),
            broker: "nats://127.0.0.1:4222".to_owned(),
            start_broker: "murmur up".to_owned(),
            all_down,
            now: "2026-01-02T03:04:05Z".parse().unwrap(),
        }
    }

    fn down(unheard: &[&str]) -> Cause {
        Cause::ServiceDown {
            service: "payment".to_owned(),
            unheard: unheard.iter().map(|it| (*it).to_owned()).collect(),
            behind: unheard.len() as u64,
            since: Some("2026-01-02T03:03:05Z".parse().unwrap()),
            why: "nobody answers its commands".to_owned(),
        }
    }

    fn deadline(at: &str) -> Cause {
        let (service, reminder) = ("order".to_owned(), "deadline".to_owned());
        Cause::ReminderStands { service, reminder, at: at.parse().unwrap(), on_its_way_back: false }
    }

    #[test]
    fn a_cause_is_a_sentence() {
        let causes = [
            down(&["inventory.reserved"]),
            down(&[]),
            deadline("2026-01-02T03:14:05.5Z"),
            deadline("2026-01-02T03:04:05Z"),
            Cause::BreakerOpen {
                service: "payment".to_owned(),
                effect: "charge".to_owned(),
                attempts: 2,
                last_error: "the gateway\u{1b}[2J answered 503".to_owned(),
                until: "2026-01-02T03:04:09Z".parse().unwrap(),
            },
        ];
        let names = names("murmur", false);
        let sentences: Vec<_> = causes.iter().map(|it| it.sentence(&names, true)).collect();
        insta::assert_snapshot!(sentences.join("\n"));
    }

    #[test]
    fn a_service_is_started_alone_and_all_of_them_together() {
        let command = |murmur, all_down| down(&[]).command(&names(murmur, all_down)).unwrap();
        assert_eq!(command("target/debug/murmur", false), "target/debug/murmur serve payment");
        assert_eq!(command("murmur", false), "murmur serve payment");
        assert_eq!(command("target/debug/murmur", true), "target/debug/murmur up");
    }
}
