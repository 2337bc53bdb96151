//! Moving a damaged store aside: beside its place, under a name that nothing has.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::files;
use crate::Error;

/// Moves the store in `path` to `<path>.damaged-<n>`, with the first `n` that is free, and says where it is now. `why`
/// stands in a file in it.
pub(super) fn move_aside(path: &Path, why: &str) -> Result<PathBuf, Error> {
    let io = |source| files(path, source);
    let aside = free_name(path).map_err(io)?;
    fs::rename(path, &aside).map_err(|source| Error::StoreStays {
        path: path.to_owned(),
        why: why.to_owned(),
        source,
    })?;
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(io)?;
    }
    Ok(aside)
}

fn free_name(path: &Path) -> io::Result<PathBuf> {
    let mut number = 1_u32;
    loop {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".damaged-{number}"));
        let aside = PathBuf::from(name);
        match fs::symlink_metadata(&aside) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(aside),
            Err(error) => return Err(error),
            Ok(_) => number += 1,
        }
    }
}
