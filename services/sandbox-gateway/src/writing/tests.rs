//! Who comes while others are written, and who goes; what fails; and what nobody may see before it is on the disk.

mod bench;

use std::{fs, io, sync::mpsc, time::Duration};

use axum::response::IntoResponse;
use tokio::{task::yield_now, time::timeout};

use self::bench::{Bench, WITHIN, charged};
use super::*;
use crate::{
    book::tests::{charge, refund},
    gateway::Gateway,
    ledger::ledger_path,
};

#[tokio::test]
async fn decisions_that_come_together_are_written_in_their_order_with_one_sync() {
    let mut bench = Bench::writing_the_first().await;
    for key in ["4", "2", "3"] {
        bench.charge(key);
    }
    bench.waiting(3).await;
    bench.say(Ok(()));
    bench.say(Ok(()));
    assert_eq!(bench.answers().await, ["1", "2", "3", "4"].map(|key| (key, 200, false)));
    assert_eq!(bench.lines(), ["1", "4", "2", "3"]);
    assert_eq!(bench.book(), ["1", "4", "2", "3"]);
    bench.syncing().await;
    assert!(bench.begun.is_empty());
}

#[tokio::test]
async fn nobody_sees_a_decision_before_it_is_on_the_disk() {
    let mut bench = Bench::writing_the_first().await;
    bench.charge("2");
    bench.charge("3");
    bench.waiting(2).await;
    bench.say(Ok(()));
    bench.syncing().await;
    assert_eq!(bench.first_answer().await, ("1", 200, false));
    assert_eq!(bench.lines(), ["1", "2", "3"]);

    assert_eq!(bench.book(), ["1"]);
    assert_eq!(charged(&bench.gateway, "2").await, ("2", 409, false));
    // Whoever is answered has the time to say so.
    yield_now().await;
    assert!(bench.requests.try_join_next().is_none());

    bench.say(Ok(()));
    assert_eq!(bench.answers().await, [("2", 200, false), ("3", 200, false)]);
    assert_eq!(bench.book(), ["1", "2", "3"]);
    assert_eq!(charged(&bench.gateway, "2").await, ("2", 200, true));
}

#[tokio::test]
async fn each_decision_of_a_group_sees_those_before_it_and_is_refused_alone() {
    let mut bench = Bench::writing_the_first().await;
    bench.charge("2");
    for key in ["3", "4", "5"] {
        // What is left of the charge, of which the first takes all; the last does not ask what is left.
        bench.ask(key, move |book| match book.unrefunded(&book.by_id("2")?.expect("it is of the same group")) {
            0 if key == "4" => Err(Refusal::unavailable()),
            0 => Ok(refund(key, key, "2", 1)),
            left => Ok(refund(key, key, "2", left)),
        });
    }
    bench.charge("6");
    bench.waiting(5).await;
    bench.say(Ok(()));
    bench.say(Ok(()));
    let statuses = [("1", 200), ("2", 200), ("3", 200), ("4", 503), ("5", 500), ("6", 200)];
    assert_eq!(bench.answers().await, statuses.map(|(key, status)| (key, status, false)));
    assert_eq!(bench.lines(), ["1", "2", "3", "6"]);
    assert_eq!(bench.book(), ["1", "2", "3", "6"]);
}

#[tokio::test]
async fn a_group_that_is_all_refused_writes_and_syncs_nothing() {
    let mut bench = Bench::writing_the_first().await;
    for key in ["2", "3"] {
        bench.ask(key, |_| Err(Refusal::rate_limited()));
    }
    bench.waiting(2).await;
    bench.say(Ok(()));
    assert_eq!(bench.answers().await, [("1", 200, false), ("2", 429, false), ("3", 429, false)]);
    assert_eq!(bench.lines(), ["1"]);
    assert!(bench.begun.is_empty());
    // Their keys are free.
    bench.say(Ok(()));
    assert_eq!(charged(&bench.gateway, "2").await, ("2", 200, false));
}

#[tokio::test]
async fn a_sync_that_fails_refuses_all_of_the_group_and_all_that_come_later_until_a_restart() {
    let mut bench = Bench::writing_the_first().await;
    bench.charge("2");
    bench.charge("3");
    // It would be refused for what did not happen.
    bench
        .ask("4", |book| if book.by_id("3")?.is_some() { Err(Refusal::rate_limited()) } else { panic!("not with it") });
    bench.waiting(3).await;
    bench.say(Ok(()));
    bench.say(Err(io::ErrorKind::StorageFull.into()));
    assert_eq!(bench.answers().await, [("1", 200, false), ("2", 500, false), ("3", 500, false), ("4", 500, false)]);
    assert_eq!(bench.book(), ["1"]);

    for key in ["2", "5"] {
        assert_eq!(charged(&bench.gateway, key).await, (key, 500, false));
    }
    assert_eq!(bench.book(), ["1"]);
    assert_eq!(bench.lines(), ["1", "2", "3"]);

    bench.close().await;
    let gateway = Gateway::open(bench.folder.path()).unwrap();
    assert_eq!(charged(&gateway, "2").await, ("2", 200, true));
    assert_eq!(charged(&gateway, "5").await, ("5", 200, false));
}

