//! The power goes: at any moment, for the services, for the broker, or for all of them at once. What was answered by then
//! is there when the power is back.

use std::{collections::BTreeMap, os::unix::fs::symlink, process::Command};

use fastrand::Rng;
use tests::proof::{Proof, times};

use crate::{
    alone::{Here, alone},
    await_condition::eventually,
    broker::Syncs,
    disk::{Disk, run},
    load::Load,
    process::Process,
    programs,
    stack::{SERVICES, Stack},
    tally::{Order, Tried, skipped},
};

const PART: &str = "power-cuts";

/// The same moments every time, as far as processes have the same moments.
const SEED: u64 = 0x6d75_726d;

/// Whose power goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    Services,
    Broker,
    All,
}

impl Who {
    fn has_services(self) -> bool {
        self != Who::Broker
    }

    fn has_broker(self) -> bool {
        self != Who::Services
    }
}

#[tokio::test]
async fn power_cuts_of_the_services() {
    cut("power_cuts::power_cuts_of_the_services", "power cut of all services", Who::Services).await;
}

#[tokio::test]
async fn power_cuts_of_the_broker() {
    cut("power_cuts::power_cuts_of_the_broker", "power cut of the broker", Who::Broker).await;
}

#[tokio::test]
async fn power_cuts_of_everything() {
    cut("power_cuts::power_cuts_of_everything", "power cut of all services and the broker", Who::All).await;
}

/// The store alone, at its fastest: nothing but commits, one after the other.
#[tokio::test]
async fn power_cuts_of_one_store() {
    let (name, fault) = ("power_cuts::power_cuts_of_one_store", "power cut of one store under commits");
    let cuts = times(5, 100);
    match alone(name).await {
        Here::Inside => {}
        Here::Done => return,
        Here::Impossible(why) => return skipped(PART, fault, cuts, why),
    }
    let folder = tempfile::tempdir().unwrap();
    let mut disk = Disk::new(&folder.path().join("disk"), &["store"]);
    let (store, output) = (disk.root().join("store"), folder.path().join("commits.log"));
    let mut rng = Rng::with_seed(SEED);
    let (mut before, mut lost) = (0, Vec::new());
    for cut in 0..cuts {
        let mut commits = Process::start(Command::new(programs::of_the_workspace("commits")).arg(&store), &output);
        let enough = before + rng.u64(1..400);
        let said = || commits.own_output().lines().filter_map(|line| line.parse().ok()).next_back().unwrap_or(before);
        eventually("commits are made", async || (said() >= enough).then_some(())).await;
        run("/bin/kill", &["-STOP", &commits.id().to_string()]);
        let held = disk.freeze();
        let confirmed = said();
        commits.kill();
        disk.thaw(held);
        let look = Command::new(programs::of_the_workspace("commits")).arg(&store).arg("look").output().unwrap();
        before = String::from_utf8_lossy(&look.stdout).trim().parse().unwrap_or(0);
        // One more than was said may be there: it was on its way to be said.
        if before < confirmed || before > confirmed + 1 {
            let complaint = String::from_utf8_lossy(&look.stderr);
            lost.push(format!("cut {cut}: {confirmed} were confirmed, {before} are there; {complaint}"));
            break;
        }
    }
    let figures = BTreeMap::from([("commits that were confirmed".to_owned(), before)]);
    let (part, repeat) = (PART.to_owned(), format!("just prove {PART}"));
    let lost_ones = lost.len() as u64;
    Proof { part, fault: fault.to_owned(), tried: cuts, lost: lost_ones, figures, repeat, ..Proof::default() }.record();
    eprintln!("{fault}, {cuts} times: {before} commits, {lost:#?}");
    assert_eq!(lost, Vec::<String>::new());
}

/// Cuts the power again and again while orders are on their way.
async fn cut(name: &str, fault: &str, who: Who) {
    let cuts = times(2, 50);
    match alone(name).await {
        Here::Inside => {}
        Here::Done => return,
        Here::Impossible(why) => return skipped(PART, fault, cuts, why),
    }
    let folder = tempfile::tempdir().unwrap();
    let mut disk = Disk::new(&folder.path().join("disk"), &["data", "store"]);
    std::fs::create_dir(folder.path().join("nats")).unwrap();
    if who.has_services() {
        symlink(disk.root().join("data"), folder.path().join("data")).unwrap();
    }
    if who.has_broker() {
        symlink(disk.root().join("store"), folder.path().join("nats/store")).unwrap();
    }
    let mut stack = Stack::stocked_in(folder, Syncs::Always).await;
    let load = Load::on(&stack);
    let mut rng = Rng::with_seed(SEED);
    let cutting = async {
        for _ in 0..cuts {
            // At times while they are still coming back from the cut before.
            let more = rng.usize(..24);
            let ended = stack.ended().await.map_or(0, |ended| ended.len());
            stack.await_ends(ended + more).await;
            stack.lose_power(who, &mut disk).await;
        }
    };
    let placed = load.orders_during(40, cutting).await;
    // What a store lost, its service would learn again from the stream: orders alone do not tell. Of customers nothing is
    // said here, so theirs stays new.
    let outputs = stack.outputs().into_iter().filter(|(service, _)| *service != "customer");
    let new = |(service, said): (&str, String)| said.contains("the store is new").then(|| service.to_owned());
    let lost: Vec<_> = outputs.filter_map(new).collect();
    assert_eq!(lost, Vec::<String>::new(), "these services lost their stores");
    let tried = Tried { part: PART, fault, times: cuts, figures: BTreeMap::new(), order: Order::Kept };
    stack.prove(tried, &placed).await;
}

impl Stack {
    /// All of them stop at one moment, and start again on what the disk held then.
    async fn lose_power(&mut self, who: Who, disk: &mut Disk) {
        let mut processes = Vec::new();
        if who.has_services() {
            processes.extend(SERVICES.map(|service| self.process(service).id().to_string()));
        }
        if who.has_broker() {
            processes.push(self.broker.process().to_string());
        }
        let mut stop = vec!["-STOP"];
        stop.extend(processes.iter().map(String::as_str));
        run("/bin/kill", &stop);
        let held = disk.freeze();
        if who.has_services() {
            self.kill_all();
        }
        if who.has_broker() {
            self.broker.kill();
        }
        disk.thaw(held);
        if who.has_broker() {
            self.broker.start_again().await;
        }
        if who.has_services() {
            self.start_all();
        }
    }
}
