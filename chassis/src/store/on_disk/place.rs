//! Whether an open store still stands where it was opened: files that were removed or replaced take every write, and
//! nobody finds it again.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use crate::Error;

/// A store's folder, with the files in it that were opened: each with its device and its number there.
pub(super) struct Place {
    path: PathBuf,
    files: Vec<(PathBuf, (u64, u64))>,
}

impl Place {
    /// The files with these names in `path` as they stand there now.
    pub fn of<'n>(path: &Path, names: impl IntoIterator<Item = &'n str>) -> io::Result<Place> {
        let found = |name: &str| {
            let file = path.join(name);
            let which = which(&file)?;
            Ok((file, which))
        };
        let files = names.into_iter().map(found).collect::<io::Result<_>>()?;
        Ok(Place { path: path.to_owned(), files })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Fails where something else stands there, or nothing.
    pub fn check(&self) -> Result<(), Error> {
        let stands = |(file, known): &(PathBuf, (u64, u64))| which(file).is_ok_and(|found| found == *known);
        match self.files.iter().all(stands) {
            true => Ok(()),
            false => Err(Error::StoreGone { path: self.path.clone() }),
        }
    }
}

fn which(file: &Path) -> io::Result<(u64, u64)> {
    let found = fs::metadata(file)?;
    Ok((found.dev(), found.ino()))
}
