//! The files of a folder: the newest is appended to, and one that is full is followed by the next.
//!
//! Invariants, also after a kill or a power cut in the middle of an append:
//!
//! - **A mail is whole or not there.** What was not written to its end is cut off before anything is appended
//!   (`newest.rs`), and an append that failed is cut back.
//! - **A mail is there once.** The keys of the newest two files are known, and a mail that is there is not appended again.
//!   These are thousands of mails. Those that a crash may let the service perform again are the few that it
//!   performs at the same time, all among the last.
//!
//! Nobody else appends here: the service's store, which stands beside the folder, admits one process.

#[cfg(test)]
mod tests;

use std::{
    collections::HashSet,
    fs::File,
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    time::Instant,
};

use super::{entry::Entry, newest::Newest};

/// How long a file is when it is full.
const FULL: u64 = 16 << 20;

/// Makes durable what a file holds.
type Syncing = Box<dyn Fn(&File) -> io::Result<()> + Send>;

/// The files of a folder.
pub struct Files {
    folder: PathBuf,
    /// None until the first mail.
    newest: Option<Newest>,
    /// How long a file is when it is full.
    full: u64,
    /// Called once for each append, and for each file that is opened.
    pub sync: Syncing,
    /// When mails were appended last.
    pub appended: Option<Instant>,
}

impl Files {
    /// The files in `folder`, which is made with the first mail.
    pub fn at(folder: &Path) -> Files {
        Files { folder: folder.to_owned(), newest: None, full: FULL, sync: Box::new(File::sync_data), appended: None }
    }

    /// Appends the mails that are not there yet, with one write and one sync: all of them, or none where it fails.
    pub fn append<'e>(&mut self, entries: impl Iterator<Item = &'e Entry>) -> io::Result<()> {
        let mut newest = self.ready()?;
        let (mut keys, mut bytes) = (HashSet::new(), Vec::new());
        for entry in entries {
            if !newest.holds(&entry.key) && keys.insert(entry.key.clone()) {
                bytes.extend(&entry.bytes);
            }
        }
        if bytes.is_empty() {
            self.newest = Some(newest);
            return Ok(());
        }
        let written = newest.file.write_all_at(&bytes, newest.end).and_then(|()| (self.sync)(&newest.file));
        self.appended = Some(Instant::now());
        if written.is_ok() {
            newest.end += bytes.len() as u64;
            newest.keys.extend(keys);
        }
        // Where an append failed and cannot be cut back either, the file is opened anew before the next mail.
        if written.is_ok() || newest.file.set_len(newest.end).is_ok() {
            self.newest = Some(newest);
        }
        written
    }

    /// The file to append to: the newest, opened anew where it is not as it was left; or the next one, where it is full.
    fn ready(&mut self) -> io::Result<Newest> {
        let newest = match self.newest.take() {
            Some(left) if left.stands() => left,
            _ => Newest::open(&self.folder, &self.sync)?,
        };
        if newest.end < self.full { Ok(newest) } else { newest.next(&self.folder, &self.sync) }
    }
}