#[tokio::test]
async fn a_decision_is_finished_whose_client_goes_away_while_it_waits() {
    let mut bench = Bench::writing_the_first().await;
    let gone = bench.charge("2");
    bench.waiting(1).await;
    gone.abort();
    assert!(bench.requests.join_next().await.unwrap().unwrap_err().is_cancelled());
    bench.say(Ok(()));
    assert_eq!(bench.answers().await, [("1", 200, false)]);

    bench.syncing().await;
    assert_eq!(charged(&bench.gateway, "2").await, ("2", 409, false));
    bench.say(Ok(()));
    let free = async {
        loop {
            match charged(&bench.gateway, "2").await {
                (_, 409, _) => yield_now().await,
                told => break told,
            }
        }
    };
    assert_eq!(timeout(WITHIN, free).await.unwrap(), ("2", 200, true));
    assert_eq!(bench.lines(), ["1", "2"]);
}

#[tokio::test]
async fn what_cannot_be_read_back_is_refused_and_happens_not_again() {
    let mut bench = Bench::writing_the_first().await;
    bench.say(Ok(()));
    assert_eq!(bench.answers().await, [("1", 200, false)]);
    fs::File::create(ledger_path(bench.folder.path())).unwrap();
    assert_eq!(charged(&bench.gateway, "1").await, ("1", 500, false));
    bench.ask("2", |_| Ok(charge("1", "2", 100)));
    assert_eq!(bench.answers().await, [("2", 500, false)]);
    assert_eq!(bench.lines(), [""; 0]);
}

#[tokio::test]
async fn the_ledger_is_given_back_after_what_is_written_and_nothing_is_written_after_it() {
    let mut bench = Bench::writing_the_first().await;
    let closing = bench.gateway.clone();
    let mut closing = spawn_blocking(move || closing.close());
    assert!(timeout(Duration::ZERO, &mut closing).await.is_err());
    bench.say(Ok(()));
    timeout(WITHIN, closing).await.unwrap().unwrap();
    assert_eq!(bench.answers().await, [("1", 200, false)]);

    let (_, history) = Ledger::open(bench.folder.path()).unwrap();
    assert_eq!(history.map(Result::unwrap).count(), 1);
    assert_eq!(charged(&bench.gateway, "2").await, ("2", 503, false));
    assert_eq!(bench.lines(), ["1"]);
}

#[tokio::test]
async fn whole_lines_of_a_group_that_was_cut_off_happened_and_the_others_did_not() {
    let mut bench = Bench::writing_the_first().await;
    for key in ["2", "3", "4"] {
        bench.charge(key);
    }
    bench.waiting(3).await;
    bench.say(Ok(()));
    bench.say(Ok(()));
    bench.answers().await;
    bench.close().await;
    let path = ledger_path(bench.folder.path());
    let lines = fs::read_to_string(&path).unwrap();
    let third = lines.match_indices('\n').nth(1).unwrap().0 + 1;
    fs::write(&path, &lines[..third + 9]).unwrap();

    let gateway = Gateway::open(bench.folder.path()).unwrap();
    assert_eq!(bench.lines(), ["1", "2"]);
    assert_eq!(charged(&gateway, "2").await, ("2", 200, true));
    for key in ["3", "4"] {
        assert_eq!(charged(&gateway, key).await, (key, 200, false));
    }
    assert_eq!(bench.lines(), ["1", "2", "3", "4"]);
}

#[tokio::test]
async fn a_decision_that_panics_leaves_nobody_waiting() {
    let mut bench = Bench::writing_the_first().await;
    let (go, gone) = mpsc::channel();
    let (begin, begun) = mpsc::channel();
    bench.ask("2", move |_| {
        begin.send(()).unwrap();
        gone.recv_timeout(WITHIN).unwrap();
        panic!("as it was told");
    });
    bench.waiting(1).await;
    bench.say(Ok(()));
    assert_eq!(bench.first_answer().await, ("1", 200, false));
    begun.recv_timeout(WITHIN).unwrap();
    // Behind the one that panics. Without a key nobody looks into the book, which is lost.
    let writing = Arc::clone(&bench.writing);
    bench.requests.spawn(async move {
        let outcome = writing.once(None, Box::new(|_| Ok(charge("3", "3", 100)))).await;
        ("3", outcome.unwrap_err().into_response().status().as_u16(), false)
    });
    bench.waiting(1).await;
    go.send(()).unwrap();
    assert_eq!(bench.answers().await, [("2", 500, false), ("3", 500, false)]);
    let later = bench.writing.once(None, Box::new(|_| Ok(charge("4", "4", 100))));
    timeout(WITHIN, later).await.unwrap().unwrap_err();
    assert_eq!(bench.lines(), ["1"]);
}
