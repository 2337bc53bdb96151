//! The store of a running service: a journal, and behind it sled 0.34, of which all is compared before it is used.
//!
//! A commit is one record in the journal, synced. Its rows stay in memory until the journal is long enough; then they are
//! carried into sled's tree, beside the commits that go on (`docs/decisions/journal.md`).
//!
//! Invariant: what is read is exactly what the last commit left, or the store is reported as damaged: when it is opened, or,
//! where it has many rows, when what is damaged is first read.

mod aside;
mod carrying;
mod conf;
mod contents;
mod count;
mod damage;
mod filter;
mod journal;
mod packing;
mod parts;
mod place;
mod print;
mod record;
#[cfg(test)]
mod tests;
mod tree;

use std::{
    fs::{self, DirBuilder, File},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use self::{
    carrying::Carrying,
    contents::{Contents, Extent},
    count::Count,
    journal::{Journal, Segment},
    place::Place,
    tree::Tree,
};
use super::{
    Batch, Pair, Store,
    merge::{Merge, standing, written},
};
use crate::{Error, crash};

/// A store in a folder that one process holds at a time.
pub struct DiskStore {
    place: Place,
    contents: Contents,
    /// Which commits the tree holds, but for what is being carried there.
    extent: Extent,
    carrying: Option<Carrying>,
    /// How much was carried since the tree was opened, in bytes.
    carried: u64,
    journal: Journal,
    /// What the commits wrote that stand in the file of the journal that is written to.
    recent: Batch,
    /// What these take, and how much it may become before they are carried, in bytes.
    weight: u64,
    limit: u64,
    /// How many commits there are, and the file that says so.
    commits: u64,
    count: Count,
    /// Whether a commit failed: what is on the disk is not known then, and no other one is made.
    failed: bool,
    /// Held for as long as the store is open; dropped last.
    _lock: File,
}

impl DiskStore {
    /// How much stands in the journal, and in memory, before it is carried into the tree, in bytes. More is less work where
    /// rows are written over. While rows are carried it may become up to four times as much.
    pub const JOURNAL: u64 = 16 * 1024 * 1024;

    /// With so many journals carried, or so many bytes, the tree is opened anew in a moment in which nobody waits, for the next
    /// start to be fast; and with four times that whoever waits. What was compared is compared again after that, so it is not
    /// done often.
    const ANEW_AFTER: (u64, u64) = (8, 128 * 1024 * 1024);

    /// A store of so many rows is compared as a whole when it is opened, which takes less than a second.
    const COMPARED_AT_ONCE: u64 = 100_000;

    /// Opens the store in `path`, or makes it. Fails with [`Error::StoreLocked`] where another process holds it, and with
    /// [`Error::StoreDamaged`] where what is in it is not what was committed.
    pub fn open(path: &Path) -> Result<DiskStore, Error> {
        DiskStore::open_locked(path, lock(path)?, DiskStore::COMPARED_AT_ONCE)
    }

    /// The same, but whatever is in it is compared only when it is read, as in a store of very many rows: what reads it fails
    /// with [`Error::StoreDamaged`] then, and the next open does.
    pub fn open_comparing_later(path: &Path) -> Result<DiskStore, Error> {
        DiskStore::open_locked(path, lock(path)?, 0)
    }

    /// The same, but a damaged store is moved aside, and a new one takes its place. Nothing is deleted, and nothing that
    /// was moved aside before is overwritten.
    pub fn open_or_begin_anew(path: &Path) -> Result<DiskStore, Error> {
        // Held until the new one is open: nobody else makes one meanwhile.
        let lock = lock(path)?;
        let held = lock.try_clone().map_err(|source| files(path, source))?;
        match DiskStore::open_locked(path, lock, DiskStore::COMPARED_AT_ONCE) {
            Err(Error::StoreDamaged { why, .. }) => {
                let aside = aside::move_aside(path, &why)?;
                crash::point("store/moved-aside");
                tracing::error!(
                    "the store {} is damaged: {why}. It was moved to {}, and nothing of it is deleted. The service goes \
                     on with a new store, and learns from the stream what it knew; what it had answered and not said \
                     yet is in the old one only",
                    path.display(),
                    aside.display()
                );
                let store = DiskStore::open(path);
                drop(held);
                store
            }
            result => result,
        }
    }

    /// Lets the rows of the journal grow to so many bytes, instead of [`DiskStore::JOURNAL`].
    pub fn carrying_after(self, limit: u64) -> DiskStore {
        DiskStore { limit, ..self }
    }

    fn open_locked(path: &Path, lock: File, compared_at_once: u64) -> Result<DiskStore, Error> {
        let io = |source| files(path, source);
        crash::point("store/locked");
        damage::refuse_what_is_marked(path)?;
        remove_what_a_kill_left(path).map_err(io)?;
        conf::check(path)?;
        let tree = Tree::open(path)?;
        crash::point("store/opened");
        let counted = Count::read(path);
        let (contents, extent) = Contents::open(tree, counted.is_some())?;
        if contents.rows() <= compared_at_once {
            contents.check_all()?;
        }
        let damaged = |why| contents.damaged(why);
        let (journal, segments) = Journal::open(path, extent.whole).map_err(|error| match error.kind() {
            std::io::ErrorKind::InvalidData => damaged("a commit in its journal cannot be read"),
            _ => io(error),
        })?;
        let in_journal = segments.iter().map(|it| (it.first, it.last));
        let commits = last_commit(extent, in_journal).map_err(damaged)?;
        let least = counted.unwrap_or(Ok(0));
        if least.map_err(|_| damaged("the number of its commits cannot be read"))? > commits {
            return Err(damaged("commits that were in it are gone"));
        }
        let place = Place::of(path, ["db"].into_iter().chain(journal::FILES)).map_err(io)?;
        // sled syncs neither its configuration nor the names of its files; and what a kill left unsynced in the journal
        // counts as committed from here on, before it is counted.
        sync_all_files(path).map_err(io)?;
        let count = Count::begin(path, commits).map_err(io)?;
        File::open(path).and_then(|folder| folder.sync_all()).map_err(io)?;
        let mut store = DiskStore {
            place,
            contents,
            extent,
            carrying: None,
            carried: 0,
            journal,
            recent: Batch::new(),
            weight: 0,
            limit: DiskStore::JOURNAL,
            commits,
            count,
            failed: false,
            _lock: lock,
        };
        store.take_up(segments)?;
        Ok(store)
    }

    /// Goes on with what the last process left in the journal: where both of its files hold something, the older one's rows
    /// have to be in the tree before it is written over.
    fn take_up(&mut self, mut segments: Vec<Segment>) -> Result<(), Error> {
        self.recent = segments.pop().map(|it| it.rows).unwrap_or_default();
        self.weight = weight(&self.recent);
        if let Some(Segment { rows, last, .. }) = segments.pop() {
            self.carried = weight(&rows);
            self.carrying = Some(Carrying::begin(&self.contents, self.extent, rows, last)?);
        }
        Ok(())
    }

    /// Has the rows of the journal carried into the tree where there are enough of them. Commits go on meanwhile, up to
    /// twice as many.
    fn make_room(&mut self) -> Result<(), Error> {
        match self.carrying.take() {
            Some(carrying) if !carrying.is_done() && self.weight < 2 * self.limit => self.carrying = Some(carrying),
            Some(carrying) => self.extent = carrying.end()?,
            None => {}
        }
        if self.weight < self.limit || self.carrying.is_some() {
            return Ok(());
        }
        self.journal.turn(4 * self.limit).map_err(|source| files(self.place.path(), source))?;
        self.carried += std::mem::take(&mut self.weight);
        let rows = std::mem::take(&mut self.recent);
        self.carrying = Some(Carrying::begin(&self.contents, self.extent, rows, self.commits)?);
        Ok(())
    }

    /// How much is carried before the tree is opened anew, in bytes.
    fn anew_after(&self) -> u64 {
        let (journals, bytes) = DiskStore::ANEW_AFTER;
        (journals * self.limit).min(bytes)
    }

    /// Nothing is carried meanwhile.
    fn open_anew(&mut self) -> Result<(), Error> {
        self.place.check()?;
        if let Some(extent) = self.contents.open_anew()? {
            if extent != self.extent {
                return Err(self.contents.damaged("it does not hold the commits that were carried there"));
            }
            if self.contents.rows() <= DiskStore::COMPARED_AT_ONCE {
                self.contents.check_all()?;
            }
        }
        self.carried = 0;
        sync_all_files(self.place.path()).map_err(|source| files(self.place.path(), source))
    }

    fn write(&mut self, batch: Batch) -> Result<(), Error> {
        self.make_room()?;
        let commit = self.commits + 1;
        self.journal.append(commit, &batch).map_err(|source| files(self.place.path(), source))?;
        // What was written is of no use where nobody will find it.
        self.place.check()?;
        self.count.note(commit).map_err(|source| files(self.place.path(), source))?;
        self.commits = commit;
        self.weight += weight(&batch);
        self.recent.extend(batch);
        Ok(())
    }
}

/// What rows take in memory, about, in bytes.
fn weight(rows: &Batch) -> u64 {
    const BESIDE_ITS_BYTES: usize = 96;
    rows.iter().map(|(key, value)| (BESIDE_ITS_BYTES + key.len() + value.as_ref().map_or(0, Vec::len)) as u64).sum()
}

/// The last commit of a store whose tree holds those of `extent`, and whose journal holds the rest, from the first to the last
/// in each file; why it is damaged where some are missing.
fn last_commit(extent: Extent, journal: impl Iterator<Item = (u64, u64)>) -> Result<u64, &'static str> {
    let mut last = extent.whole;
    for (first, until) in journal {
        if first != last + 1 {
            return Err("commits are missing in the middle of its journal");
        }
        last = until;
    }
    if last < extent.begun { Err("its journal ends before what is in its tree") } else { Ok(last) }
}

