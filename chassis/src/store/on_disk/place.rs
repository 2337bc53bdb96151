//! Whether an open store still stands where it was opened: files that were removed or replaced take every write, and
//! nobody finds it again.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use crate::Error;

/// A store's folder, with the file in it that was opened.
pub(super) struct Place {
    path: PathBuf,
    device: u64,
    file: u64,
}

impl Place {
    /// The store in `path` as it stands there now.
    pub fn of(path: &Path) -> io::Result<Place> {
        let found = fs::metadata(path.join("db"))?;
        Ok(Place { path: path.to_owned(), device: found.dev(), file: found.ino() })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Fails where something else stands there, or nothing.
    pub fn check(&self) -> Result<(), Error> {
        match fs::metadata(self.path.join("db")) {
            Ok(found) if (found.dev(), found.ino()) == (self.device, self.file) => Ok(()),
            _ => Err(Error::StoreGone { path: self.path.clone() }),
        }
    }
}
