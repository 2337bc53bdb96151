//! sled's tree, synced for real. What is written there is on the disk when [`Tree::write`] returns.
//!
//! `flush` alone asks the kernel to start writing and does not wait for the disk; `sync_data` on sled's own file does
//! (see `docs/decisions/sled.md`). So a write is `apply_batch`, `flush`, `sync_data`, in that order.

use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use sled::IVec;

use super::{
    damage::{self, guarded},
    files,
};
use crate::{Error, crash, store::Batch};

/// The tree of one store. A clone is the same tree.
#[derive(Clone)]
pub(super) struct Tree {
    path: Arc<PathBuf>,
    /// None where it is closed.
    db: Option<sled::Db>,
    file: Arc<File>,
}

impl Tree {
    /// Opens it. What is in it may be damaged: [`super::contents`] compares it.
    pub fn open(path: &Path) -> Result<Tree, Error> {
        let db = Some(guarded(path, || open_patiently(&config(path)))?);
        let file = File::options().write(true).open(path.join("db")).map_err(|source| files(path, source))?;
        Ok(Tree { path: Arc::new(path.to_owned()), db, file: Arc::new(file) })
    }

    /// Closes it for [`Tree::open`] to open it again; nobody else may hold it.
    pub fn close(&mut self) -> Result<&Path, Error> {
        let db = self.db.take();
        self.reading(|| {
            drop(db);
            Ok(())
        })?;
        Ok(&self.path)
    }

    pub fn get(&self, key: &[u8]) -> Result<Option<IVec>, Error> {
        self.reading(|| self.db()?.get(key))
    }

    /// All pairs from the key `from` on, ascending, up to before the key `until` where one is given.
    pub fn range(
        &self,
        from: &[u8],
        until: Option<&[u8]>,
    ) -> impl Iterator<Item = Result<(IVec, IVec), Error>> + use<'_> {
        let mut range = self.db().map(|db| match until {
            Some(until) => db.range(from..until),
            None => db.range(from..),
        });
        let mut next = move || match &mut range {
            Ok(range) => range.next().transpose(),
            Err(error) => Err(error.clone()),
        };
        std::iter::from_fn(move || self.reading(&mut next).transpose())
    }

    /// Writes all of `rows` or nothing. A crash in here leaves what was there before, or all of it.
    pub fn write(&self, rows: Batch) -> Result<(), Error> {
        let mut writes = sled::Batch::default();
        for (key, value) in rows {
            match value {
                Some(value) => writes.insert(key, value),
                None => writes.remove(key),
            }
        }
        self.reading(|| {
            let db = self.db()?;
            db.apply_batch(writes)?;
            crash::point("carry/applied");
            db.flush()?;
            crash::point("carry/flushed");
            Ok(())
        })?;
        self.file.sync_data().map_err(|source| files(&self.path, source))?;
        crash::point("carry/synced");
        Ok(())
    }

    fn db(&self) -> Result<&sled::Db, sled::Error> {
        self.db.as_ref().ok_or_else(|| sled::Error::Unsupported("it is closed".to_owned()))
    }

    /// It has a form that a newer version writes.
    pub fn newer(&self, form: u8) -> Error {
        Error::StoreNewer { path: self.path.to_path_buf(), form }
    }

    pub fn damaged(&self, why: &str) -> Error {
        Error::StoreDamaged { path: self.path.to_path_buf(), why: why.to_owned() }
    }

    /// The same, where it is met in use: the next start moves the store aside.
    pub fn found_damaged(&self, why: &str) -> Error {
        let error = self.damaged(why);
        damage::mark(&self.path, &error);
        error
    }

    /// Does something with sled, where damage that is met is marked: the next start moves the store aside.
    pub fn reading<T>(&self, read: impl FnOnce() -> Result<T, sled::Error>) -> Result<T, Error> {
        guarded(&self.path, read).inspect_err(|error| damage::mark(&self.path, error))
    }
}

fn config(path: &Path) -> sled::Config {
    sled::Config::new().path(path).cache_capacity(16 * 1024 * 1024).flush_every_ms(None)
}

/// Opens the database. A store that was closed in this process a moment ago still holds sled's own lock until its last
/// thread has ended; that no other process holds it is known by ours.
pub(super) fn open_patiently(config: &sled::Config) -> Result<sled::Db, sled::Error> {
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
