//! A service that only hears: it scans its rows, and can forget everything to hear it again.

use chassis::{Engine, Input, Keeping, MemoryStore, Refusal, Row, Service, Turn, Unacceptable};
use events::EventId;
use serde::{Deserialize, Serialize};

use super::{Rang, command, forgetting::rang_at, message, rang};

/// A bell, in the order in which bells rang.
#[derive(Serialize, Deserialize)]
struct Heard {
    text: String,
    sequence: u64,
}

impl Row for Heard {
    const TABLE: &'static str = "heard";
}

fn note(turn: &mut Turn<'_>, event: &Rang) -> Result<(), Unacceptable> {
    let sequence = turn.heard().unwrap_or_default();
    if event.text == "silence" {
        turn.remove::<Heard>(format!("{}/{:020}", event.bell, sequence - 1));
        return Ok(());
    }
    turn.put(format!("{}/{sequence:020}", event.bell), &Heard { text: event.text.clone(), sequence });
    Ok(())
}

#[derive(Deserialize)]
struct Page {
    bell: String,
    after: Option<String>,
    at_most: usize,
}

#[derive(Deserialize)]
struct Nothing {}

fn page(turn: &mut Turn<'_>, page: Page) -> Result<Vec<String>, Refusal> {
    let rows = turn.rows::<Heard>(&page.bell, page.after.as_deref(), page.at_most);
    Ok(rows.into_iter().map(|(key, row)| format!("{key} {} {}", row.text, row.sequence)).collect())
}

fn forget(turn: &mut Turn<'_>, _: Nothing) -> Result<Option<u64>, Refusal> {
    turn.start_over();
    Ok(turn.heard())
}

fn listener() -> Service {
    Service::new("listener").on::<Rang>(note).answers("page", page).answers("forget", forget)
}

fn engine() -> Engine {
    Engine::open(listener(), Box::new(MemoryStore::default()), EventId::derived(&["listener"])).unwrap()
}

fn three_rings(engine: &mut Engine) {
    engine.take(vec![rang(1, "e-1", "one"), rang(2, "e-2", "two"), rang(3, "e-3", "three")]).unwrap();
}

#[track_caller]
fn check(engine: &mut Engine, question: &str, expected: &[&str]) {
    let (answer, _) = command(engine, "page", question);
    let rows: Vec<String> = serde_json::from_slice(&answer.unwrap()).unwrap();
    let texts: Vec<_> = rows.iter().map(|row| row.split(' ').nth(1).unwrap()).collect();
    assert_eq!(texts, expected);
}

#[test]
fn it_listens_to_nothing_of_its_own() {
    assert_eq!(listener().subjects(), ["street.rang.*"]);
}

#[test]
fn rows_come_in_the_order_of_their_keys_a_page_at_a_time() {
    let mut engine = engine();
    three_rings(&mut engine);
    engine.take(vec![message(4, "e-4", "street.rang.b-10", r#"{"bell":"b-10","text":"other"}"#)]).unwrap();
    check(&mut engine, r#"{"bell":"b-1/","at_most":2}"#, &["one", "two"]);
    let after = format!("b-1/{:020}", 2);
    check(&mut engine, &format!(r#"{{"bell":"b-1/","after":"{after}","at_most":2}}"#), &["three"]);
    check(&mut engine, r#"{"bell":"b-1/","after":"b-0","at_most":1}"#, &["one"]);
    check(&mut engine, r#"{"bell":"","at_most":9}"#, &["one", "two", "three", "other"]);
}

#[test]
fn a_row_that_was_removed_is_not_there_before_and_after_the_commit() {
    let mut engine = engine();
    let silence = || rang(4, "e-4", "silence");
    engine.take(vec![rang(3, "e-3", "three"), silence(), rang(5, "e-5", "five")]).unwrap();
    check(&mut engine, r#"{"bell":"b-1/","at_most":1}"#, &["five"]);
}

#[test]
fn what_was_forgotten_is_heard_again_and_gives_the_same_rows() {
    let mut engine = engine();
    three_rings(&mut engine);
    let rows = engine.rows().unwrap();
    assert_eq!(command(&mut engine, "forget", "{}").0.unwrap(), b"3");
    assert_eq!((engine.rows().unwrap(), engine.position(), engine.starts_over()), (vec![], None, 1));
    // What an earlier session still had in hand does not count, or the beginning would be skipped.
    engine.take(vec![Input::AllRemembered { from: 4 }, rang(4, "e-4", "four")]).unwrap();
    assert_eq!((engine.rows().unwrap(), engine.position()), (vec![], None));
    engine.take(vec![Input::AllRemembered { from: 1 }]).unwrap();
    three_rings(&mut engine);
    assert_eq!(engine.rows().unwrap(), rows);
}

#[test]
fn what_stands_twice_in_a_stream_older_than_the_horizon_counts_once_when_it_is_heard_again() {
    let known = std::time::Duration::from_secs(3600);
    let mut engine = engine().keeping(Keeping { known, ..Keeping::DEFAULT });
    engine.take(vec![Input::AllRemembered { from: 1 }]).unwrap();
    let ring = |second: i64| rang_at(1, &format!("e-{second}"), "one", second, 0);
    // Said again ten minutes later, after the broker had lost it.
    let again = || rang_at(1, "e-1", "one", 1, 600);
    let stream = || (1..600).map(ring).chain([again()]).chain((602..9000).map(ring));
    let hear = |engine: &mut Engine| stream().for_each(|input| drop(engine.take(vec![input]).unwrap()));
    hear(&mut engine);
    let rows = engine.rows().unwrap();
    command(&mut engine, "forget", "{}").0.unwrap();
    engine.take(vec![Input::AllRemembered { from: 1 }]).unwrap();
    hear(&mut engine);
    assert_eq!(engine.rows().unwrap(), rows);
}
