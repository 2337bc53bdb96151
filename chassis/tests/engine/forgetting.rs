//! What the engine keeps for a while, and what it forgets.

use std::time::Duration;

use chassis::{Keeping, LastStanding, MemoryDisk, Position, Receipt};
use jiff::SignedDuration;

use super::*;

pub const KEEPING: Keeping = Keeping { said: Duration::from_secs(60), known: Duration::from_secs(3600) };

/// How many bytes stand for an event that is known.
const MARK: usize = 32;

pub fn at(second: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(second)
}

/// A bell that was rung at `second`, and arrived `late` seconds later, at that sequence.
pub fn rang_at(bell: usize, id: &str, text: &str, second: i64, late: i64) -> Input {
    let body = format!(r#"{{"bell":"b-{bell}","text":"{text}"}}"#);
    let arrived = u64::try_from(second + late).unwrap();
    let Input::Event(mut delivery) = message(arrived, id, &format!("street.rang.b-{bell}"), &body) else { panic!() };
    delivery.headers.insert("ce-time", at(second));
    delivery.arrival.time = at(second + late);
    Input::Event(delivery)
}

pub fn forgetful(disk: &MemoryDisk) -> Engine {
    let engine = Engine::open(house(), Box::new(disk.clone()), EventId::derived(&["test"])).unwrap();
    let mut engine = engine.keeping(KEEPING);
    engine.take(vec![Input::AllRemembered { from: 1 }, Input::CaughtUp]).unwrap();
    engine
}

pub fn stream() -> EventId {
    EventId::derived(&["stream"])
}

fn confirm(engine: &mut Engine, released: &Released, sequence: u64) -> Vec<Receipt> {
    let receipts: Vec<_> =
        released.said.iter().zip(sequence..).map(|(row, sequence)| row.receipt(stream(), sequence)).collect();
    engine.take(vec![Input::Published { receipts: receipts.clone(), time: at(0) }]).unwrap();
    receipts
}

fn lost(engine: &mut Engine, rows: &[u64]) -> Vec<u64> {
    let released = engine.take(vec![Input::Gone(rows.to_vec())]).unwrap();
    released.said.iter().map(|row| row.number).collect()
}

fn confirmed(engine: &Engine) -> Vec<u64> {
    engine.what_was_confirmed().unwrap().iter().map(|it| it.place.sequence).collect()
}

#[test]
fn what_the_broker_confirmed_and_lost_is_published_again() {
    let disk = MemoryDisk::default();
    let mut engine = forgetful(&disk);
    for second in 1..=3 {
        let released = engine.take(vec![rang_at(1, &format!("e-{second}"), "hello", second, 0)]).unwrap();
        confirm(&mut engine, &released, second as u64 * 10);
    }
    // The last word waits for a commit; it counts all the same.
    assert_eq!(confirmed(&engine), [10, 20, 30]);
    assert_eq!(engine.unfinished().unwrap().said, []);
    assert_eq!(lost(&mut engine, &[2, 3]), [2, 3]);
    assert_eq!(confirmed(&engine), [10]);
    // A crash before they are published again loses none of them.
    drop(engine);
    let mut engine = forgetful(&disk);
    let left: Vec<_> = engine.unfinished().unwrap().said.iter().map(|row| row.number).collect();
    assert_eq!(left, [2, 3]);
    assert_eq!(lost(&mut engine, &[1]), [1]);
    let next = engine.take(vec![rang_at(1, "e-4", "hello", 4, 0)]).unwrap();
    assert_eq!(next.said[0].number, 4);
}

#[test]
fn what_the_broker_confirmed_is_forgotten_when_it_must_be_on_its_disk() {
    let disk = MemoryDisk::default();
    let mut engine = forgetful(&disk);
    for second in 1..=600 {
        let released = engine.take(vec![rang_at(1, &format!("e-{second}"), "hello", second, 0)]).unwrap();
        confirm(&mut engine, &released, second as u64 * 10);
    }
    let kept = confirmed(&engine);
    assert!((60..90).contains(&kept.len()), "{} of the last minute are kept", kept.len());
    assert_eq!(disk.scan(b"o/").count(), disk.scan(b"p/").count() + 1);
    assert!(kept.contains(&5400), "none of the last minute is forgotten");
}

#[test]
fn what_is_past_the_horizon_is_refused_rather_than_taken_twice() {
    let disk = MemoryDisk::default();
    let mut engine = forgetful(&disk);
    // It is later than anything else that is forgotten, by less than a store keeps of a time.
    let again = |second| match rang_at(1, "e-latest", "hello", 1, second) {
        Input::Event(mut delivery) => {
            delivery.headers.insert("ce-time", "1970-01-01T00:00:01.0004Z");
            Input::Event(delivery)
        }
        _ => unreachable!(),
    };
    check(&mut engine, again(0), &[("house.echoed.b-1", "hello")]);
    check(&mut engine, rang_at(1, "e-old", "hello", 1, 0), &[("house.echoed.b-1", "hello")]);
    // Nothing is forgotten before the horizon: it is known.
    check(&mut engine, rang_at(1, "e-old", "hello", 1, 3600), &[]);
    for second in 3700..5000 {
        engine.take(vec![rang_at(2, &format!("e-{second}"), "hello", second, 0)]).unwrap();
    }
    check(&mut engine, rang_at(1, "e-old", "hello", 1, 5000), &[("dead.house.street.rang.b-1", "too_old")]);
    check(&mut engine, again(5000), &[("dead.house.street.rang.b-1", "too_old")]);
    // A process that starts anew knows what it has forgotten.
    drop(engine);
    let mut engine = forgetful(&disk);
    check(&mut engine, rang_at(1, "e-old", "hello", 1, 5001), &[("dead.house.street.rang.b-1", "too_old")]);
    check(&mut engine, rang_at(1, "e-new", "hello", 4000, 1001), &[("house.echoed.b-1", "hello")]);
}

#[test]
fn what_was_taken_together_is_forgotten_with_the_latest_of_it() {
    let disk = MemoryDisk::default();
    let mut engine = forgetful(&disk);
    engine.take(vec![rang_at(1, "e-first", "hello", 1, 0), rang_at(1, "e-last", "hello", 3000, 0)]).unwrap();
    let go_on = |engine: &mut Engine, seconds: std::ops::Range<i64>| {
        for second in seconds {
            engine.take(vec![rang_at(2, &format!("e-{second}"), "hello", second, 0)]).unwrap();
        }
    };
    go_on(&mut engine, 3001..6500);
    check(&mut engine, rang_at(1, "e-first", "hello", 1, 6500), &[]);
    go_on(&mut engine, 6501..9000);
    check(&mut engine, rang_at(1, "e-first", "hello", 1, 9000), &[("dead.house.street.rang.b-1", "too_old")]);
    check(&mut engine, rang_at(1, "e-last", "hello", 3000, 6001), &[("dead.house.street.rang.b-1", "too_old")]);
}

#[test]
fn a_clock_of_the_broker_that_ran_ahead_stops_nothing_once_it_is_set_right() {
    let mut engine = forgetful(&MemoryDisk::default());
    check(&mut engine, rang_at(1, "e-1", "hello", 1, 0), &[("house.echoed.b-1", "hello")]);
    for second in 0..50 {
        engine.take(vec![rang_at(2, &format!("e-ahead-{second}"), "hello", 1_000_000 + second, 0)]).unwrap();
    }
    check(&mut engine, rang_at(1, "e-2", "hello", 2, 1), &[("house.echoed.b-1", "hello")]);
}

#[test]
fn a_row_that_is_over_is_forgotten_unless_it_is_written_again() {
    let disk = MemoryDisk::default();
    let mut engine = forgetful(&disk);
    engine.take(vec![rang_at(1, "e-1", "over", 1, 0), rang_at(2, "e-2", "over", 1, 0)]).unwrap();
    engine.take(vec![rang_at(2, "e-3", "hello", 2, 0)]).unwrap();
    for second in 3..6000 {
        engine.take(vec![rang_at(3, &format!("e-{second}"), "over", second, 0)]).unwrap();
    }
    let rows: Vec<_> = engine.rows().unwrap().into_iter().map(|(key, _)| key).collect();
    assert_eq!(rows, ["count/b-2", "count/b-3"]);
}

#[test]
fn a_store_does_not_grow_with_what_it_has_heard() {
    let disk = MemoryDisk::default();
    let mut engine = forgetful(&disk);
    let mut sizes = Vec::new();
    for second in 1..=40_000 {
        let bell = usize::try_from(second).unwrap();
        let released = engine.take(vec![rang_at(bell, &format!("e-{second}"), "over", second, 0)]).unwrap();
        confirm(&mut engine, &released, second as u64 * 10);
        if second % 5000 == 0 {
            sizes.push(disk.scan(b"").count());
        }
    }
    // Four rows a second for an hour, some of them dead already: a page, row and its mark, place.
    assert!(sizes.iter().skip(1).all(|size| *size < 4 * 3600 * 4 / 3 + 200), "{sizes:?}");
}

#[test]
fn places_that_were_heard_lead_back_to_where_the_stream_still_stands() {
    let disk = MemoryDisk::default();
    let mut engine = forgetful(&disk);
    for second in 1..=100 {
        engine.take(vec![rang_at(1, &format!("e-{second}"), "hello", second, 0)]).unwrap();
    }
    let places = engine.where_heard().unwrap();
    assert_eq!(places.len(), 100);
    assert_eq!(places.last().copied(), engine.position());
    let mut search = LastStanding::among(places, stream(), 1, 42);
    while let Some(place) = search.ask() {
        let second = i64::try_from(place.sequence).unwrap();
        search.answer(Some(Position::heard("street.rang.b-1", at(second))));
    }
    assert_eq!(search.found(), 42);
    // What is heard from there on is another stream's: the places behind it are no more.
    engine.take(vec![Input::AllRemembered { from: 43 }]).unwrap();
    let left = engine.where_heard().unwrap();
    assert_eq!(left.iter().filter(|it| it.sequence > 42).count(), 1, "the position itself moves with what is heard");
    engine.take(vec![rang_at(1, "e-new", "hello", 43, 0)]).unwrap();
    assert_eq!(engine.where_heard().unwrap().last().unwrap().sequence, 43);
}

#[test]
fn a_command_that_an_earlier_self_has_taken_is_not_done_again() {
    let mut before = forgetful(&MemoryDisk::default());
    let body = r#"{"bell":"b-1","idempotency_key":"k"}"#;
    let (answer, released) = ask(&mut before, body);
    assert!(answer.is_ok());
    // Its store is gone, and what it said is remembered.
    let mut after = opened();
    let said = &released.said[0].message;
    let Input::Event(mut delivery) = message(1, "", &said.subject, &said.body) else { panic!("not a message") };
    delivery.headers = said.headers.clone();
    after.take(vec![Input::Remembered(delivery), Input::AllRemembered { from: 1 }, Input::CaughtUp]).unwrap();
    let rows = after.rows().unwrap();
    let (answer, released) = ask(&mut after, body);
    assert_eq!(answer.unwrap_err().code, 409);
    assert!(released.said.is_empty());
    assert_eq!(after.rows().unwrap(), rows);
}

#[test]
fn what_was_heard_before_the_horizon_is_not_taken_again_when_hearing_goes_back_that_far() {
    let disk = MemoryDisk::default();
    let mut engine = forgetful(&disk);
    for second in 1..9000 {
        engine.take(vec![rang_at(2, &format!("e-{second}"), "hello", second, 0)]).unwrap();
    }
    let rows = engine.rows().unwrap();
    // A copy of the broker's store from long ago: none of the places that are known stands in it.
    engine.take(vec![Input::AllRemembered { from: 1 }]).unwrap();
    for second in 1..9000 {
        check(&mut engine, rang_at(2, &format!("e-{second}"), "hello", second, 0), &[]);
    }
    assert_eq!(engine.rows().unwrap(), rows);
    check(&mut engine, rang_at(2, "e-new", "hello", 9001, 0), &[("house.echoed.b-2", "hello")]);
}

#[test]
fn a_process_that_ends_early_goes_on_forgetting_where_it_was() {
    let disk = MemoryDisk::default();
    let mut engine = forgetful(&disk);
    for second in 1..30_000 {
        // The horizon holds many more events than a process lives to hear.
        if second % 200 == 0 {
            drop(engine);
            engine = forgetful(&disk);
        }
        engine.take(vec![rang_at(1, &format!("e-{second}"), "never", second, 0)]).unwrap();
    }
    let known: usize = disk.scan(b"i/").map(|page| page.unwrap().1.len() / MARK).sum();
    assert!(known < 3600 * 2, "{known} of 3,600 that are within the horizon");
}

#[test]
fn a_clock_that_ran_ahead_is_set_right_by_the_next_message_that_is_new() {
    let disk = MemoryDisk::default();
    let mut engine = forgetful(&disk);
    engine.take(vec![rang_at(1, "e-1", "hello", 10, 0)]).unwrap();
    let Input::Event(mut ahead) = rang_at(1, "e-2", "hello", 11, 0) else { panic!("not a message") };
    ahead.arrival.time = at(1_000_000);
    engine.take(vec![Input::Event(ahead)]).unwrap();
    for second in 12..500 {
        let input = rang_at(1, &format!("e-{second}"), "hello", second, 0);
        check(&mut engine, input, &[("house.echoed.b-1", "hello")]);
    }
    // Nothing of it is forgotten since: it is known when it comes again.
    for second in 400..500 {
        check(&mut engine, rang_at(1, &format!("e-{second}"), "hello", second, 0), &[]);
    }
}
