//! What counts as damage: the files say something that was never written. A full disk, missing rights, another process
//! or a newer version are none, and never move a store.

use std::{
    fs,
    io::{self, ErrorKind, Write},
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use super::files;
use crate::Error;

/// The file that says why the store cannot be used, where that was found out while it was in use.
const MARK: &str = "damaged";

/// Does something with sled, which panics where it meets what it did not expect.
pub(super) fn guarded<T>(path: &Path, action: impl FnOnce() -> Result<T, sled::Error>) -> Result<T, Error> {
    let damaged = |why: String| Error::StoreDamaged { path: path.to_owned(), why };
    match catch_unwind(AssertUnwindSafe(action)) {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) if is_damage(&error) => Err(damaged(one_line(&error.to_string()))),
        Ok(Err(sled::Error::Io(error))) if error.kind() != ErrorKind::Other => Err(files(path, error)),
        Ok(Err(source)) => Err(Error::Store { path: path.to_owned(), source }),
        // A disk that takes nothing may be behind it, too.
        Err(panic) => {
            takes_a_file(path).map_err(|source| files(path, source))?;
            Err(damaged(format!("reading it ended with: {}", one_line(words(&*panic)))))
        }
    }
}

fn is_damage(error: &sled::Error) -> bool {
    match error {
        sled::Error::Corruption { .. } | sled::Error::ReportableBug(_) | sled::Error::CollectionNotFound(_) => true,
        sled::Error::Io(error) => matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::InvalidData),
        _ => false,
    }
}

/// Whether the folder takes a file, synced: what has no room is not damaged.
fn takes_a_file(path: &Path) -> io::Result<()> {
    let probe = path.join("probe");
    let mut file = fs::File::create(&probe)?;
    file.write_all(&[0xA5; 64 * 1024])?;
    file.sync_all()?;
    fs::remove_file(probe)
}

/// Leaves word for the next start, where `error` is damage.
pub(super) fn mark(path: &Path, error: &Error) {
    if let Error::StoreDamaged { why, .. } = error {
        let marked = fs::File::create(path.join(MARK)).and_then(|mut file| {
            file.write_all(why.as_bytes())?;
            file.sync_all()
        });
        if let Err(error) = marked {
            tracing::error!("the damaged store {} could not be marked: move it away by hand: {error}", path.display());
        }
    }
}

/// A store that was found damaged while it was in use is not opened again.
pub(super) fn refuse_what_is_marked(path: &Path) -> Result<(), Error> {
    match fs::read(path.join(MARK)) {
        Ok(why) => Err(Error::StoreDamaged { path: path.to_owned(), why: String::from_utf8_lossy(&why).into_owned() }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(source) => Err(files(path, source)),
    }
}

fn words(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic")
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(200).collect()
}
