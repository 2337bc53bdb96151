//! What the engine promises about any service, on a service that is about nothing.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod forgetting;
mod outbox;
mod read_side;
mod upgrade;

use std::sync::{
    Arc, Weak,
    atomic::{AtomicBool, Ordering},
};

use chassis::{
    Acknowledge, Answer, Batch, Delivery, Effect, Engine, Error, Figures, Input, MemoryStore, Pair, Refusal, Released,
    Reminder, Request, Row, Service, Store, Turn, Unacceptable, Waiting, Waits,
};
use events::{Arrival, Event, EventId, Headers, Key, Role};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

/// A bell was rung; how it answers is up to the text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Rang {
    bell: Key,
    text: String,
}

impl Event for Rang {
    const TYPE: &'static str = "street.rang";
    const VERSION: u32 = 1;
    const ROLE: Role = Role::News;
    fn key(&self) -> Key {
        self.bell.clone()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Echoed {
    bell: Key,
    text: String,
}

impl Event for Echoed {
    const TYPE: &'static str = "house.echoed";
    const VERSION: u32 = 1;
    const ROLE: Role = Role::News;
    fn key(&self) -> Key {
        self.bell.clone()
    }
}

#[derive(Serialize, Deserialize)]
struct Fetch {
    bell: Key,
}

impl Effect for Fetch {
    const NAME: &'static str = "fetch";
    type Outcome = Key;
    fn key(&self) -> String {
        self.bell.to_string()
    }
}

#[derive(Default, Serialize, Deserialize)]
struct Count {
    times: u32,
    /// Nobody rings there any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    over: bool,
}

impl Row for Count {
    const TABLE: &'static str = "count";
    const ENDS: bool = true;
    fn is_over(&self) -> bool {
        self.over
    }
}

/// A kind of row that says of itself what its kind does not declare.
#[derive(Serialize, Deserialize)]
struct Stray {}

impl Row for Stray {
    const TABLE: &'static str = "stray";
    fn is_over(&self) -> bool {
        true
    }
}

fn echo(bell: &Key, text: &str) -> Echoed {
    Echoed { bell: bell.clone(), text: text.to_owned() }
}

fn answer(turn: &mut Turn<'_>, event: &Rang) -> Result<(), Unacceptable> {
    let times = turn.row::<Count>(&event.bell).unwrap_or_default().times + 1;
    turn.put(&event.bell, &Count { times, over: event.text == "over" });
    match event.text.as_str() {
        "refuse" => {
            turn.emit(&echo(&event.bell, "half"));
            return Err(Unacceptable::contradicts("nobody is at home"));
        }
        "loud" => turn.emit(&echo(&event.bell, &"x".repeat(7000))),
        "undeclared" => turn.emit(event),
        "undeclared end" => turn.put(&event.bell, &Stray {}),
        "fetch" => turn.perform(&Fetch { bell: event.bell.clone() }),
        "stop" => turn.withdraw::<Fetch>(&event.bell),
        "later" => turn.remind("wake", &event.bell, "2026-02-01T00:00:00Z".parse().unwrap()),
        "never" => turn.forget("wake", &event.bell),
        text => turn.emit(&echo(&event.bell, text)),
    }
    Ok(())
}

fn fetched(turn: &mut Turn<'_>, fetch: &Fetch, outcome: &Key) -> Result<(), Unacceptable> {
    turn.emit(&echo(&fetch.bell, outcome.as_str()));
    Ok(())
}

fn struggling(turn: &mut Turn<'_>, fetch: &Fetch, waiting: &Waiting) -> Result<(), Unacceptable> {
    let why = waiting.last_error.as_deref().unwrap_or_default();
    turn.emit(&echo(&fetch.bell, &format!("{} {why}", waiting.attempts)));
    Ok(())
}

fn woken(turn: &mut Turn<'_>, bell: &str) -> Result<(), Unacceptable> {
    let text = turn.now().to_string();
    turn.emit(&echo(&Key::try_from(bell).unwrap(), &text));
    Ok(())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Knock {
    bell: Key,
}

fn knock(turn: &mut Turn<'_>, command: Knock) -> Result<String, Refusal> {
    let times = turn.row::<Count>(&command.bell).unwrap_or_default().times + 1;
    turn.put(&command.bell, &Count { times, over: false });
    if times > 2 {
        return Err(Refusal::conflict("enough"));
    }
    turn.emit(&echo(&command.bell, "knock"));
    Ok(format!("{times}"))
}

#[derive(Deserialize)]
struct Shout {
    quotes: usize,
}

fn shout(_: &mut Turn<'_>, command: Shout) -> Result<String, Refusal> {
    Ok("\"".repeat(command.quotes / 2))
}

#[derive(Deserialize)]
struct Number {}

fn number(turn: &mut Turn<'_>, _: Number) -> Result<EventId, Refusal> {
    Ok(turn.new_id("number"))
}

fn adopt(turn: &mut Turn<'_>, event: &Echoed) -> Result<(), Unacceptable> {
    let times = if turn.remembers() { 200 } else { 100 };
    turn.put(&event.bell, &Count { times, over: false });
    Ok(())
}

fn house() -> Service {
    Service::new("house")
        .on::<Rang>(answer)
        .says::<Echoed>()
        .performs::<Fetch>()
        .reminds("wake")
        .settles::<Fetch>(fetched)
        .says::<Echoed>()
        .struggles::<Fetch>(struggling)
        .says::<Echoed>()
        .reminded("wake", woken)
        .says::<Echoed>()
        .answers("shout", shout)
        .answers("number", number)
        .answers("knock", knock)
        .says::<Echoed>()
        .adopts::<Echoed>(adopt)
}

/// An engine that has heard all there is.
fn engine() -> Engine {
    let mut engine = opened();
    engine.take(vec![Input::AllRemembered { from: 1 }, Input::CaughtUp]).unwrap();
    engine
}

fn attempt(attempts: u32) -> Input {
    Input::Attempt {
        name: "fetch".into(),
        key: "b-1".into(),
        attempts,
        error: "no answer".into(),
        time: Timestamp::UNIX_EPOCH,
        open_until: Some(Timestamp::MAX),
    }
}

fn opened() -> Engine {
    Engine::open(house(), Box::new(MemoryStore::default()), EventId::derived(&["test"])).unwrap()
}

fn message(sequence: u64, id: &str, subject: &str, body: &str) -> Input {
    let headers = Headers::from([("ce-id", id)]);
    Input::Event(Delivery {
        subject: subject.to_owned(),
        headers: if id.is_empty() { Headers::new() } else { headers },
        body: body.as_bytes().to_vec(),
        arrival: Arrival { id: EventId::derived(&[&sequence.to_string()]), time: Timestamp::UNIX_EPOCH },
        stream: EventId::derived(&["stream"]),
        sequence,
        acknowledge: Some(Acknowledge { place: format!("ack.{sequence}"), session: Weak::new() }),
    })
}

fn rang(sequence: u64, id: &str, text: &str) -> Input {
    message(sequence, id, "street.rang.b-1", &format!(r#"{{"bell":"b-1","text":"{text}"}}"#))
}

/// What was said, as subject and the one word that matters.
fn said(released: &Released) -> Vec<(String, String)> {
    let word = |body: &serde_json::Value| body["reason"].as_str().or(body["text"].as_str()).unwrap_or("").to_owned();
    let line = |row: &chassis::OutboxRow| {
        (row.message.subject.clone(), word(&serde_json::from_str(&row.message.body).unwrap()))
    };
    released.said.iter().map(line).collect()
}

#[track_caller]
fn check(engine: &mut Engine, input: Input, expected: &[(&str, &str)]) -> Released {
    let released = engine.take(vec![input]).unwrap();
    let expected: Vec<_> = expected.iter().map(|(subject, word)| ((*subject).into(), (*word).into())).collect();
    assert_eq!(said(&released), expected);
    released
}

fn ask(engine: &mut Engine, body: &str) -> (Answer, Released) {
    command(engine, "knock", body)
}

fn command(engine: &mut Engine, name: &str, body: &str) -> (Answer, Released) {
    request(engine, chassis::ambient::random_id(), name, body)
}

fn request(engine: &mut Engine, id: EventId, name: &str, body: &str) -> (Answer, Released) {
    let (sender, mut receiver) = oneshot::channel();
    let request = Request { command: name.into(), body: body.into(), id, time: Timestamp::UNIX_EPOCH, answer: sender };
    let mut released = engine.take(vec![Input::Command(request)]).unwrap();
    for (to, answer) in released.answers.drain(..) {
        to.send(answer).unwrap();
    }
    (receiver.try_recv().unwrap(), released)
}

#[test]
fn a_refused_turn_leaves_nothing_but_its_dead_letter() {
    let mut engine = engine();
    check(&mut engine, rang(1, "e-1", "refuse"), &[("dead.house.street.rang.b-1", "contradicts")]);
    assert_eq!(engine.rows().unwrap(), []);
    let left = engine.unfinished().unwrap();
    assert_eq!(left.said.len(), 1, "the half that it said before it refused is gone");
}

#[test]
fn a_refused_event_that_comes_again_is_parked_once_and_gets_another_chance() {
    let mut engine = engine();
    check(&mut engine, rang(1, "e-1", "refuse"), &[("dead.house.street.rang.b-1", "contradicts")]);
    check(&mut engine, rang(1, "e-1", "refuse"), &[]);
    check(&mut engine, rang(2, "e-1", "hello"), &[("house.echoed.b-1", "hello")]);
}

#[test]
fn what_is_too_large_or_undeclared_refuses_the_turn() {
    let mut engine = engine();
    check(&mut engine, rang(1, "e-1", "loud"), &[("dead.house.street.rang.b-1", "too_large")]);
    check(&mut engine, rang(2, "e-2", "undeclared"), &[("dead.house.street.rang.b-1", "undeclared")]);
    check(&mut engine, rang(3, "e-3", "undeclared end"), &[("dead.house.street.rang.b-1", "undeclared")]);
    assert_eq!(engine.rows().unwrap(), []);
}

#[test]
fn an_event_has_its_effect_once_within_a_batch_too() {
    let mut engine = engine();
    let released = engine.take(vec![rang(1, "e-1", "hello"), rang(2, "e-1", "hello")]).unwrap();
    assert_eq!(said(&released), [("house.echoed.b-1".into(), "hello".into())]);
    assert_eq!(released.acknowledge.unwrap().place, "ack.2");
    check(&mut engine, rang(3, "e-1", "hello"), &[]);
    assert_eq!(engine.rows().unwrap(), [("count/b-1".into(), r#"{"times":1}"#.into())]);
}

#[test]
fn one_id_with_two_bodies_is_an_alarm() {
    let mut engine = engine();
    check(&mut engine, rang(1, "e-1", "hello"), &[("house.echoed.b-1", "hello")]);
    check(&mut engine, rang(2, "e-1", "bye"), &[("dead.house.street.rang.b-1", "id_reused")]);
}

#[test]
fn a_service_does_not_hear_itself() {
    let mut engine = engine();
    let released = check(&mut engine, rang(1, "e-1", "hello"), &[("house.echoed.b-1", "hello")]);
    let echo = &released.said[0].message;
    let Input::Event(mut delivery) = message(2, "", &echo.subject, &echo.body) else { unreachable!() };
    delivery.headers = echo.headers.clone();
    check(&mut engine, Input::Event(delivery), &[]);
    assert_eq!(engine.rows().unwrap(), [("count/b-1".into(), r#"{"times":1}"#.into())]);
}

#[test]
fn a_fact_that_somebody_else_said_is_adopted_and_said_again_under_its_key_with_its_id() {
    let mut engine = engine();
    let body = r#"{"bell":"b-1","text":"typed"}"#;
    let released = check(&mut engine, message(1, "e-1", "house.echoed", body), &[("house.echoed.b-1", "typed")]);
    let headers = &released.said[0].message.headers;
    assert_eq!(headers["ce-id"], EventId::named("e-1").to_string());
    assert_eq!(&headers["Nats-Msg-Id"], &headers["ce-id"]);
    check(&mut engine, message(2, "e-1", "house.echoed", body), &[]);
}

#[test]
fn a_typed_fact_whose_id_the_broker_knows_gets_another_message_id() {
    let mut engine = engine();
    let Input::Event(mut typed) = message(1, "", "house.echoed", r#"{"bell":"b-1","text":"typed"}"#) else {
        unreachable!()
    };
    typed.headers = Headers::from([("Nats-Msg-Id", "test-1")]);
    let released = check(&mut engine, Input::Event(typed), &[("house.echoed.b-1", "typed")]);
    let headers = &released.said[0].message.headers;
    assert_eq!(headers["ce-id"], EventId::named("test-1").to_string());
    assert!(!["test-1", &headers["ce-id"]].contains(&&headers["Nats-Msg-Id"]), "the broker would drop it");
}

#[test]
fn a_command_with_a_key_is_answered_the_same_and_done_once() {
    let mut engine = engine();
    let with = |key: &str| format!(r#"{{"bell":"b-1","idempotency_key":"{key}"}}"#);
    let (first, released) = ask(&mut engine, &with("k"));
    assert_eq!(released.said.len(), 1);
    let (again, released) = ask(&mut engine, &with("k"));
    assert_eq!((&again, released.said.len()), (&first, 0));
    let (other, _) = ask(&mut engine, r#"{"bell":"b-2","idempotency_key":"k"}"#);
    assert_eq!(other.unwrap_err().code, 409);
}

#[test]
fn an_id_that_a_command_makes_begins_with_its_time_and_with_a_key_is_the_same_in_a_new_store() {
    let number = |asked: EventId, body: &str| -> EventId {
        let (answer, _) = request(&mut engine(), asked, "number", body);
        serde_json::from_slice(&answer.unwrap()).unwrap()
    };
    let at = |second| Timestamp::from_second(second).unwrap();
    let asked = |second| EventId::derived(&["asked"]).at(at(second));
    assert_eq!(number(asked(7), "").time(), Some(at(7)));
    assert!(number(asked(1000), "") < number(asked(1001), ""));
    let with_key = |second, key: &str| number(asked(second), &format!(r#"{{"idempotency_key":"{key}"}}"#));
    let first = with_key(7, "k");
    assert_eq!((first.time(), with_key(8, "k")), (None, first), "the store that knew its answer may be lost");
    let key = EventId::derived(&["key"]).at(at(5)).to_string();
    let first = with_key(7, &key);
    assert_eq!((first.time(), with_key(8, &key)), (Some(at(5)), first));
    assert_ne!(first, with_key(7, &EventId::derived(&["other"]).at(at(5)).to_string()));
}

#[test]
fn a_refused_command_changes_nothing_and_does_not_use_up_its_key() {
    let mut engine = engine();
    for _ in 0..2 {
        ask(&mut engine, r#"{"bell":"b-1"}"#).0.unwrap();
    }
    let rows = engine.rows().unwrap();
    let (refused, released) = ask(&mut engine, r#"{"bell":"b-1","idempotency_key":"k"}"#);
    assert_eq!((refused.unwrap_err().code, released.said.len()), (409, 0));
    assert_eq!(engine.rows().unwrap(), rows);
    ask(&mut engine, r#"{"bell":"b-2","idempotency_key":"k"}"#).0.unwrap();
}

#[test]
fn bad_commands_are_told_what_is_wrong() {
    let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
    for body in ["{", "[]", "7", r#"{"bell":"a b"}"#, r#"{"bell":"b","x":1}"#, "", &deep, &"x".repeat(7000)] {
        let mut engine = engine();
        let (answer, released) = ask(&mut engine, body);
        assert_eq!(answer.unwrap_err().code, 400, "{}", &body[..body.len().min(40)]);
        assert!(released.said.is_empty() && engine.rows().unwrap().is_empty());
    }
}

#[test]
fn an_effect_waits_until_its_outcome_and_is_settled_once() {
    let mut engine = engine();
    let released = check(&mut engine, rang(1, "e-1", "fetch"), &[]);
    assert_eq!(released.asked.len(), 1);
    assert!(check(&mut engine, rang(2, "e-2", "fetch"), &[]).asked.is_empty(), "it waits already");
    check(&mut engine, attempt(3), &[("house.echoed.b-1", "3 no answer")]);
    let waiting = &engine.unfinished().unwrap().asked[0];
    assert_eq!((waiting.attempts, waiting.last_error.as_deref()), (3, Some("no answer")));
    let outcome = || Input::Outcome {
        name: "fetch".into(),
        key: "b-1".into(),
        outcome: br#""bread""#.to_vec(),
        time: Timestamp::UNIX_EPOCH,
    };
    let released = check(&mut engine, outcome(), &[("house.echoed.b-1", "bread")]);
    let cause = &released.said[0].message.headers["ce-causationid"];
    assert_eq!(*cause, *EventId::named("e-1").to_string(), "the event that asked is the cause");
    check(&mut engine, outcome(), &[]);
    assert!(engine.unfinished().unwrap().asked.is_empty());
}

#[test]
fn an_effect_that_is_taken_back_is_neither_performed_nor_settled() {
    let mut engine = engine();
    let released = engine.take(vec![rang(1, "e-1", "fetch"), rang(2, "e-2", "stop")]).unwrap();
    assert_eq!((released.asked.len(), released.withdrawn.len()), (0, 1), "it never left");
    check(&mut engine, rang(3, "e-3", "fetch"), &[]);
    let released = engine.take(vec![rang(4, "e-4", "stop"), rang(5, "e-5", "fetch")]).unwrap();
    assert_eq!((released.asked.len(), released.withdrawn.len()), (1, 1), "the new one goes behind");
    check(&mut engine, rang(6, "e-6", "stop"), &[]);
    check(&mut engine, attempt(3), &[]);
    assert!(engine.unfinished().unwrap().asked.is_empty());
}

#[test]
fn what_waits_can_be_asked_for_by_key() {
    let mut engine = engine();
    check(&mut engine, rang(1, "e-1", "fetch"), &[]);
    check(&mut engine, rang(2, "e-2", "later"), &[]);
    check(&mut engine, attempt(4), &[("house.echoed.b-1", "4 no answer")]);
    let waits = |engine: &mut Engine, body: &str| -> Waits {
        serde_json::from_slice(&command(engine, "waits", body).0.unwrap()).unwrap()
    };
    let about = waits(&mut engine, r#"{"key":"b-1"}"#);
    assert_eq!((about.heard, about.outbox_rows, about.outbox.len()), (Some(2), 1, 1));
    assert_eq!((about.effects[0].attempts, about.effects[0].last_error.as_deref()), (4, Some("no answer")));
    assert_eq!(about.effects[0].breaker_open_until, Some(Timestamp::MAX));
    assert_eq!(about.reminders.len(), 1);
    let other = waits(&mut engine, r#"{"key":"b-2"}"#);
    assert_eq!((other.outbox_rows, other.outbox.len(), other.effects.len(), other.reminders.len()), (1, 0, 0, 0));
    assert_eq!(command(&mut engine, "waits", "7").0.unwrap_err().code, 400);

    // Confirmed, it waits for nobody, although it stands in the store until the next commit.
    let receipt = engine.unfinished().unwrap().said[0].receipt(EventId::derived(&["street"]), 1);
    engine.take(vec![Input::Published { receipts: vec![receipt], time: Timestamp::UNIX_EPOCH }]).unwrap();
    let confirmed = waits(&mut engine, "{}");
    assert_eq!((confirmed.outbox_rows, confirmed.outbox.len()), (0, 0));
}

#[test]
fn what_a_process_took_wrote_and_published_is_counted() {
    let mut engine = engine();
    let figures = |engine: &mut Engine| -> Figures {
        serde_json::from_slice(&command(engine, "figures", "").0.unwrap()).unwrap()
    };
    assert_eq!(figures(&mut engine), Figures::default());
    assert_eq!(command(&mut engine, "figures", r#"{"of":"b-1"}"#).0.unwrap_err().code, 400);
    check(&mut engine, rang(1, "e-1", "hello"), &[("house.echoed.b-1", "hello")]);
    let once = figures(&mut engine);
    assert_eq!((once.turns, once.heard, once.commits, once.published), (1, 1, 1, 0));
    assert!(once.rows > 2 && once.bytes > "hello".len() as u64, "{once:?}");

    // Again, it has its turn, and nothing is written.
    check(&mut engine, rang(1, "e-1", "hello"), &[]);
    let receipt = engine.unfinished().unwrap().said[0].receipt(EventId::derived(&["street"]), 1);
    engine.take(vec![Input::Published { receipts: vec![receipt], time: Timestamp::UNIX_EPOCH }]).unwrap();
    assert_eq!(figures(&mut engine), Figures { turns: 2, heard: 2, published: 1, publishes: 1, ..once });
}

#[test]
fn reminders_wait_until_what_was_said_before_is_heard() {
    let mut engine = opened();
    assert!(check(&mut engine, rang(1, "e-1", "later"), &[]).reminders.is_empty());
    assert_eq!(check(&mut engine, Input::CaughtUp, &[]).reminders.len(), 1);
}

#[test]
fn what_was_typed_and_adopted_is_remembered_like_what_was_said() {
    let mut before = engine();
    let typed = message(1, "e-1", "house.echoed", r#"{"bell":"b-1","text":"x"}"#);
    let keyed = check(&mut before, typed, &[("house.echoed.b-1", "x")]).said.remove(0).message;
    assert_eq!(before.rows().unwrap(), [("count/b-1".to_owned(), r#"{"times":100}"#.to_owned())]);
    let Input::Event(delivery) = message(2, "", &keyed.subject, &keyed.body) else { panic!("not a message") };
    let mut after = opened();
    check(&mut after, Input::Remembered(Delivery { headers: keyed.headers, ..delivery }), &[]);
    assert_eq!(after.rows().unwrap(), [("count/b-1".to_owned(), r#"{"times":200}"#.to_owned())]);
}

#[test]
fn effects_wait_until_all_is_remembered() {
    let mut engine = opened();
    assert!(check(&mut engine, rang(1, "e-1", "fetch"), &[]).asked.is_empty());
    assert_eq!(check(&mut engine, Input::AllRemembered { from: 1 }, &[]).asked.len(), 1);
}

#[test]
fn a_reminder_that_comes_before_what_was_said_in_time_waits_for_it() {
    let mut engine = engine();
    let due = check(&mut engine, rang(1, "e-1", "later"), &[]).reminders.remove(0);
    check(&mut engine, Input::AllRemembered { from: 2 }, &[]);
    check(&mut engine, Input::Reminder(due.clone()), &[]);
    let again = check(&mut engine, Input::CaughtUp, &[]).reminders.remove(0);
    check(&mut engine, Input::Reminder(again), &[("house.echoed.b-1", "2026-02-01T00:00:00Z")]);
}

#[test]
fn an_answer_that_is_kept_fits_into_a_row_as_it_stands_there() {
    let mut engine = engine();
    let shout = |key: &str| format!(r#"{{"bell":"b-1","quotes":3600{key}}}"#);
    assert!(command(&mut engine, "shout", &shout("")).0.is_ok());
    let kept = command(&mut engine, "shout", &shout(r#","idempotency_key":"k""#)).0;
    assert_eq!(kept.unwrap_err().code, 422, "each quote takes two bytes, and two more as text in a row");
}

#[test]
fn a_reminder_fires_once_and_can_be_taken_back() {
    let mut engine = engine();
    let due = check(&mut engine, rang(1, "e-1", "later"), &[]).reminders.remove(0);
    let other = Reminder { at: Timestamp::UNIX_EPOCH, ..due.clone() };
    check(&mut engine, Input::Reminder(other), &[]);
    check(&mut engine, Input::Reminder(due.clone()), &[("house.echoed.b-1", "2026-02-01T00:00:00Z")]);
    check(&mut engine, Input::Reminder(due.clone()), &[]);
    check(&mut engine, rang(2, "e-2", "later"), &[]);
    let wake = [("wake".to_owned(), "b-1".to_owned())];
    assert_eq!(check(&mut engine, rang(3, "e-3", "never"), &[]).forgotten, wake);
    check(&mut engine, Input::Reminder(due.clone()), &[]);
    // In one commit the last word counts.
    let released = engine.take(vec![rang(4, "e-4", "later"), rang(5, "e-5", "never")]).unwrap();
    assert_eq!((released.forgotten, released.reminders), (wake.to_vec(), vec![]));
    let released = engine.take(vec![rang(6, "e-6", "never"), rang(7, "e-7", "later")]).unwrap();
    assert_eq!((released.forgotten, released.reminders), (wake.to_vec(), vec![due]));
}

#[test]
fn the_position_follows_what_is_heard_back_too() {
    let mut engine = engine();
    check(&mut engine, rang(5, "e-1", "hello"), &[("house.echoed.b-1", "hello")]);
    check(&mut engine, rang(3, "e-2", "late"), &[("house.echoed.b-1", "late")]);
    assert_eq!(engine.position().unwrap().sequence, 3);
}

#[test]
fn a_store_of_another_service_is_refused() {
    let mut store = MemoryStore::default();
    store
        .commit(Batch::from([(
            b"m/store".to_vec(),
            Some(br#"{"service":"garden","id":"7f9cf0a2-9f5c-4c7e-8a51-0e7c3d0a1b2c"}"#.to_vec()),
        )]))
        .unwrap();
    let error = Engine::open(house(), Box::new(store), EventId::derived(&["test"])).err().unwrap();
    assert!(matches!(error, Error::ForeignStore { .. }), "{error}");
}

/// A store whose disk can break.
#[derive(Clone, Default)]
struct Fragile {
    store: MemoryStore,
    broken: Arc<AtomicBool>,
}

impl Store for Fragile {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        match self.broken.load(Ordering::Relaxed) {
            true => Err(Error::Stopped { why: "the disk is broken".to_owned() }),
            false => self.store.get(key),
        }
    }

    fn scan_from(&self, prefix: &[u8], from: &[u8]) -> Box<dyn Iterator<Item = Result<Pair, Error>> + '_> {
        self.store.scan_from(prefix, from)
    }

    fn commit(&mut self, batch: Batch) -> Result<(), Error> {
        self.store.commit(batch)
    }
}

#[test]
fn what_cannot_be_read_stops_the_batch_and_is_not_taken_for_absent() {
    let fragile = Fragile::default();
    let mut engine = Engine::open(house(), Box::new(fragile.clone()), EventId::derived(&["test"])).unwrap();
    fragile.broken.store(true, Ordering::Relaxed);
    assert!(engine.take(vec![rang(1, "e-1", "hello")]).is_err());
    fragile.broken.store(false, Ordering::Relaxed);
    assert_eq!(engine.rows().unwrap(), [], "nothing was decided on what could not be read");
}

#[test]
fn what_was_passed_over_is_passed_over_by_the_next_start_too() {
    let disk = chassis::MemoryDisk::default();
    let open = || Engine::open(house(), Box::new(disk.clone()), EventId::derived(&["test"])).unwrap();
    let mut engine = open();
    engine.take(vec![Input::AllRemembered { from: 1 }, rang(1, "e-1", "hello")]).unwrap();
    let (stream, time) = (EventId::derived(&["stream"]), Timestamp::UNIX_EPOCH);
    let end = chassis::Position { stream, sequence: 5_000, mark: chassis::Position::heard("market.opened.m-1", time) };
    engine.take(vec![Input::Passed { position: end, time }]).unwrap();
    let mut engine = open();
    assert_eq!((engine.position(), engine.where_heard().unwrap().last()), (Some(end), Some(&end)));
    // What comes behind it is heard, and what comes before it again, too.
    engine.take(vec![Input::AllRemembered { from: 5_001 }]).unwrap();
    check(&mut engine, rang(5_001, "e-2", "hello"), &[("house.echoed.b-1", "hello")]);
    check(&mut engine, rang(3, "e-3", "hello"), &[("house.echoed.b-1", "hello")]);
}
