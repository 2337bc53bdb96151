//! The store of a running service: sled 0.34, synced for real, and checked as a whole when it is opened.
//!
//! `flush` alone asks the kernel to start writing and does not wait for the disk; `sync_data` on sled's own file does
//! (see `docs/decisions/sled.md`). So a commit is `apply_batch`, `flush`, `sync_data`, in that order.
//!
//! Invariant: a store opens with exactly what its last commit left, or it is reported as damaged.

mod aside;
mod conf;
mod contents;
mod damage;
mod place;
#[cfg(test)]
mod tests;

use std::{
    fs::{self, DirBuilder, File},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use self::{contents::Contents, damage::guarded, place::Place};
use super::{Batch, Pair, Store};
use crate::{Error, crash};

/// A store in a folder that one process holds at a time.
pub struct DiskStore {
    place: Place,
    contents: Contents,
    db: sled::Db,
    file: File,
    /// Says how many commits there are.
    commits: File,
    /// Held for as long as the store is open; dropped last.
    _lock: File,
}

impl DiskStore {
    /// Opens the store in `path`, or makes it. Fails with [`Error::StoreLocked`] where another process holds it, and with
    /// [`Error::StoreDamaged`] where what is in it is not what was committed.
    pub fn open(path: &Path) -> Result<DiskStore, Error> {
        let lock = lock(path)?;
        DiskStore::open_locked(path, lock)
    }

    /// The same, but a damaged store is moved aside, and a new one takes its place. Nothing is deleted, and nothing that
    /// was moved aside before is overwritten.
    pub fn open_or_begin_anew(path: &Path) -> Result<DiskStore, Error> {
        // Held until the new one is open: nobody else makes one meanwhile.
        let lock = lock(path)?;
        let held = lock.try_clone().map_err(|source| files(path, source))?;
        match DiskStore::open_locked(path, lock) {
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

    fn open_locked(path: &Path, lock: File) -> Result<DiskStore, Error> {
        let io = |source| files(path, source);
        crash::point("store/locked");
        damage::refuse_what_is_marked(path)?;
        remove_what_a_kill_left(path).map_err(io)?;
        conf::check(path)?;
        let config = sled::Config::new().path(path).cache_capacity(64 * 1024 * 1024).flush_every_ms(None);
        let db = guarded(path, || open_patiently(&config))?;
        crash::point("store/opened");
        let place = Place::of(path).map_err(io)?;
        let file = File::options().write(true).open(path.join("db")).map_err(io)?;
        let contents = Contents::check(path, &db)?;
        let commits = contents.note_anew(path).map_err(io)?;
        // sled syncs neither its configuration nor the names of its files.
        sync_all_files(path).map_err(io)?;
        Ok(DiskStore { place, contents, db, file, commits, _lock: lock })
    }

    fn path(&self) -> &Path {
        self.place.path()
    }

    /// A read, where damage that is met is marked: the next start moves the store aside.
    fn reading<T>(&self, read: impl FnOnce() -> Result<T, sled::Error>) -> Result<T, Error> {
        guarded(self.path(), read).inspect_err(|error| damage::mark(self.path(), error))
    }
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

/// Opens the database. A store that was closed in this process a moment ago still holds sled's own lock until its last
/// thread has ended; that no other process holds it is known by ours.
fn open_patiently(config: &sled::Config) -> Result<sled::Db, sled::Error> {
    let patience = Instant::now() + Duration::from_secs(5);
    loop {
        match config.open() {
            Err(sled::Error::Io(error)) if error.to_string().contains("lock") && Instant::now() < patience => {
                std::thread::sleep(Duration::from_millis(2));
            }
            result => return result,
        }
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
    let begun = |name: &String| name == "db" || name.starts_with("snap.") || name == contents::COMMITS;
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
        Ok(self.reading(|| self.db.get(key))?.map(|value| value.to_vec()))
    }

    fn scan_from(&self, prefix: &[u8], from: &[u8]) -> Box<dyn Iterator<Item = Result<Pair, Error>> + '_> {
        let prefix = prefix.to_vec();
        let mut range = self.db.range(from..);
        let pairs = std::iter::from_fn(move || match self.reading(|| range.next().transpose()) {
            Ok(pair) => pair.map(|(key, value)| Ok((key.to_vec(), value.to_vec()))),
            Err(error) => Some(Err(error)),
        });
        let pairs = pairs.filter(|pair| pair.as_ref().map_or(true, |(key, _)| key != contents::ROW));
        Box::new(pairs.take_while(move |pair| pair.as_ref().map_or(true, |(key, _)| key.starts_with(&prefix))))
    }

    fn commit(&mut self, batch: Batch) -> Result<(), Error> {
        if batch.is_empty() {
            return Ok(());
        }
        self.place.check()?;
        let contents = self.reading(|| self.contents.after(&self.db, &batch))?;
        let mut writes = sled::Batch::default();
        for (key, value) in batch {
            match value {
                Some(value) => writes.insert(key, value),
                None => writes.remove(key),
            }
        }
        writes.insert(contents::ROW, contents.to_row());
        self.reading(|| {
            self.db.apply_batch(writes)?;
            crash::point("commit/applied");
            self.db.flush()?;
            crash::point("commit/flushed");
            Ok(())
        })?;
        self.file.sync_data().map_err(|source| files(self.path(), source))?;
        crash::point("commit/synced");
        // What was written is of no use where nobody will find it.
        self.place.check()?;
        contents.note(&self.commits).map_err(|source| files(self.path(), source))?;
        self.contents = contents;
        Ok(())
    }
}
