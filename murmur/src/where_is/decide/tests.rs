use std::collections::BTreeMap;

use chassis::{ConsumerState, Reminder, Stored, Waits, graph::Graph};
use events::{Headers, Key};
use jiff::Timestamp;
use serde_json::json;

use super::*;
use crate::{dead::letter::tests::letter, shop::shop};

const CREATED: &[&str] = &["order.created"];
const RESERVED: &[&str] = &["order.created", "inventory.reserved"];
const FAILED: &[&str] = &["order.created", "inventory.reserved", "payment.completed", "order.paid", "shipping.failed"];

fn at() -> Timestamp {
    "2026-01-02T03:04:05Z".parse().unwrap()
}

/// This was said of an order; every service runs, has heard it, and waits for nothing. The order has its deadline.
fn after(said: &[&str]) -> Facts {
    let event = |(place, kind): (usize, &&str)| Stored {
        sequence: 10 * (place as u64 + 1),
        subject: format!("{kind}.o-1"),
        headers: Headers::from([("Nats-Time-Stamp", at().to_string())]),
        body: br#"{"order_id":"o-1","reason":"no_reason","attempts":5}"#.to_vec(),
    };
    let graph = Graph::of(&shop());
    let asked = |service: &str| Asked {
        waits: Ok(Waits {
            service: service.to_owned(),
            heard: Some(10 * said.len() as u64),
            outbox_rows: 0,
            outbox: Vec::new(),
            effects: Vec::new(),
            reminders: Vec::new(),
        }),
        consumer: Some(ConsumerState { heard: 10 * said.len() as u64, behind: 0 }),
    };
    let services: BTreeMap<_, _> = graph.services.iter().map(|it| (it.name, asked(it.name))).collect();
    let events = said.iter().enumerate().map(event).collect();
    let mut facts =
        Facts { order: Key::try_from("o-1").unwrap(), now: at(), graph, events, services, letters: Vec::new() };
    if !said.is_empty() {
        let deadline = Reminder { at: at(), name: "deadline".to_owned(), key: "o-1".to_owned() };
        facts.of("order").reminders.push(deadline);
    }
    facts
}

impl Facts {
    /// What a service that runs says.
    fn of(&mut self, service: &str) -> &mut Waits {
        self.services.get_mut(service).unwrap().waits.as_mut().unwrap()
    }

    fn down(mut self, service: &str, heard: u64, behind: u64) -> Facts {
        let asked = self.services.get_mut(service).unwrap();
        *asked = Asked { waits: Err("no".to_owned()), consumer: Some(ConsumerState { heard, behind }) };
        self
    }

    fn never_ran(mut self, service: &str) -> Facts {
        *self.services.get_mut(service).unwrap() = Asked { waits: Err("no".to_owned()), consumer: None };
        self
    }

    fn heard(mut self, service: &str, heard: u64) -> Facts {
        self.of(service).heard = Some(heard);
        self
    }

    fn effect(mut self, service: &str, name: &str, open: bool) -> Facts {
        self.of(service).effects.push(WaitingEffect {
            name: name.to_owned(),
            key: "o-1".to_owned(),
            asked: at(),
            attempts: 3,
            last_error: Some("503".to_owned()),
            breaker_open_until: open.then(at),
        });
        self
    }

    fn outbox(mut self, service: &str, subject: &str) -> Facts {
        self.of(service).outbox.push(subject.to_owned());
        self
    }

    fn parked(mut self, service: &str, kind: &str, sequence: u64) -> Facts {
        let number = self.letters.len() as u64 + 1;
        let mut letter = letter(number, &format!("{kind}.o-1"), Some(sequence), "{}");
        letter.letter.service = service.to_owned();
        self.letters.push(letter);
        self
    }
}

/// The causes that are found, as their names with the service and the event that they are about.
#[track_caller]
fn check(facts: &Facts, causes: &[&str]) {
    let name = |cause: &Cause| {
        let json = json!(cause);
        let about = |name: &str| match &json[name] {
            Value::String(text) => format!(" {text}"),
            Value::Array(texts) => texts.iter().map(|it| format!(" {}", it.as_str().unwrap())).collect(),
            _ => String::new(),
        };
        let names = ["cause", "service", "effect", "event", "unheard", "subjects", "events", "then"];
        names.map(about).concat().trim_start().to_owned()
    };
    assert_eq!(decide(facts).iter().map(name).collect::<Vec<_>>(), causes);
}

#[test]
fn an_order_that_came_to_its_end_is_at_its_end() {
    let completed = [&FAILED[..4], &["shipping.scheduled", "order.completed"]].concat();
    check(&after(&completed), &["completed"]);
    let delivered = [&completed[..], &["shipping.dispatched", "shipping.delivered"]].concat();
    check(&after(&delivered), &["completed shipping.dispatched shipping.delivered"]);
    let cancelled = [FAILED, &["payment.refunded", "inventory.released", "order.cancelled"]].concat();
    check(&after(&cancelled).down("payment", 0, 9), &["cancelled"]);
}

