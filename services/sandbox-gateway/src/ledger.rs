//! The ledger on disk: `ledger.jsonl`, one JSON line per thing that really happened.
//!
//! Append-only. Entries are on the disk, not merely in the system's cache, when [`Ledger::append`] returns. One process
//! writes it at a time: the folder's `lock` file is held for as long as the ledger is open.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, BufRead, BufReader, Seek, Write},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{entry::Entry, error::Error};

/// Makes durable what a file holds.
type Syncing = Box<dyn Fn(&File) -> io::Result<()> + Send>;

/// The open ledger. Dropping it lets another process have it.
pub struct Ledger {
    file: File,
    /// Where the last line ends, and the file.
    end: u64,
    failed: bool,
    /// Called once for each append.
    pub sync: Syncing,
    _lock: File,
}

/// What a line says that was read back.
#[derive(Debug)]
pub struct Recorded {
    /// The line's, from 1.
    pub number: usize,
    /// What happened.
    pub entry: Entry,
    /// Where the line ends.
    pub end: u64,
}

/// What a ledger held when it was opened, line by line.
pub struct History {
    lines: BufReader<File>,
    path: PathBuf,
    number: usize,
    end: u64,
}

impl Ledger {
    /// Opens the ledger in `folder`, making both if they are not there, to go on behind what it holds.
    ///
    /// A last line without its line end was being written when the process died, so nobody was told of it: it is cut off.
    /// Lines that were written together with it may be whole. Nobody was told of them either, and they happened: whoever
    /// asks again under their keys is given their answers, and whoever asks under the key that was cut off, a new one.
    ///
    /// # Errors
    /// [`Error::LedgerInUse`], and [`Error::Ledger`] where the file system says no.
    pub fn open(folder: &Path) -> Result<(Self, History), Error> {
        fs::create_dir_all(folder).map_err(failure(folder))?;
        let lock = lock(folder)?;
        let path = ledger_path(folder);
        let file = OpenOptions::new().create(true).read(true).append(true).open(&path).map_err(failure(&path))?;
        // The file's name must be as durable as its lines.
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(failure(folder))?;
        let length = file.metadata().map_err(failure(&path))?.len();
        let end = end_of_lines(&file, length).map_err(failure(&path))?;
        if end < length {
            cut_torn_line(&file, &path, end, length)?;
        }
        // What is answered from here on may come from lines that the last process wrote and did not sync.
        file.sync_all().map_err(failure(&path))?;
        let lines = BufReader::new(File::open(&path).map_err(failure(&path))?);
        let ledger = Self { file, end, failed: false, sync: Box::new(File::sync_data), _lock: lock };
        Ok((ledger, History { lines, path, number: 0, end: 0 }))
    }

    /// Writes a line for each entry, in their order and with one write, and waits until they are on the disk, with one sync.
    /// Gives where each of the lines ends.
    ///
    /// # Errors
    /// After a failure nobody knows what the file holds, so every later append fails too; opening the ledger again finds
    /// out. So it is where somebody else has changed the file, whose lines would not stand where they are looked for.
    pub fn append(&mut self, entries: &[Arc<Entry>]) -> io::Result<Vec<u64>> {
        if self.failed {
            return Err(io::Error::other("an earlier write failed; restart to read the ledger back"));
        }
        let (mut lines, mut ends) = (Vec::new(), Vec::new());
        for entry in entries {
            serde_json::to_writer(&mut lines, &**entry)?;
            lines.push(b'\n');
            ends.push(self.end + lines.len() as u64);
        }
        let outcome = self.write(&lines);
        self.failed = outcome.is_err();
        outcome.map(|()| ends)
    }

    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        self.file.write_all(lines)?;
        self.end += lines.len() as u64;
        if self.file.stream_position()? != self.end {
            return Err(io::Error::other("somebody else has changed the ledger; restart to read it back"));
        }
        (self.sync)(&self.file)
    }
}

impl Iterator for History {
    type Item = Result<Recorded, Error>;

    /// The next line, or [`Error::BadLine`], or [`Error::Ledger`] where the file system says no.
    fn next(&mut self) -> Option<Result<Recorded, Error>> {
        let mut line = Vec::new();
        match self.lines.read_until(b'\n', &mut line) {
            Ok(0) => return None,
            Ok(bytes) => (self.number, self.end) = (self.number + 1, self.end + bytes as u64),
            Err(error) => return Some(Err(failure(&self.path)(error))),
        }
        let Self { path, number, end, .. } = &*self;
        Some(match serde_json::from_slice(&line) {
            Ok(entry) => Ok(Recorded { number: *number, entry, end: *end }),
            Err(error) => Err(Error::BadLine { path: path.clone(), line: *number, reason: error.to_string() }),
        })
    }
}

