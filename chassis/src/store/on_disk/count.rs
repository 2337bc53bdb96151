//! The file that says how many commits there were: fewer in the store means that some are gone. It is written after each
//! commit and synced by nobody, so after a power cut it may say fewer than there are, and never more.

use std::{
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::FileExt,
    path::Path,
};

/// Its name.
pub(super) const COMMITS: &str = "commits";

/// The file, open.
pub(super) struct Count(File);

impl Count {
    /// What the file in `path` says; none where there is no such file, an error where it says nothing.
    pub fn read(path: &Path) -> Option<Result<u64, std::num::ParseIntError>> {
        let text = fs::read(path.join(COMMITS)).ok()?;
        Some(String::from_utf8_lossy(&text).trim().parse())
    }

    /// Makes the file anew. A kill leaves the old one or the new one.
    pub fn begin(path: &Path, commits: u64) -> io::Result<Count> {
        let new = path.join("commits.new");
        let mut file = File::create(&new)?;
        file.write_all(as_text(commits).as_bytes())?;
        file.sync_all()?;
        fs::rename(new, path.join(COMMITS))?;
        Ok(Count(file))
    }

    /// Notes how many commits there are.
    pub fn note(&self, commits: u64) -> io::Result<()> {
        self.0.write_all_at(as_text(commits).as_bytes(), 0)
    }
}

/// As long for one as for any other, so that it is written over in place.
fn as_text(commits: u64) -> String {
    format!("{commits:020}\n")
}
