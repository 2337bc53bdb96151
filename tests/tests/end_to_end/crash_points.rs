//! Each place in the code at which a crash could matter, and a crash there: in the real programs, on a real disk, under load.
//! The same stack lives through all of them.

use std::{collections::BTreeSet, fs};

use chassis::crash::POINTS;
use fastrand::Rng;
use serde_json::json;
use tests::proof::{Proof, times};

use crate::{
    await_condition::eventually,
    load::Load,
    programs,
    stack::{SERVICES, Stack},
};

const SEED: u64 = 0x6372_6173;

/// At least.
const ORDERS: usize = 100;

/// How a service is brought to a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// It starts.
    Starting,
    /// It works.
    Working,
    /// It is asked to stop.
    Stopping,
    /// It starts without its store, in the middle of its work.
    WithoutItsStore,
    /// It starts with a store whose file is cut off.
    WithADamagedStore,
    /// It forgets everything, to hear it again.
    Rebuilding,
    /// It has something to do, and then nothing any more.
    Idle,
}

/// Those that hear and say.
const SAYING: &[&str] = &["order", "inventory", "payment", "shipping", "notification"];
/// Those that hear what the load leads to.
const HEARING: &[&str] = &["view", "payment", "shipping", "order", "inventory", "notification"];
/// Those whose effects the load needs.
const PERFORMING: &[&str] = &["payment", "shipping"];
/// Those that everything follows from the stream for: what the others answered and had not said would be gone.
const REBUILT: &[&str] = &["payment", "shipping", "notification", "view"];

/// Which services come to a place, and how.
fn ways(point: &str) -> (Way, &'static [&'static str]) {
    match point {
        "store/moved-aside" => (Way::WithADamagedStore, REBUILT),
        "hearing/remembers" => (Way::WithoutItsStore, &["payment", "shipping"]),
        "hearing/catches-up" => (Way::WithoutItsStore, REBUILT),
        "turn/starts-over" => (Way::Rebuilding, &["view"]),
        "turn/tidy" => (Way::Idle, &["customer"]),
        "store/locked" | "store/opened" | "lease/taken" => (Way::Starting, &SERVICES),
        "lease/renewed" => (Way::Working, &SERVICES),
        "lease/returning" | "lease/returned" => (Way::Stopping, &SERVICES),
        _ if point.starts_with("stop/") => (Way::Stopping, &SERVICES),
        _ if point.starts_with("hearing/") && !point.ends_with("/delivered") => (Way::Starting, &SERVICES),
        _ if point.starts_with("command/") => (Way::Working, &["order"]),
        _ if point.starts_with("effect/") => (Way::Working, PERFORMING),
        _ if point.starts_with("relay/") => (Way::Working, SAYING),
        _ => (Way::Working, HEARING),
    }
}

impl Stack {
    /// Leads `service` to `point`, where it ends, and starts it again.
    async fn crash(&mut self, service: &str, way: Way, point: &str) {
        self.kill(service);
        let store = self.folder().join("data").join(service);
        match way {
            Way::WithoutItsStore => fs::remove_dir_all(&store).unwrap(),
            Way::WithADamagedStore => cut_off(&store.join("db")),
            _ => {}
        }
        self.start_to_crash(service, point);
        match way {
            Way::Stopping => {
                self.ready(service).await;
                self.process(service).ask_to_stop();
            }
            // Whether it is answered before the end does not matter.
            Way::Rebuilding => {
                self.ready(service).await;
                self.ask("svc.view.rebuild", json!({})).await.ok();
            }
            Way::Idle => {
                self.ready(service).await;
                let register = async |id: &str| {
                    let customer = json!({"customer_id": id, "name": "Idle", "email": "idle@example.com"});
                    self.get("svc.customer.register", customer).await;
                };
                let heard = async || self.get("svc.customer.waits", json!({})).await["heard"].as_u64();
                // What it passes over when it begins is a commit that takes the broker's word along.
                let before = heard().await;
                register("idle-1").await;
                eventually("it hears what it says", async || (heard().await > before).then_some(())).await;
                register("idle-2").await;
            }
            Way::Starting | Way::Working | Way::WithoutItsStore | Way::WithADamagedStore => {}
        }
        let code = self.process(service).end().await;
        assert_eq!(code, None, "{service} ended by itself on its way to {point}:\n{}", self.own_output(service));
        self.start_service(service);
        self.ready(service).await;
    }
}

/// Leaves the first half of the file.
fn cut_off(file: &std::path::Path) {
    let file = fs::File::options().write(true).open(file).unwrap();
    file.set_len(file.metadata().unwrap().len() / 2).unwrap();
}

/// All places, each with those who are led there; of each some in the short form, and everybody in the long one.
fn all(rng: &mut Rng) -> Vec<(&'static str, Way, &'static str)> {
    let mut crashes = Vec::new();
    for point in POINTS {
        let (way, services) = ways(point);
        let first = rng.usize(..services.len());
        let count = services.len().min(times(1, services.len() as u64) as usize);
        crashes.extend((0..count).map(|at| (*point, way, services[(first + at) % services.len()])));
    }
    crashes
}

#[tokio::test]
async fn a_crash_at_each_place_loses_nothing_and_doubles_nothing() {
    // Built before anything waits for it.
    programs::with_crash_points();
    let mut rng = Rng::with_seed(SEED);
    let crashes = all(&mut rng);
    let mut stack = Stack::stocked().await;
    let load = Load::on(&stack);
    let crashing = async {
        for (point, way, service) in &crashes {
            let nth = if *way == Way::Working { rng.usize(1..4) } else { 1 };
            println!("{service} crashes at {point}, the time it is there: {nth}");
            stack.crash(service, *way, &format!("{point}:{nth}")).await;
        }
    };
    let placed = load.orders_during(ORDERS, crashing).await;
    stack.check_load(&placed).await;
    let places: BTreeSet<_> = crashes.iter().map(|(point, ..)| point).collect();
    assert_eq!(places.len(), POINTS.len(), "a place was left out");
    Proof {
        part: "crash-points".to_owned(),
        fault: "a crash at each named place in the code".to_owned(),
        tried: crashes.len() as u64,
        acknowledged: placed.len() as u64,
        figures: [("places".to_owned(), places.len() as u64)].into(),
        repeat: "just prove crash-points".to_owned(),
        ..Proof::default()
    }
    .record();
}

#[test]
fn what_people_run_has_no_place_to_crash_at() {
    let names = |program: &std::path::Path| {
        let program = fs::read(program).unwrap();
        program.windows(8).any(|bytes| bytes == b"CRASH_AT")
    };
    assert!(!names(&programs::of_the_workspace("murmur")), "a service can be told to crash");
    assert!(names(programs::with_crash_points()), "no service can be told to crash");
}