/// Makes the folder where it is missing, and holds it.
fn lock(path: &Path) -> Result<File, Error> {
    let io = |source| files(path, source);
    // What is in it concerns customers: nobody else on the machine reads it.
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(io)?;
    let lock = File::create(path.join("lock")).map_err(io)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(fs::TryLockError::WouldBlock) => Err(Error::StoreLocked { path: path.to_owned() }),
        Err(fs::TryLockError::Error(source)) => Err(io(source)),
    }
}

/// A kill while sled writes a snapshot, or while it makes a store, leaves half a file that makes every later open report
/// corruption.
fn remove_what_a_kill_left(path: &Path) -> std::io::Result<()> {
    let mut names = Vec::new();
    for entry in fs::read_dir(path)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    for name in names.iter().filter(|name| name.starts_with("snap.") && name.ends_with(".generating")) {
        fs::remove_file(path.join(name))?;
    }
    // sled makes its configuration before anything else; where that is all, there was no store yet.
    let begun = |name: &String| name == "db" || name.starts_with("snap.") || name == count::COMMITS;
    if names.iter().any(|name| name == "conf") && !names.iter().any(begun) {
        fs::remove_file(path.join("conf"))?;
    }
    Ok(())
}

fn sync_all_files(path: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            File::open(entry.path())?.sync_data()?;
        }
    }
    File::open(path)?.sync_all()
}