#[test]
fn an_end_that_the_order_service_refused_is_none() {
    let typed = after(&["order.created", "order.cancelled"]).parked("order", "order.cancelled", 20);
    check(
        &typed.heard("inventory", 0),
        &["behind inventory order.created", "deadline order", "dead_letter order order.cancelled.o-1"],
    );
}

#[test]
fn an_order_of_which_nothing_was_said_is_unknown_unless_it_could_not_be_taken() {
    check(&after(&[]), &["unknown"]);
    check(&after(&[]).down("order", 0, 1), &["unknown", "service_down order"]);
    check(&after(&[]).parked("order", "order.created", 10), &["dead_letter order order.created.o-1"]);
}

#[test]
fn a_service_that_is_down_is_why_when_it_is_its_turn() {
    let down = after(CREATED).down("inventory", 0, 1);
    check(&down, &["service_down inventory order.created", "deadline order"]);
    let later = after(CREATED).down("shipping", 0, 1).heard("inventory", 5);
    check(&later, &["behind inventory order.created", "deadline order", "service_down shipping order.created"]);
    let heard = after(RESERVED).down("payment", 20, 0);
    check(&heard, &["service_down payment", "deadline order"]);
}

#[test]
fn a_service_that_never_ran_is_somebody_who_does_not_listen() {
    check(&after(CREATED).never_ran("inventory"), &["nobody_listens inventory order.created", "deadline order"]);
    check(&after(&[]).never_ran("shipping"), &["unknown"]);
    let unknown = after(&["order.created", "inventory.reserved", "order.exploded"]).effect("payment", "charge", false);
    check(&unknown, &["effect_waits payment charge", "nobody_listens order.exploded", "deadline order"]);
}

#[test]
fn an_effect_waits_or_is_spared_by_the_breaker() {
    check(&after(RESERVED).effect("payment", "charge", false), &["effect_waits payment charge", "deadline order"]);
    check(&after(RESERVED).effect("payment", "charge", true), &["breaker_open payment charge", "deadline order"]);
}

#[test]
fn a_refund_that_is_stuck_is_why_and_the_breaker_comes_after_it() {
    let stuck = [FAILED, &["payment.refund_stuck"]].concat();
    let facts = after(&stuck).effect("payment", "refund", true);
    check(&facts, &["refund_stuck", "breaker_open payment refund", "deadline order"]);
    let Cause::RefundStuck { attempts, reason } = decide(&facts).remove(0) else { panic!() };
    assert_eq!((attempts, reason.as_str()), (5, "503"), "the more of both, and the latest reason");
    check(&after(&stuck).down("payment", 40, 1), &["service_down payment shipping.failed", "deadline order"]);
    let settled = [&stuck[..], &["payment.refunded"]].concat();
    check(&after(&settled).heard("inventory", 50), &["behind inventory payment.refunded", "deadline order"]);
}

#[test]
fn what_was_said_may_wait_for_the_broker() {
    let said = after(RESERVED).outbox("payment", "payment.completed.o-1");
    check(&said, &["outbox_waits payment payment.completed.o-1", "deadline order"]);
}

#[test]
fn a_dead_letter_is_why_where_its_service_should_say_something_about_it() {
    let parked = after(CREATED).parked("inventory", "order.created", 10);
    check(&parked, &["dead_letter inventory order.created.o-1", "deadline order"]);
    let elsewhere = after(RESERVED).parked("shipping", "order.created", 10).effect("payment", "charge", false);
    check(&elsewhere, &["effect_waits payment charge", "deadline order", "dead_letter shipping order.created.o-1"]);
    // Nobody could take the order: its own service did not either.
    let all = after(CREATED).parked("inventory", "order.created", 10).parked("order", "order.created", 10);
    let causes = ["dead_letter order order.created.o-1", "dead_letter inventory order.created.o-1", "deadline order"];
    check(&all, &causes);
}

#[test]
fn where_nobody_waits_for_anything_the_deadline_is_what_comes() {
    check(&after(CREATED), &["deadline order", "silent inventory order.created"]);
    // On the way back it changes nothing.
    check(&after(FAILED), &["silent payment shipping.failed", "deadline order"]);
}

#[test]
fn what_is_missing_is_why_where_it_is_nobodys_turn() {
    let mut facts = after(&["inventory.reserved"]);
    facts.of("order").reminders.clear();
    check(&facts, &["missing order.created"]);
    let mut stock = after(&["inventory.stocked"]);
    stock.of("order").reminders.clear();
    check(&stock, &["nothing_due"]);
}
