//! What was committed last: one record a commit, appended and synced, until its rows are in the tree.
//!
//! There are two files. One grows until the store has its rows carried into the tree, and goes on in the other meanwhile;
//! each is written over from its beginning when its turn comes again. So after a while no commit makes a file longer, and
//! its sync is one write.
//!
//! Invariant: the records of a use of a file have numbers that ascend by one from its beginning, and each is synced before
//! the next is written. What an earlier use left behind them has lower numbers.

use std::{fs::File, io, os::unix::fs::FileExt, path::Path};

use super::record;
use crate::{crash, store::Batch};

/// The names of its files.
pub(super) const FILES: [&str; 2] = ["journal.0", "journal.1"];

/// By how much a file is made longer at once.
const GROWS_BY: u64 = 256 * 1024;

/// The journal of one store.
pub(super) struct Journal {
    files: [File; 2],
    /// How long the files are.
    lengths: [u64; 2],
    /// Which one is written to, and up to where it is.
    current: usize,
    end: u64,
    /// The record that is being written: its room is used again.
    record: Vec<u8>,
}

/// What one file holds that is not in the tree.
#[derive(Default)]
pub(super) struct Segment {
    file: usize,
    /// The first and the last commit.
    pub first: u64,
    pub last: u64,
    /// Where the last commit begins, and up to where the file is written.
    last_at: usize,
    end: u64,
    pub rows: Batch,
}

impl Journal {
    /// Opens the journal in `path`, or makes it, and reads the commits behind `whole`, ascending. It goes on behind the
    /// last one.
    pub fn open(path: &Path, whole: u64) -> io::Result<(Journal, Vec<Segment>)> {
        let open = |name| File::options().create(true).truncate(false).read(true).write(true).open(path.join(name));
        let files = [open(FILES[0])?, open(FILES[1])?];
        let lengths = [files[0].metadata()?.len(), files[1].metadata()?.len()];
        let mut segments = Vec::new();
        for (at, file) in files.iter().enumerate() {
            let mut bytes = vec![0; usize::try_from(lengths[at]).map_err(io::Error::other)?];
            file.read_exact_at(&mut bytes, 0)?;
            let Some(segment) = read(at, &bytes, whole)? else { continue };
            // A sync that failed leaves what it did not write in the kernel's memory, as if it were written: the last
            // commit is written anew, so that the sync that follows is one.
            file.write_all_at(&bytes[segment.last_at..segment.end as usize], segment.last_at as u64)?;
            segments.push(segment);
        }
        segments.sort_by_key(|it| it.first);
        let (current, end) = segments.last().map_or((0, 0), |it| (it.file, it.end));
        Ok((Journal { files, lengths, current, end, record: Vec::new() }, segments))
    }

    /// Writes a commit behind all others; it is on the disk when this returns.
    pub fn append(&mut self, commit: u64, rows: &Batch) -> io::Result<()> {
        self.record.clear();
        record::encode(commit, rows, &mut self.record);
        let (file, length) = (&self.files[self.current], &mut self.lengths[self.current]);
        let end = self.end + self.record.len() as u64;
        if end > *length {
            // Written, so that no later sync has to note that something new belongs to the file.
            let longer = end.next_multiple_of(GROWS_BY);
            file.write_all_at(&vec![0; (longer - *length) as usize], *length)?;
            *length = longer;
        }
        file.write_all_at(&self.record, self.end)?;
        crash::point("commit/written");
        file.sync_data()?;
        crash::point("commit/synced");
        self.end = end;
        Ok(())
    }

    /// Goes on at the beginning of the other file: what is in it is in the tree. A file longer than `most` is cut off
    /// there: it would be read as a whole by every open.
    pub fn turn(&mut self, most: u64) -> io::Result<()> {
        (self.current, self.end) = (1 - self.current, 0);
        self.record = Vec::new();
        let (file, length) = (&self.files[self.current], &mut self.lengths[self.current]);
        if *length > most.max(GROWS_BY) {
            *length = most.max(GROWS_BY);
            file.set_len(*length)?;
        }
        Ok(())
    }
}

