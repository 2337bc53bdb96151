//! What the tree holds as one figure, written with everything that is carried there and compared when the store is opened.
//!
//! sled checks each message of its log by itself. One that is damaged in the middle of the log is skipped, and what came
//! before and after it is put together: rows of different moments, and no error. The sum over all pairs shows that.

use super::{print::print, tree::Tree};
use crate::{Error, store::Batch};

/// The row that no service sees.
pub(super) const ROW: &[u8] = b"\0contents";

/// The sum and two numbers. A version without a journal wrote one number.
const ROW_BYTES: usize = 16 + 8 + 8;

/// Everything in the tree, as a figure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Contents {
    /// Over all pairs, in whatever order.
    sum: u128,
    /// All of the commits up to this one is in the tree.
    pub whole: u64,
    /// Some of the commits up to this one may be: the rest is still in the journal.
    pub begun: u64,
}

impl Contents {
    /// Reads all that `tree` holds, and compares it with what was carried there. A new tree, or one of an older
    /// version, which does not open it from then on, gets its row.
    pub fn check(tree: &Tree, made_before: bool) -> Result<Contents, Error> {
        let (mut sum, mut row) = (0_u128, None);
        for pair in tree.all() {
            let (key, value) = pair?;
            match &*key == ROW {
                true => row = Some(value),
                false => sum = sum.wrapping_add(print(&key, &value)),
            }
        }
        let is_new = row.as_ref().is_some_and(|row| row.len() == ROW_BYTES);
        let contents = match row {
            Some(row) => Contents::from_row(&row).ok_or_else(|| tree.damaged("its sum cannot be read"))?,
            None if !made_before => Contents { sum, ..Contents::default() },
            None => Contents::default(),
        };
        if contents.sum != sum {
            return Err(tree.damaged("what is in it is not what was committed"));
        }
        if !is_new {
            tree.write([(ROW.to_vec(), Some(contents.to_row()))].into())?;
        }
        Ok(contents)
    }

    /// What `tree` will hold after `rows`, of which those that change nothing are left out.
    pub fn after<'r>(
        self,
        tree: &Tree,
        rows: impl Iterator<Item = (&'r Vec<u8>, &'r Option<Vec<u8>>)>,
    ) -> Result<(Contents, Batch), Error> {
        let (mut sum, mut changes) = (self.sum, Batch::new());
        for (key, value) in rows {
            let before = tree.get(key)?;
            if before.as_deref() == value.as_deref() {
                continue;
            }
            sum = before.map_or(sum, |before| sum.wrapping_sub(print(key, &before)));
            sum = value.as_ref().map_or(sum, |value| sum.wrapping_add(print(key, value)));
            changes.insert(key.clone(), value.clone());
        }
        Ok((Contents { sum, ..self }, changes))
    }

    pub fn to_row(self) -> Vec<u8> {
        [self.sum.to_be_bytes().as_slice(), &self.whole.to_be_bytes(), &self.begun.to_be_bytes()].concat()
    }

    fn from_row(row: &[u8]) -> Option<Contents> {
        let (sum, numbers) = row.split_first_chunk()?;
        let (whole, begun) = numbers.split_first_chunk()?;
        let whole = u64::from_be_bytes(*whole);
        // A version without a journal wrote every commit whole.
        let begun = if begun.is_empty() { whole } else { u64::from_be_bytes(begun.try_into().ok()?) };
        Some(Contents { sum: u128::from_be_bytes(*sum), whole, begun })
    }
}
