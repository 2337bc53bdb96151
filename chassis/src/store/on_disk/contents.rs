//! What a store holds as one figure, written with each commit and compared when the store is opened.
//!
//! sled checks each message of its log by itself. One that is damaged in the middle of the log is skipped, and what came
//! before and after it is put together: rows of different moments, and no error. The sum over all pairs shows that.

use std::{
    fs::{self, File},
    io::Write,
    os::unix::fs::FileExt,
    path::Path,
};

use super::damage::guarded;
use crate::{Error, store::Batch};

/// The row that no service sees: the sum, and how often was committed.
pub(super) const ROW: &[u8] = b"\0contents";

/// The file that says how many commits there were: fewer means that some are gone. It is written after each commit and
/// synced by nobody, so after a power cut it may say fewer than there are, and never more.
pub(super) const COMMITS: &str = "commits";

/// Everything in a store, as a figure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Contents {
    /// Over all pairs, in whatever order.
    sum: u128,
    commits: u64,
}

impl Contents {
    /// Reads all that `db` holds, and compares it with what was committed last, and with how often was committed.
    pub fn check(path: &Path, db: &sled::Db) -> Result<Contents, Error> {
        let damaged = |why: &str| Error::StoreDamaged { path: path.to_owned(), why: why.to_owned() };
        let (found, row) = guarded(path, || read(db))?;
        let before = fs::read_to_string(path.join(COMMITS)).ok();
        let contents = match row {
            Some(row) => Contents::from_row(&row).ok_or_else(|| damaged("its sum cannot be read"))?,
            // Made by a version without a sum.
            None if before.is_none() => found,
            None => Contents::default(),
        };
        if contents.sum != found.sum {
            return Err(damaged("what is in it is not what was committed"));
        }
        let least = before.map_or(Ok(0), |text| text.trim().parse::<u64>());
        if least.map_err(|_| damaged("the number of its commits cannot be read"))? > contents.commits {
            return Err(damaged("commits that were in it are gone"));
        }
        Ok(contents)
    }

    /// What will be in `db` after `batch`.
    pub fn after(self, db: &sled::Db, batch: &Batch) -> Result<Contents, sled::Error> {
        let mut sum = self.sum;
        for (key, value) in batch {
            if let Some(before) = db.get(key)? {
                sum = sum.wrapping_sub(print(key, &before));
            }
            if let Some(value) = value {
                sum = sum.wrapping_add(print(key, value));
            }
        }
        Ok(Contents { sum, commits: self.commits + 1 })
    }

    pub fn to_row(self) -> Vec<u8> {
        [self.sum.to_be_bytes().as_slice(), &self.commits.to_be_bytes()].concat()
    }

    fn from_row(row: &[u8]) -> Option<Contents> {
        let (sum, commits) = row.split_at_checked(16)?;
        Some(Contents {
            sum: u128::from_be_bytes(sum.try_into().ok()?),
            commits: u64::from_be_bytes(commits.try_into().ok()?),
        })
    }

    /// Makes the file that says how many commits there are. A kill leaves the old one or the new one.
    pub fn note_anew(self, path: &Path) -> std::io::Result<File> {
        let new = path.join("commits.new");
        let mut file = File::create(&new)?;
        file.write_all(self.commits_as_text().as_bytes())?;
        file.sync_all()?;
        fs::rename(new, path.join(COMMITS))?;
        Ok(file)
    }

    /// Notes how many commits there are, in the file that [`Contents::note_anew`] made.
    pub fn note(self, file: &File) -> std::io::Result<()> {
        file.write_all_at(self.commits_as_text().as_bytes(), 0)
    }

    /// As long for one as for any other, so that it is written over in place.
    fn commits_as_text(self) -> String {
        format!("{:020}\n", self.commits)
    }
}

/// The sum over all pairs of `db`, and the row that says what it should be.
fn read(db: &sled::Db) -> Result<(Contents, Option<sled::IVec>), sled::Error> {
    let (mut sum, mut row) = (0_u128, None);
    for pair in db.iter() {
        let (key, value) = pair?;
        match &*key == ROW {
            true => row = Some(value),
            false => sum = sum.wrapping_add(print(&key, &value)),
        }
    }
    Ok((Contents { sum, commits: 0 }, row))
}

/// A figure for one pair: sixteen bytes at a time, mixed by multiplication. It has to tell damage, not an attack.
fn print(key: &[u8], value: &[u8]) -> u128 {
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013B;
    const ODD: u128 = 0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835;
    let mix = |figure: u128, word: u128| {
        let mixed = (figure ^ word).wrapping_mul(ODD);
        mixed ^ (mixed >> 64)
    };
    // The lengths tell where the key ends.
    let mut figure = mix(PRIME, (key.len() as u128) << 64 | value.len() as u128);
    for bytes in key.chunks(16).chain(value.chunks(16)) {
        let mut word = [0; 16];
        word[..bytes.len()].copy_from_slice(bytes);
        figure = mix(figure, u128::from_le_bytes(word));
    }
    mix(figure, PRIME)
}
