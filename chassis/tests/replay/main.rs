//! What a replay finds: a recording of one version, through another one.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod street;

use chassis::{Replayed, Stored, Turn, Unacceptable, replay_together};
use serde_json::{Value, json};
use street::{Ignored, Opened, Rang, as_recorded, house, is_locked, record, street};

type Reaction = fn(&mut Turn<'_>, &Rang) -> Result<(), Unacceptable>;

fn ring(bell: &str, guest: &str) -> (&'static str, &'static str, Value) {
    ("street", "ring", json!({ "bell": bell, "guest": guest }))
}

fn lock(bell: &str) -> (&'static str, &'static str, Value) {
    ("house", "lock", json!({ "bell": bell }))
}

fn replayed(on_rang: Reaction, recording: &[Stored]) -> Replayed {
    let replayed = replay_together(vec![street(), house(on_rang)], recording).unwrap();
    assert_eq!(replay_together(vec![street(), house(on_rang)], recording).unwrap(), replayed);
    replayed
}

/// What differs when a house with this reaction replays `recording`.
#[track_caller]
fn check(on_rang: Reaction, recording: &[Stored], expected: &[&str]) -> Replayed {
    let replayed = replayed(on_rang, recording);
    let differences: Vec<_> = replayed.differences.iter().map(ToString::to_string).collect();
    assert_eq!(differences, expected);
    replayed
}

fn subjects(recording: &[Stored]) -> Vec<&str> {
    recording.iter().map(|it| it.subject.as_str()).collect()
}

#[test]
fn what_did_not_change_does_not_differ() {
    let recording = record(&[ring("a", "alice"), ring("b", "postman"), lock("c"), ring("c", "carol")]);
    let said =
        ["street.rang.a", "house.opened.a", "street.rang.b", "house.signed.b", "house.locked.c", "street.rang.c"];
    assert_eq!(subjects(&recording), said);
    assert_eq!(check(as_recorded, &recording, &[]), Replayed::default());
}

#[test]
fn another_answer_is_named_with_the_one_that_was_recorded() {
    let ignores: Reaction = |turn, Rang { bell, guest }| {
        turn.emit(&Ignored { bell: bell.clone(), guest: guest.clone() });
        Ok(())
    };
    let difference = "on hearing street.rang (1), house says house.ignored now, and said house.opened (2) then";
    check(ignores, &record(&[ring("a", "alice")]), &[difference]);
}

#[test]
fn an_answer_that_is_not_given_any_more_is_missing() {
    let difference = "on hearing street.rang (1), house says nothing now where it said house.opened (2) then";
    check(|_, _| Ok(()), &record(&[ring("a", "alice")]), &[difference]);
}

#[test]
fn an_answer_with_another_body_says_what_changed() {
    let opens_to_all: Reaction = |turn, Rang { bell, .. }| {
        turn.emit(&Opened { bell: bell.clone(), guest: "all".into() });
        Ok(())
    };
    let difference = "on hearing street.rang (1), house says house.opened (2) with another body: \
                      guest is \"all\" instead of \"alice\"";
    check(opens_to_all, &record(&[ring("a", "alice")]), &[difference]);
}

#[test]
fn one_answer_more_differs_where_the_recording_goes_on() {
    let opens_twice: Reaction = |turn, Rang { bell, guest }| {
        turn.emit(&Opened { bell: bell.clone(), guest: guest.clone() });
        turn.emit(&Ignored { bell: bell.clone(), guest: guest.clone() });
        Ok(())
    };
    let difference = "on hearing street.rang (1), house says house.ignored now, which it did not say then";
    check(opens_twice, &record(&[ring("a", "alice")]), &[difference]);
}

#[test]
fn an_effect_that_is_not_asked_for_any_more_is_missing() {
    let difference = "house asks for no effect now that could end in house.signed (2)";
    check(|_, _| Ok(()), &record(&[ring("a", "postman")]), &[difference]);
}

#[test]
fn what_is_refused_now_is_named_with_the_reason() {
    let refuses: Reaction = |_, _| Err(Unacceptable::contradicts("nobody is at home"));
    let differences = [
        "house refuses street.rang (1) now, contradicts: nobody is at home",
        "on hearing street.rang (1), house says nothing now where it said house.opened (2) then",
    ];
    check(refuses, &record(&[ring("a", "alice")]), &differences);
}

#[test]
fn what_follows_the_end_of_an_unfinished_recording_does_not_differ() {
    let mut recording = record(&[ring("a", "alice"), ring("b", "postman")]);
    recording.retain(|it| it.subject.starts_with("street."));
    let replayed = check(as_recorded, &recording, &[]);
    let follows: Vec<_> = replayed.would_follow.iter().map(ToString::to_string).collect();
    assert_eq!(follows, ["on hearing street.rang (1), house says house.opened now, which it did not say then"]);
    let left: Vec<_> = replayed.left.iter().map(ToString::to_string).collect();
    assert_eq!(left, ["house waits for the outcome of sign b"]);
}

#[test]
fn a_fact_may_have_been_decided_before_what_stands_above_it_was_heard() {
    // The house was locked when the bell rang, and published that only after it.
    let mut recording = record(&[lock("a"), ring("a", "alice")]);
    recording.swap(0, 1);
    assert_eq!(subjects(&recording), ["street.rang.a", "house.locked.a"]);
    check(as_recorded, &recording, &[]);
    // What no order of its decisions explains differs all the same.
    let opens_when_locked: Reaction = |turn, Rang { bell, guest }| {
        if is_locked(turn, bell) {
            turn.emit(&Opened { bell: bell.clone(), guest: guest.clone() });
        } else {
            turn.emit(&Ignored { bell: bell.clone(), guest: guest.clone() });
        }
        Ok(())
    };
    let difference = "on hearing street.rang (1), house says house.ignored now, which it did not say then";
    check(opens_when_locked, &recording, &[difference]);
}

#[test]
fn an_event_that_stands_twice_is_heard_once() {
    let mut recording = record(&[ring("a", "alice")]);
    recording.extend(recording.clone());
    assert_eq!(check(as_recorded, &recording, &[]), Replayed::default());
}

#[test]
fn an_event_that_was_typed_without_an_id_is_known_by_what_followed_from_it() {
    let mut recording = record(&[ring("a", "alice")]);
    recording[0].headers = events::Headers::new();
    assert_eq!(check(as_recorded, &recording, &[]), Replayed::default());
    recording[1].headers.remove("ce-causationid");
    let difference = "on hearing street.rang (1), house says house.opened now, which it did not say then";
    check(as_recorded, &recording, &[difference]);
}
