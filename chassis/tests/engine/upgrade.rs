//! What a service did not know yet is parked, and taken up when it comes again after an upgrade.

use chassis::{Delivery, DiskStore, Engine, Input, Service, Turn, Unacceptable};
use events::{Event, EventId, Key};
use serde::{Deserialize, Serialize};

use super::{Count, Rang, check, house, message};

/// The second version of [`Rang`]: it says how often.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct RangTimes {
    bell: Key,
    times: u32,
}

impl Event for RangTimes {
    const TYPE: &'static str = Rang::TYPE;
    const VERSION: u32 = 2;
    const ROLE: events::Role = Rang::ROLE;
    fn key(&self) -> Key {
        self.bell.clone()
    }
}

fn count(turn: &mut Turn<'_>, event: &RangTimes) -> Result<(), Unacceptable> {
    turn.put(&event.bell, &Count { times: event.times, over: false });
    Ok(())
}

/// The house before it knew that somebody else may echo.
fn before() -> Service {
    Service::new("house").on::<Rang>(super::answer).says::<super::Echoed>()
}

/// The house that knows the second version.
fn after() -> Service {
    Service::new("house").on::<RangTimes>(count)
}

fn of_version(version: u32, input: Input) -> Input {
    let Input::Event(Delivery { mut headers, subject, body, arrival, stream, sequence, acknowledge }) = input else {
        panic!("not a message");
    };
    headers.insert("ce-dataschema", format_args!("urn:murmuration:schema/{}/{version}", Rang::TYPE));
    Input::Event(Delivery { headers, subject, body, arrival, stream, sequence, acknowledge })
}

#[track_caller]
fn check_upgrade(old: Service, new: Service, event: impl Fn(u64) -> Input, parked: (&str, &str), row: &str) {
    let folder = tempfile::tempdir().unwrap();
    let open = |service| {
        let store = DiskStore::open(folder.path()).unwrap();
        Engine::open(service, Box::new(store), EventId::derived(&["house"])).unwrap()
    };
    let mut engine = open(old);
    check(&mut engine, event(1), &[parked]);
    assert_eq!(engine.rows().unwrap(), []);
    drop(engine);
    // It stands in the stream anew, with the id that it had.
    let mut engine = open(new);
    engine.take(vec![event(2), event(3)]).unwrap();
    assert_eq!(engine.rows().unwrap(), [("count/b-1".to_owned(), row.to_owned())]);
}

#[test]
fn an_unknown_type_is_taken_up_after_an_upgrade() {
    let event = |sequence| message(sequence, "e-1", "house.echoed.b-1", r#"{"bell":"b-1","text":"x"}"#);
    check_upgrade(before(), house(), event, ("dead.house.house.echoed.b-1", "unknown_type"), r#"{"times":100}"#);
}

#[test]
fn an_unknown_version_is_taken_up_after_an_upgrade() {
    let event = |sequence| of_version(2, message(sequence, "e-1", "street.rang.b-1", r#"{"bell":"b-1","times":7}"#));
    check_upgrade(house(), after(), event, ("dead.house.street.rang.b-1", "unknown_version"), r#"{"times":7}"#);
}
