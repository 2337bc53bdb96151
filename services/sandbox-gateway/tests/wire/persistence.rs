//! The ledger outlives the process.

use std::fs;

use sandbox_gateway::{Error, Sandbox};

use crate::harness::{Bench, answer};

#[tokio::test]
async fn a_restart_keeps_the_ledger_and_the_keys() {
    let bench = Bench::start().await;
    let charged = answer(bench.charge("o-1", "pm_card_visa")).await;
    let declined = answer(bench.charge("o-2", "pm_card_declined")).await;
    let intent = charged.text("id");
    let form = [("payment_intent", &*intent), ("amount", "500")];
    let refunded = answer(bench.post("/v1/refunds", Some("r-1"), &form)).await;
    let ledger = bench.ledger().await;

    let bench = bench.restart().await;
    assert_eq!(bench.ledger().await, ledger);
    let replays = [
        (charged, answer(bench.charge("o-1", "pm_card_visa")).await),
        (declined, answer(bench.charge("o-2", "pm_card_declined")).await),
        (refunded, answer(bench.post("/v1/refunds", Some("r-1"), &form)).await),
    ];
    for (first, second) in replays {
        assert!(second.replayed, "{second:?}");
        assert_eq!((first.status, first.body), (second.status, second.body));
    }
    let conflict = answer(bench.charge("o-1", "pm_card_declined")).await;
    assert_eq!(conflict.error().0, "idempotency_error");
    let rest = [("payment_intent", &*intent)];
    let rest = answer(bench.post("/v1/refunds", Some("r-2"), &rest)).await;
    assert_eq!(rest.json()["amount"], 1499);
    assert_eq!(bench.counts().await, [1, 2, 1]);
}

#[tokio::test]
async fn what_is_answered_is_on_disk_in_one_line() {
    let bench = Bench::start().await;
    let charged = answer(bench.charge("o-1", "pm_card_visa")).await;
    let ledger = fs::read_to_string(bench.folder().join("ledger.jsonl")).unwrap();
    let lines: Vec<serde_json::Value> = ledger.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["id"], charged.text("id"));
    assert_eq!(lines, *bench.ledger().await["charges"].as_array().unwrap());
}

#[tokio::test]
async fn a_lost_ledger_shows_as_the_same_charge_made_again() {
    let bench = Bench::start().await;
    let first = answer(bench.charge("o-1", "pm_card_visa")).await;
    let elsewhere = Bench::start().await;
    let second = answer(elsewhere.charge("o-1", "pm_card_visa")).await;
    assert!(!second.replayed);
    assert_eq!(first.text("id"), second.text("id"));
    assert_eq!(first.text("latest_charge"), second.text("latest_charge"));
}

#[tokio::test]
async fn a_ledger_in_use_and_a_port_in_use_are_refused() {
    let bench = Bench::start().await;
    let free_port = ([127, 0, 0, 1], 0).into();
    let second = Sandbox::bind(free_port, bench.folder()).await;
    assert!(matches!(second, Err(Error::LedgerInUse(_))));
    let folder = tempfile::tempdir().unwrap();
    let second = Sandbox::bind(bench.address().parse().unwrap(), folder.path()).await;
    assert!(matches!(second, Err(Error::PortInUse(_))));
}

#[tokio::test]
async fn a_ledger_that_contradicts_itself_is_refused() {
    let bench = Bench::start().await;
    answer(bench.charge("o-1", "pm_card_visa")).await;
    let folder = tempfile::tempdir().unwrap();
    let line = fs::read(bench.folder().join("ledger.jsonl")).unwrap();
    fs::write(folder.path().join("ledger.jsonl"), line.repeat(2)).unwrap();
    let error = Sandbox::bind(([127, 0, 0, 1], 0).into(), folder.path()).await.err().unwrap();
    assert!(matches!(error, Error::BadLine { line: 2, .. }), "{error}");
}

#[tokio::test]
async fn only_this_machine_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let error = Sandbox::bind(([0, 0, 0, 0], 0).into(), folder.path()).await.err().unwrap();
    assert!(matches!(error, Error::NotLoopback(_)), "{error}");
}