/// Where the ledger of a data folder is.
pub fn ledger_path(folder: &Path) -> PathBuf {
    folder.join("ledger.jsonl")
}

fn lock(folder: &Path) -> Result<File, Error> {
    let path = folder.join("lock");
    let file = File::create(&path).map_err(failure(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::LedgerInUse(folder.to_owned())),
        Err(TryLockError::Error(source)) => Err(Error::Ledger { path, source }),
    }
}

/// Where the last whole line ends.
fn end_of_lines(file: &File, length: u64) -> io::Result<u64> {
    let (mut end, mut part) = (length, [0; 4096]);
    while end > 0 {
        let begin = end.saturating_sub(part.len() as u64);
        let part = &mut part[..(end - begin) as usize];
        file.read_exact_at(part, begin)?;
        if let Some(at) = part.iter().rposition(|&byte| byte == b'\n') {
            return Ok(begin + at as u64 + 1);
        }
        end = begin;
    }
    Ok(0)
}

fn cut_torn_line(file: &File, path: &Path, end: u64, length: u64) -> Result<(), Error> {
    tracing::warn!(
        ledger = %path.display(),
        bytes = length - end,
        "the last line was never finished; nobody was told of it, and it is cut off"
    );
    file.set_len(end).map_err(failure(path))
}

/// What the file system says of `path`, as an error.
pub fn failure(path: &Path) -> impl Fn(io::Error) -> Error {
    |source| Error::Ledger { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::tests::charge;

    fn entries(history: History) -> Vec<Entry> {
        history.map(|line| line.unwrap().entry).collect()
    }

    #[test]
    fn what_was_appended_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let (mut ledger, history) = Ledger::open(folder.path()).unwrap();
        assert_eq!(entries(history), []);
        let written = ["pi_1", "pi_2", "pi_3"].map(|id| charge(id, id, 100));
        let [first, second, third] = written.clone().map(Arc::new);
        let mut ends = ledger.append(&[first]).unwrap();
        ends.extend(ledger.append(&[second, third]).unwrap());
        drop(ledger);
        let (_, history) = Ledger::open(folder.path()).unwrap();
        let lines: Vec<_> = history.map(Result::unwrap).collect();
        assert_eq!(lines.iter().map(|line| line.end).collect::<Vec<_>>(), ends);
        assert!(lines.iter().map(|line| &line.entry).eq(&written));
    }

    #[test]
    fn a_torn_last_line_is_cut_off_and_writing_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let (mut ledger, _) = Ledger::open(folder.path()).unwrap();
        ledger.append(&[Arc::new(charge("pi_1", "a", 100))]).unwrap();
        drop(ledger);
        let path = ledger_path(folder.path());
        let mut bytes = fs::read(&path).unwrap();
        bytes.extend_from_slice(br#"{"at":"2026-01-01T00:00:00Z","kind":"cha"#);
        bytes.extend([b'.'; 10_000]);
        fs::write(&path, bytes).unwrap();

        let (mut ledger, history) = Ledger::open(folder.path()).unwrap();
        assert_eq!(entries(history), [charge("pi_1", "a", 100)]);
        ledger.append(&[Arc::new(charge("pi_2", "b", 200))]).unwrap();
        drop(ledger);
        let (_, history) = Ledger::open(folder.path()).unwrap();
        assert_eq!(entries(history).len(), 2);
    }

    #[test]
    fn any_other_bad_line_is_refused_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = ledger_path(folder.path());
        let good = serde_json::to_string(&charge("pi_1", "a", 100)).unwrap();
        let content = format!("{good}\nnot a line\n{good}\n");
        fs::write(&path, &content).unwrap();
        let (_, history) = Ledger::open(folder.path()).unwrap();
        let error = history.collect::<Result<Vec<_>, _>>().unwrap_err();
        assert!(matches!(error, Error::BadLine { line: 2, .. }), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), content);
    }

    #[test]
    fn nothing_is_appended_behind_what_somebody_else_wrote() {
        let folder = tempfile::tempdir().unwrap();
        let (mut ledger, _) = Ledger::open(folder.path()).unwrap();
        let entry = [Arc::new(charge("pi_1", "a", 100))];
        ledger.append(&entry).unwrap();
        OpenOptions::new().append(true).open(ledger_path(folder.path())).unwrap().write_all(b"\n").unwrap();
        assert!(ledger.append(&entry).is_err());
        assert!(ledger.append(&entry).is_err());
    }

    #[test]
    fn two_never_share_a_ledger() {
        let folder = tempfile::tempdir().unwrap();
        let first = Ledger::open(folder.path()).unwrap();
        let error = Ledger::open(folder.path()).err().unwrap();
        assert!(matches!(error, Error::LedgerInUse(_)), "{error}");
        drop(first);
        Ledger::open(folder.path()).unwrap();
    }
}