/// The files cannot be used, for a reason that is not in them.
fn files(path: &Path, source: std::io::Error) -> Error {
    let path = PathBuf::from(path);
    match source.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Error::StoreFull { path, source },
        _ => Error::StoreFiles { path, source },
    }
}

impl Store for DiskStore {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let carried = self.carrying.as_ref().map(|it| &*it.rows);
        let in_memory = self.recent.get(key).or_else(|| carried?.get(key));
        match in_memory {
            Some(value) => Ok(value.clone()),
            None => self.contents.get(key),
        }
    }

    fn scan_from(&self, prefix: &[u8], from: &[u8]) -> Box<dyn Iterator<Item = Result<Pair, Error>> + '_> {
        let in_memory = [Some(&self.recent), self.carrying.as_ref().map(|it| &*it.rows)].into_iter().flatten();
        let layers = in_memory.map(|rows| written(rows, from));
        let pairs = Merge::of(layers.chain([standing(self.contents.range(from))]));
        let prefix = prefix.to_vec();
        Box::new(pairs.take_while(move |pair| pair.as_ref().map_or(true, |(key, _)| key.starts_with(&prefix))))
    }

    fn commit(&mut self, batch: Batch) -> Result<(), Error> {
        if batch.is_empty() {
            return Ok(());
        }
        if self.failed {
            return Err(Error::Stopped { why: "a commit failed, and the store is to be opened again".to_owned() });
        }
        let written = self.write(batch);
        self.failed = written.is_err();
        written
    }

    fn would_tidy(&self) -> bool {
        !self.failed && self.carried > self.anew_after()
    }

    fn has_to_tidy(&self) -> bool {
        !self.failed && self.carried > 4 * self.anew_after()
    }

    fn tidy(&mut self) -> Result<(), Error> {
        if !self.would_tidy() {
            return Ok(());
        }
        let carried = self.carrying.take().map_or(Ok(self.extent), Carrying::end);
        let tidied = carried.and_then(|extent| {
            self.extent = extent;
            self.open_anew()
        });
        self.failed = tidied.is_err();
        tidied
    }
}
