//! The direction of imports: events ← chassis ← services ← murmur, tests; and who may touch the broker and the store.

use std::{collections::BTreeMap, process::Command};

use serde_json::Value;

const SERVICES: [&str; 7] = ["order", "inventory", "payment", "shipping", "customer", "notification", "view"];

/// The packages of the workspace with the names of what they depend on.
fn packages() -> BTreeMap<String, Vec<String>> {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    let arguments = ["metadata", "--no-deps", "--format-version", "1", "--offline", "--manifest-path", manifest];
    let output = Command::new(env!("CARGO")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let names =
        |package: &Value| package["dependencies"].as_array().unwrap().iter().map(|it| text(&it["name"])).collect();
    metadata["packages"].as_array().unwrap().iter().map(|it| (text(&it["name"]), names(it))).collect()
}

#[track_caller]
fn check(package: &str, of_ours: &[&str]) {
    let packages = packages();
    let ours = packages[package].iter().filter(|name| packages.contains_key(*name));
    let wrong: Vec<_> = ours.filter(|name| !of_ours.contains(&name.as_str())).collect();
    assert!(wrong.is_empty(), "{package} depends on {wrong:?}, and may depend on {of_ours:?} only");
}

#[test]
fn events_depend_on_nothing_of_ours() {
    check("events", &[]);
}

#[test]
fn the_chassis_depends_on_events_only() {
    check("chassis", &["events"]);
}

#[test]
fn a_service_depends_on_the_chassis_and_on_no_other_service() {
    for service in SERVICES {
        check(service, &["events", "chassis"]);
    }
}

#[test]
fn the_benchmark_knows_the_services_as_processes_only() {
    // The micro-benchmarks give one of them its turns.
    check("bench", &["events", "chassis", "inventory"]);
}

#[test]
fn the_sandbox_gateway_knows_nothing_of_the_system_that_it_witnesses() {
    check("sandbox-gateway", &[]);
}

#[test]
fn only_the_chassis_the_benchmark_and_the_system_tests_touch_the_broker_and_only_the_chassis_the_store() {
    let of = |dependency: &str| -> Vec<_> {
        let depends = |(_, names): &(String, Vec<String>)| names.iter().any(|name| name == dependency);
        packages().into_iter().filter(depends).map(|(package, _)| package).collect()
    };
    // The benchmark is a client of the broker without any service, to see what the broker would let them do.
    assert_eq!(of("async-nats"), ["bench", "chassis", "tests"]);
    assert_eq!(of("sled"), ["chassis"]);
}

#[test]
fn every_package_is_covered_by_these_rules() {
    let mut known = vec!["events", "chassis", "bench", "murmur", "sandbox-gateway", "tests"];
    known.extend(SERVICES);
    known.sort_unstable();
    assert_eq!(packages().into_keys().collect::<Vec<_>>(), known);
}
