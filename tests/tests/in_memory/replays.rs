//! Recorded inputs through one service each. A file dropped into `tests/fixtures/<service>/` is a test.

use std::{fs, path::Path};

use chassis::Service;

#[track_caller]
fn check(folder: &str, service: fn() -> Service) {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(folder);
    let mut recordings: Vec<_> = fs::read_dir(&fixtures).unwrap().map(|entry| entry.unwrap().path()).collect();
    recordings.sort();
    assert!(!recordings.is_empty(), "{} holds no recordings", fixtures.display());
    for recording in recordings {
        let transcript = chassis::replay(service(), &fs::read_to_string(&recording).unwrap()).unwrap();
        let name = format!("{folder}__{}", recording.file_stem().unwrap().to_string_lossy());
        insta::with_settings!({ prepend_module_to_snapshot => false, snapshot_path => "../../snapshots" }, {
            insta::assert_snapshot!(name, transcript);
        });
    }
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
