//! The store of a running service: sled 0.34, synced for real.
//!
//! `flush` alone asks the kernel to start writing and does not wait for the disk; `sync_data` on sled's own file does
//! (see `docs/decisions/sled.md`). So a commit is `apply_batch`, `flush`, `sync_data`, in that order.

use std::{
    fs::{self, DirBuilder, File, TryLockError},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use super::{Batch, Pair, Store};
use crate::Error;

/// A store in a folder that one process holds at a time.
pub struct DiskStore {
    path: PathBuf,
    db: sled::Db,
    file: File,
    /// Held for as long as the store is open; dropped last.
    _lock: File,
}

impl DiskStore {
    /// Opens the store in `path`, or makes it. Fails with [`Error::StoreLocked`] where another process holds it.
    pub fn open(path: &Path) -> Result<DiskStore, Error> {
        let io = |source| Error::StoreFiles { path: path.to_owned(), source };
        // What is in it concerns customers: nobody else on the machine reads it.
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(io)?;
        let lock = File::create(path.join("lock")).map_err(io)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Error::StoreLocked { path: path.to_owned() }),
            Err(TryLockError::Error(source)) => return Err(io(source)),
        }
        remove_half_snapshots(path).map_err(io)?;
        let config = sled::Config::new().path(path).cache_capacity(64 * 1024 * 1024).flush_every_ms(None);
        let db = open_patiently(&config).map_err(|source| Error::Store { path: path.to_owned(), source })?;
        let file = File::options().write(true).open(path.join("db")).map_err(io)?;
        file.sync_data().map_err(io)?;
        // The names of the files are as durable as what is in them.
        File::open(path).and_then(|folder| folder.sync_all()).map_err(io)?;
        Ok(DiskStore { path: path.to_owned(), db, file, _lock: lock })
    }

    fn failed(&self) -> impl Fn(sled::Error) -> Error + '_ {
        |source| Error::Store { path: self.path.clone(), source }
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

/// A kill while sled writes a snapshot leaves a file that makes every later open report corruption.
fn remove_half_snapshots(path: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("snap.") && name.ends_with(".generating") {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

impl Store for DiskStore {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.db.get(key).map_err(self.failed())?.map(|value| value.to_vec()))
    }

    fn scan_from(&self, prefix: &[u8], from: &[u8]) -> Box<dyn Iterator<Item = Result<Pair, Error>> + '_> {
        let prefix = prefix.to_vec();
        let pairs = self.db.range(from..).map(|pair| {
            let (key, value) = pair.map_err(self.failed())?;
            Ok((key.to_vec(), value.to_vec()))
        });
        Box::new(pairs.take_while(move |pair| pair.as_ref().map_or(true, |(key, _)| key.starts_with(&prefix))))
    }

    fn commit(&mut self, batch: Batch) -> Result<(), Error> {
        let mut writes = sled::Batch::default();
        for (key, value) in batch {
            match value {
                Some(value) => writes.insert(key, value),
                None => writes.remove(key),
            }
        }
        self.db.apply_batch(writes).map_err(self.failed())?;
        self.db.flush().map_err(self.failed())?;
        self.file.sync_data().map_err(|source| Error::StoreFiles { path: self.path.clone(), source })
    }
}
