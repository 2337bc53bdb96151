//! Recordings through the real reactions. A file dropped into `tests/fixtures/<service>/` is a script for that service
//! alone; what `murmur record` wrote, dropped into `tests/fixtures/`, goes through all services together. Each is a test.

use std::{
    fs,
    path::{Path, PathBuf},
};

use chassis::Service;

/// The recordings in a folder of the fixtures, in the order of their names.
#[track_caller]
fn recordings(folder: &str) -> Vec<PathBuf> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(folder);
    let files = fs::read_dir(&fixtures).unwrap().map(|entry| entry.unwrap().path());
    let mut recordings: Vec<_> = files.filter(|it| it.extension().is_some_and(|it| it == "jsonl")).collect();
    recordings.sort();
    assert!(!recordings.is_empty(), "{} holds no recordings", fixtures.display());
    recordings
}

/// Compares what came of a recording with the snapshot of its name.
#[track_caller]
fn snapshot(kind: &str, recording: &Path, text: &str) {
    let name = format!("{kind}__{}", recording.file_stem().unwrap().to_string_lossy());
    insta::with_settings!({ prepend_module_to_snapshot => false, snapshot_path => "../../snapshots" }, {
        insta::assert_snapshot!(name, text);
    });
}

#[track_caller]
fn check(folder: &str, service: fn() -> Service) {
    for recording in recordings(folder) {
        let transcript = chassis::replay(service(), &fs::read_to_string(&recording).unwrap()).unwrap();
        snapshot(folder, &recording, &transcript);
    }
}

#[test]
fn all_services_say_together_what_they_said_when_it_was_recorded() {
    let mut differ = Vec::new();
    for recording in recordings("") {
        let report = murmur::replay::replay(&fs::read_to_string(&recording).unwrap()).unwrap();
        if report.differs() {
            differ.push(format!("{}\n{report}", recording.display()));
            continue;
        }
        snapshot("recorded", &recording, &report.to_string());
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

#[test]
fn order_says_what_it_said_when_it_was_recorded() {
    check("order", || order::order(order::Deadline::DEFAULT));
}

#[test]
fn inventory_says_what_it_said_when_it_was_recorded() {
    check("inventory", inventory::inventory);
}

#[test]
fn payment_says_what_it_said_when_it_was_recorded() {
    check("payment", payment::payment);
}

#[test]
fn shipping_says_what_it_said_when_it_was_recorded() {
    check("shipping", shipping::shipping);
}

#[test]
fn customer_says_what_it_said_when_it_was_recorded() {
    check("customer", customer::customer);
}

#[test]
fn notification_says_what_it_said_when_it_was_recorded() {
    check("notification", notification::notification);
}

#[test]
fn view_shows_what_it_showed_when_it_was_recorded() {
    check("view", view::view);
}
