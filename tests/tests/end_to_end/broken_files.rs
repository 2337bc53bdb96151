//! The files of a store, cut off or changed at any place: it opens with all that was committed, or it is reported as damaged.
//! It never opens with anything else.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use chassis::{Batch, DiskStore, Error, Store};
use fastrand::Rng;
use tempfile::TempDir;
use tests::proof::{Proof, times};

use crate::lost_stores::copy_folder;

/// The same stores and the same damage every time.
const SEED: u64 = 0x666c_6970;

const COMMITS: usize = 300;

/// Some ten commits: most rows are in sled's files in the end, and some in the journal only.
const JOURNAL: u64 = 64 * 1024;

type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

/// A store that was written to, closed and opened again, with what was in it after each commit.
struct Written {
    folder: TempDir,
    states: Vec<Rows>,
}

impl Written {
    /// Rows that come, change and go, as those of a service do.
    fn by(rng: &mut Rng) -> Written {
        let folder = tempfile::tempdir().unwrap();
        let (mut rows, mut states) = (Rows::new(), vec![Rows::new()]);
        let mut store = None;
        for number in 0..COMMITS {
            // sled writes a snapshot when it is opened, and reads only what comes after it as a log.
            if number == COMMITS / 3 {
                store = None;
            }
            let open = || DiskStore::open(&folder.path().join("store")).unwrap().carrying_after(JOURNAL);
            let store = store.get_or_insert_with(open);
            let batch: Batch = (0..rng.usize(1..20)).map(|_| change(rng)).collect();
            for (key, value) in &batch {
                match value {
                    Some(value) => drop(rows.insert(key.clone(), value.clone())),
                    None => drop(rows.remove(key)),
                }
            }
            store.commit(batch).unwrap();
            states.push(rows.clone());
        }
        Written { folder, states }
    }

    fn copy(&self) -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store");
        copy_folder(&self.folder.path().join("store"), &path);
        (folder, path)
    }
}

fn change(rng: &mut Rng) -> (Vec<u8>, Option<Vec<u8>>) {
    let key = format!("{}/{:05}", ["i", "o", "r/orders"][rng.usize(..3)], rng.u32(..3000));
    let value = (rng.u8(..5) > 0).then(|| (0..rng.usize(1..1500)).map(|_| rng.u8(b'a'..=b'z')).collect());
    (key.into_bytes(), value)
}

/// Opens the store, reads all of it, and compares that with what was committed last; how the damage shows, where it is
/// reported. A large store is compared when it is read: so is every second one.
#[track_caller]
fn check(written: &Written, path: &Path, what: &str, later: bool) -> &'static str {
    let open = if later { DiskStore::open_comparing_later } else { DiskStore::open };
    let read = || open(path)?.scan(b"").collect::<Result<Rows, _>>();
    let rows = match read() {
        Ok(rows) => rows,
        Err(Error::StoreDamaged { why, .. }) => return reported_by(&why),
        Err(error) => panic!("{what}: {error}"),
    };
    let held = written.states.iter().rposition(|state| *state == rows);
    assert_eq!(held, Some(COMMITS), "{what}: it opens with what it held after that commit, if ever");
    "complete"
}

fn reported_by(why: &str) -> &'static str {
    match why {
        _ if why.contains("not what was committed") => "damaged, by its sum",
        _ if why.contains("journal") => "damaged, by its journal",
        _ if why.contains("commits") => "damaged, by the number of its commits",
        _ if why.contains("ended with") => "damaged, by a panic of sled's",
        _ => "damaged, by sled",
    }
}

/// The files that hold data, each with its length.
fn files(path: &Path) -> Vec<(PathBuf, u64)> {
    let mut files: Vec<_> = fs::read_dir(path)
        .unwrap()
        .map(Result::unwrap)
        .filter(|entry| entry.file_type().unwrap().is_file() && entry.file_name() != "lock")
        .map(|entry| (entry.path(), entry.metadata().unwrap().len()))
        .collect();
    files.sort();
    files
}

/// One file and one place in it; most often in the large one, where the rows are.
fn somewhere(path: &Path, rng: &mut Rng) -> (PathBuf, u64) {
    let mut files = files(path);
    files.sort_by_key(|(_, length)| *length);
    let at = if rng.u8(..4) > 0 { files.len() - 1 } else { rng.usize(..files.len()) };
    let (file, length) = files.swap_remove(at);
    let place = rng.u64(..length);
    (file, place)
}

fn flip(path: &Path, rng: &mut Rng) -> String {
    let (file, place) = somewhere(path, rng);
    let mut bytes = fs::read(&file).unwrap();
    let bit = rng.u8(..8);
    bytes[place as usize] ^= 1 << bit;
    fs::write(&file, bytes).unwrap();
    format!("bit {bit} of byte {place} of {}", file.display())
}

fn truncate(path: &Path, rng: &mut Rng) -> String {
    let (file, place) = somewhere(path, rng);
    fs::File::options().write(true).open(&file).unwrap().set_len(place).unwrap();
    format!("{} cut off at {place}", file.display())
}

fn zero(path: &Path, rng: &mut Rng) -> String {
    let (file, place) = somewhere(path, rng);
    let mut bytes = fs::read(&file).unwrap();
    let end = bytes.len().min(place as usize + 4096);
    bytes[place as usize..end].fill(0);
    fs::write(&file, bytes).unwrap();
    format!("zeros from {place} to {end} of {}", file.display())
}

fn remove(path: &Path, rng: &mut Rng) -> String {
    let (file, _) = somewhere(path, rng);
    fs::remove_file(&file).unwrap();
    format!("{} removed", file.display())
}

#[test]
fn a_store_with_broken_files_opens_as_it_once_was_or_is_reported_as_damaged() {
    type Break = fn(&Path, &mut Rng) -> String;
    let breaks: [(&str, Break, u64); 4] = [
        ("a bit flipped", flip, times(80, 4000)),
        ("a file cut off", truncate, times(40, 2000)),
        ("a block of zeros", zero, times(40, 2000)),
        ("a file removed", remove, times(10, 200)),
    ];
    let mut rng = Rng::with_seed(SEED);
    let written = Written::by(&mut rng);
    for (fault, break_it, tried) in breaks {
        let mut counts = BTreeMap::new();
        for number in 0..tried {
            let (_folder, path) = written.copy();
            let what = break_it(&path, &mut rng);
            *counts.entry(check(&written, &path, &what, number % 2 == 1)).or_insert(0) += 1;
        }
        println!("{fault}: {counts:?}");
        assert!(counts.keys().any(|it| it.starts_with("damaged")), "{fault} was never seen: {counts:?}");
        Proof {
            part: "stores".to_owned(),
            fault: format!("{fault} in a store's files"),
            tried,
            figures: counts.into_iter().map(|(came_of_it, count)| (came_of_it.to_owned(), count)).collect(),
            repeat: "just prove stores".to_owned(),
            ..Proof::default()
        }
        .record();
    }
}
