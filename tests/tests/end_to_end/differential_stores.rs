//! The store in memory and the one on the disk give the same answers: what a simulation keeps in a map is what a service
//! keeps in sled, closed, opened again and killed in between.

use std::{
    collections::BTreeMap,
    env,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use chassis::{Batch, DiskStore, MAX_ROW_BYTES, MemoryStore, Pair, Store};
use fastrand::Rng;
use tests::proof::{Proof, times};

use crate::await_condition::{DEADLINE, eventually};

/// Where a process that is to be killed finds its store.
const STORE: &str = "STORE_OF_A_PROCESS_TO_BE_KILLED";

/// Keys of some shapes: many that begin alike, an empty one, bytes of all kinds.
fn key(rng: &mut Rng) -> Vec<u8> {
    match rng.u8(0..8) {
        0 => Vec::new(),
        1 => (0..rng.usize(1..4)).map(|_| *rng.choice(&[0, 1, 254, 255]).unwrap()).collect(),
        kind => {
            let prefix = ["o/", "i/", "r/stock/", "r/reservation/", "m/", "r/"][usize::from(kind - 2)];
            format!("{prefix}{}", rng.u8(0..40)).into_bytes()
        }
    }
}

fn batch(rng: &mut Rng) -> Batch {
    (0..rng.usize(0..20))
        .map(|_| {
            let key = key(rng);
            let room = MAX_ROW_BYTES - key.len();
            let size = if rng.u8(0..20) == 0 { room } else { rng.usize(0..400) };
            let value = match rng.u8(0..4) {
                0 => None,
                // Little of it can be packed.
                1 => Some(std::iter::repeat_with(|| rng.u8(..)).take(size).collect()),
                _ => Some(vec![rng.u8(..); size]),
            };
            (key, value)
        })
        .collect()
}

/// Opens a store that was closed a moment ago. A process that another test starts holds what this one held, until it is
/// the program that it is going to be.
fn open(path: &Path) -> DiskStore {
    let began = Instant::now();
    loop {
        match DiskStore::open(path) {
            Err(chassis::Error::StoreLocked { .. }) if began.elapsed() < DEADLINE => std::thread::yield_now(),
            opened => return small(opened.unwrap()),
        }
    }
}

/// A few batches fill the journal: most of what is compared is in the tree, or on its way there.
fn small(store: DiskStore) -> DiskStore {
    store.carrying_after(8 * 1024)
}

fn all(pairs: Box<dyn Iterator<Item = Result<Pair, chassis::Error>> + '_>) -> Vec<Pair> {
    pairs.map(|pair| pair.unwrap()).collect()
}

/// Both say the same of a key, of what begins like it, and of what follows it.
#[track_caller]
fn check(memory: &MemoryStore, disk: &DiskStore, rng: &mut Rng, at: &str) {
    let (prefix, from) = (key(rng), key(rng));
    assert_eq!(memory.get(&prefix).unwrap(), disk.get(&prefix).unwrap(), "{at}: get {prefix:?}");
    assert_eq!(all(memory.scan(&prefix)), all(disk.scan(&prefix)), "{at}: scan {prefix:?}");
    let answers = (all(memory.scan_from(&prefix, &from)), all(disk.scan_from(&prefix, &from)));
    assert_eq!(answers.0, answers.1, "{at}: scan {prefix:?} from {from:?}");
}

#[test]
fn the_store_in_memory_and_the_one_on_the_disk_give_the_same_answers() {
    let seeds = times(6, 300);
    let mut done = BTreeMap::<String, u64>::new();
    for seed in 0..seeds {
        let mut rng = Rng::with_seed(seed);
        let folder = tempfile::tempdir().unwrap();
        let (mut memory, mut disk) = (MemoryStore::default(), small(DiskStore::open(folder.path()).unwrap()));
        for step in 0..100 {
            let kind = match rng.u8(0..20) {
                0 => {
                    drop(disk);
                    disk = open(folder.path());
                    "close and open"
                }
                1..10 => {
                    let batch = batch(&mut rng);
                    memory.commit(batch.clone()).unwrap();
                    disk.commit(batch).unwrap();
                    "commit"
                }
                _ => "get and scan",
            };
            check(&memory, &disk, &mut rng, &format!("seed {seed}, step {step}"));
            *done.entry(kind.to_owned()).or_default() += 1;
        }
        assert_eq!(all(memory.scan(b"")), all(disk.scan(b"")), "seed {seed}");
        let blobs = std::fs::read_dir(folder.path().join("blobs")).map_or(0, Iterator::count);
        assert_eq!(blobs, 0, "sled puts values into files that nobody syncs, with seed {seed}");
    }
    record("the same operations on the store in memory and on sled", done);
}

/// After a kill, exactly the first so many batches are there, and none that was confirmed is missing.
#[tokio::test]
async fn a_store_whose_process_is_killed_holds_all_that_was_committed_and_no_half_of_a_batch() {
    let kills = times(5, 200);
    let mut rng = Rng::with_seed(7);
    let mut batches = 0;
    for kill in 0..kills {
        let folder = tempfile::tempdir().unwrap();
        let mut before = 0;
        for life in 0..3 {
            // It may be opening the store still.
            let patience = Duration::from_millis(rng.u64(1..120));
            batches += killed_after(folder.path(), patience).await;
            // A kill between a commit and its confirmation leaves one that nobody confirms any more.
            let confirmed = confirmed(folder.path()).max(before);
            let store = open(&folder.path().join("store"));
            let held = all(store.scan(b""));
            let there = number(&held);
            let at = format!("kill {kill}, life {life}");
            assert!(there == confirmed || there == confirmed + 1, "{at}: {confirmed} confirmed, {there} there");
            assert_eq!(held, after(there), "{at}: after {there} batches");
            before = there;
        }
    }
    let done = [("kill -9 while committing".to_owned(), kills * 3), ("batches before a kill".to_owned(), batches)];
    record("kill -9 of a process that commits to sled", done.into());
}

/// Batch `number`: what it writes follows from its number, and it writes its number.
fn numbered(number: u64) -> Batch {
    let mut rng = Rng::with_seed(number);
    let mut batch = batch(&mut rng);
    batch.insert(b"number".to_vec(), Some(number.to_be_bytes().to_vec()));
    batch
}

/// What a store holds after so many batches.
fn after(number: u64) -> Vec<Pair> {
    let mut memory = MemoryStore::default();
    for number in 1..=number {
        memory.commit(numbered(number)).unwrap();
    }
    all(memory.scan(b""))
}

fn number(held: &[Pair]) -> u64 {
    let number = held.iter().find(|(key, _)| key == b"number");
    number.map_or(0, |(_, value)| u64::from_be_bytes(value.as_slice().try_into().unwrap()))
}

/// The last batch that the process said was committed.
fn confirmed(folder: &Path) -> u64 {
    let said = std::fs::read_to_string(folder.join("confirmed")).unwrap_or_default();
    // The last line may be cut off.
    said.lines().filter_map(|line| line.strip_suffix('.')?.parse().ok()).next_back().unwrap_or_default()
}

/// Runs a process that commits batch after batch, and kills it. Says how many it committed.
async fn killed_after(folder: &Path, patience: Duration) -> u64 {
    let before = confirmed(folder);
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "differential_stores::a_process_to_be_killed_commits_batches", "--nocapture"]);
    command.env(STORE, folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    eventually("the process has its store", async || folder.join("begun").exists().then_some(())).await;
    std::fs::remove_file(folder.join("begun")).unwrap();
    let began = Instant::now();
    eventually("it worked for a while", async || (began.elapsed() > patience).then_some(())).await;
    child.kill().unwrap();
    child.wait().unwrap();
    confirmed(folder) - before
}

/// The process that the test above kills. Run by itself it has nothing to do.
#[test]
#[expect(clippy::disallowed_methods, reason = "a test has no settings of a service")]
fn a_process_to_be_killed_commits_batches() {
    let Some(folder) = env::var_os(STORE) else { return };
    let folder = Path::new(&folder);
    std::fs::write(folder.join("begun"), b"").unwrap();
    let mut store = small(DiskStore::open(&folder.join("store")).unwrap());
    let mut said = std::fs::File::options().create(true).append(true).open(folder.join("confirmed")).unwrap();
    for next in number(&all(store.scan(b"number"))) + 1.. {
        store.commit(numbered(next)).unwrap();
        std::io::Write::write_all(&mut said, format!("{next}.\n").as_bytes()).unwrap();
    }
}

fn record(fault: &str, done: BTreeMap<String, u64>) {
    let (part, repeat) = ("differential".to_owned(), "just prove differential".to_owned());
    println!("{done:?}");
    let tried = done.values().sum();
    Proof { part, fault: fault.to_owned(), tried, figures: done, repeat, ..Proof::default() }.record();
}