/// What the bytes of a file hold behind the commit `whole`; none where all of it is in the tree.
fn read(file: usize, bytes: &[u8], whole: u64) -> io::Result<Option<Segment>> {
    let mut segment = Segment { file, ..Segment::default() };
    while let Some(record) = record::decode(&bytes[segment.end as usize..])
        && (segment.end == 0 || record.commit == segment.last + 1)
    {
        segment.last_at = segment.end as usize;
        segment.end += record.length as u64;
        segment.last = record.commit;
        if record.commit > whole {
            segment.first = if segment.first == 0 { record.commit } else { segment.first };
            let rows = record::rows(record.body).ok_or(io::ErrorKind::InvalidData)?;
            segment.rows.extend(rows);
        }
    }
    // A commit is written when the one before it is on the disk. So where one more follows, this is not the end.
    let rest = &bytes[segment.end as usize..];
    let follows = |length| record::decode(rest.get(length..)?).filter(|it| it.commit == segment.last + 2);
    match record::length(rest).and_then(follows) {
        Some(_) => Err(io::ErrorKind::InvalidData.into()),
        None => Ok((segment.first > 0).then_some(segment)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Batch {
        Batch::from([(text.as_bytes().to_vec(), Some(vec![b'x'; 1000]))])
    }

    /// The first and the last commit in each file, and how many rows they have.
    fn found(path: &Path, whole: u64) -> Vec<(u64, u64, usize)> {
        let (_, segments) = Journal::open(path, whole).unwrap();
        segments.iter().map(|it| (it.first, it.last, it.rows.len())).collect()
    }

    #[test]
    fn commits_are_read_back_in_their_order_and_what_is_in_the_tree_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let (mut journal, _) = Journal::open(folder.path(), 0).unwrap();
        for commit in 1..=9 {
            if [4, 7].contains(&commit) {
                journal.turn(u64::MAX).unwrap();
            }
            journal.append(commit, &rows(&commit.to_string())).unwrap();
        }
        assert_eq!(found(folder.path(), 3), [(4, 6, 3), (7, 9, 3)]);
        assert_eq!(found(folder.path(), 6), [(7, 9, 3)]);
        assert_eq!(found(folder.path(), 7), [(8, 9, 2)]);
        assert_eq!(found(folder.path(), 9), []);
    }

    #[test]
    fn what_an_earlier_use_of_a_file_left_is_no_commit() {
        let folder = tempfile::tempdir().unwrap();
        let (mut journal, _) = Journal::open(folder.path(), 0).unwrap();
        for commit in 1..=600 {
            journal.append(commit, &rows("first")).unwrap();
        }
        journal.turn(u64::MAX).unwrap();
        journal.append(601, &rows("other")).unwrap();
        journal.turn(u64::MAX).unwrap();
        journal.append(602, &rows("second")).unwrap();
        assert_eq!(found(folder.path(), 600), [(601, 601, 1), (602, 602, 1)]);
    }

    #[test]
    fn a_commit_that_does_not_read_is_no_end_where_one_more_follows() {
        let folder = tempfile::tempdir().unwrap();
        let (mut journal, _) = Journal::open(folder.path(), 0).unwrap();
        for commit in 1..=3 {
            journal.append(commit, &rows(&commit.to_string())).unwrap();
        }
        journal.files[0].write_all_at(b"damage", journal.end * 2 / 3 - 500).unwrap();
        assert_eq!(Journal::open(folder.path(), 0).err().unwrap().kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn a_file_that_had_grown_too_long_is_cut_off_when_its_turn_comes() {
        let folder = tempfile::tempdir().unwrap();
        let (mut journal, _) = Journal::open(folder.path(), 0).unwrap();
        for commit in 1..=600 {
            journal.append(commit, &rows("long")).unwrap();
        }
        journal.turn(1000).unwrap();
        journal.append(601, &rows("other")).unwrap();
        journal.turn(1000).unwrap();
        assert_eq!(journal.files[0].metadata().unwrap().len(), GROWS_BY);
        journal.append(602, &rows("second")).unwrap();
        assert_eq!(found(folder.path(), 600), [(601, 601, 1), (602, 602, 1)]);
    }

    #[test]
    fn a_write_that_was_cut_off_is_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let (mut journal, _) = Journal::open(folder.path(), 0).unwrap();
        for commit in 1..=3 {
            journal.append(commit, &rows(&commit.to_string())).unwrap();
        }
        journal.files[0].write_all_at(b"cut off", journal.end - 500).unwrap();
        let (mut journal, segments) = Journal::open(folder.path(), 0).unwrap();
        assert_eq!((segments[0].first, segments[0].last), (1, 2));
        journal.append(3, &rows("again")).unwrap();
        assert_eq!(found(folder.path(), 0), [(1, 3, 3)]);
    }
}
