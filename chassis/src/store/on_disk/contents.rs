//! The tree, of which nothing is used before it was compared with what was carried there.
//!
//! sled checks each message of its log by itself. One that is damaged in the middle of the log is skipped, and what came
//! before and after it is put together: rows of different moments, and no error. Sums show that: one for each part of the
//! tree ([`Parts`]), written with everything that is carried, and one over these.
//!
//! Invariant: what is read here is what was carried here last, or it is reported as damaged; what is missing, too. A small
//! tree is compared when it is opened, a large one part by part, each when something of it is first read.

use std::{
    borrow::Cow,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering},
    },
};

use sled::IVec;

use super::{
    filter::Filter,
    packing::Packing,
    parts::{self, Cutting, Part, Parts},
    tree::Tree,
};
use crate::{
    Error,
    store::{Batch, Pair},
};

/// The row that says what the tree holds.
const ROW: &[u8] = b"\0contents";

/// What comes behind it and behind the rows with the parts: here the rows of the service begin, see [`stored`].
const FIRST_KEY: &[u8] = b"\0\xff";

/// The form, a sum and two numbers.
const ROW_BYTES: usize = 1 + 16 + 8 + 8;

/// The form of the row: the sum is over the rows with the parts. In a tree of the second one the values are packed.
const FORMS: [(u8, Packing); 2] = [(2, Packing::None), (3, Packing::Lz4)];

const NOT_WHAT_WAS_COMMITTED: &str = "what is in it is not what was committed";

/// Which commits a tree holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Extent {
    /// All of the commits up to this one is in the tree.
    pub whole: u64,
    /// Some of the commits up to this one may be: the rest is still in the journal.
    pub begun: u64,
}

/// A tree with its sums. A clone is the same one. Whoever reads it and the one thread that carries share it.
#[derive(Clone)]
pub(super) struct Contents(Arc<Compared>);

struct Compared {
    tree: Tree,
    parts: Mutex<Parts>,
    /// How many parts were not compared yet.
    left: AtomicUsize,
    /// The keys of the parts that were compared.
    keys: Filter,
    packing: Packing,
}

impl Contents {
    /// Reads what `tree` should hold. A new tree, or one of an older version, which does not open it from then on, is read as
    /// a whole and gets its sums.
    pub fn open(tree: Tree, made_before: bool) -> Result<(Contents, Extent), Error> {
        let (row, keys) = (tree.get(ROW)?, Filter::new());
        let (parts, extent, packing) = match row.as_deref() {
            Some([form, rest @ ..]) if rest.len() + 1 == ROW_BYTES => {
                let known = FORMS.iter().find(|it| it.0 == *form).ok_or_else(|| tree.newer(*form))?;
                let (sum, extent) = Extent::from_row(rest).expect("it has just so many bytes");
                (read_parts(&tree, sum)?, extent, known.1)
            }
            older => take_over(&tree, older, made_before, &keys)?,
        };
        let left = AtomicUsize::new(parts.iter().filter(|part| !part.is_checked).count());
        Ok((Contents(Arc::new(Compared { tree, parts: Mutex::new(parts), left, keys, packing })), extent))
    }

    /// Closes the tree and opens it again, where nobody else holds it. Only when it is opened sled writes down where all of its
    /// pages are, and reads what was written since it did: a million orders later that takes the next start half a minute.
    /// What it finds then is compared as in any other open.
    pub fn open_anew(&mut self) -> Result<Option<Extent>, Error> {
        let Some(compared) = Arc::get_mut(&mut self.0) else { return Ok(None) };
        let tree = Tree::open(compared.tree.close()?)?;
        let (contents, extent) = Contents::open(tree, true)?;
        *self = contents;
        Ok(Some(extent))
    }

    /// How many rows there should be.
    pub fn rows(&self) -> u64 {
        self.parts().iter().map(|part| u64::from(part.rows)).sum()
    }

    /// Compares all of it.
    pub fn check_all(&self) -> Result<(), Error> {
        let mut next = Some(FIRST_KEY.to_vec());
        while let Some(key) = next {
            next = self.check(&key)?;
        }
        Ok(())
    }

    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.standing(&stored(key))?.map(|packed| self.unpacked(&packed)).transpose()
    }

    /// What stands under a key of the tree.
    fn standing(&self, key: &[u8]) -> Result<Option<IVec>, Error> {
        if !self.is_whole() {
            self.check(key)?;
        }
        match self.0.keys.is_absent(key) {
            true => Ok(None),
            false => self.0.tree.get(key),
        }
    }

    fn unpacked(&self, packed: &[u8]) -> Result<Vec<u8>, Error> {
        self.0.packing.unpack(packed).ok_or_else(|| self.0.tree.found_damaged(NOT_WHAT_WAS_COMMITTED))
    }

    /// All pairs from the key `from` on, ascending.
    pub fn range(&self, from: &[u8]) -> impl Iterator<Item = Result<Pair, Error>> + use<'_> {
        let from = stored(from);
        let mut pairs = self.0.tree.range(&from, None);
        // Up to before here all was compared.
        let mut compared = Some(from.into_owned());
        std::iter::from_fn(move || {
            let next = pairs.next();
            let reaches = |key: &[u8]| match &next {
                Some(Ok((next, _))) => **next < *key,
                Some(Err(_)) => true,
                None => false,
            };
            // A part between two pairs is not empty: that nothing of it came is damage.
            while let Some(key) = compared.take_if(|key| !self.is_whole() && !reaches(key)) {
                match self.check(&key) {
                    Ok(end) => compared = end,
                    Err(error) => return Some(Err(error)),
                }
            }
            next.map(|pair| pair.and_then(|(key, value)| Ok((read(&key).to_vec(), self.unpacked(&value)?))))
        })
    }

    /// Writes rows into the tree, ascending, with what it holds then: all of them or nothing. One thread at a time.
    pub fn carry<'r>(
        &self,
        rows: impl Iterator<Item = (&'r Vec<u8>, &'r Option<Vec<u8>>)>,
        extent: Extent,
    ) -> Result<(), Error> {
        let mut writes = Batch::new();
        for (key, value) in rows {
            let key = stored(key);
            let before = self.standing(&key)?;
            let after = value.as_deref().map(|value| self.0.packing.pack(value));
            if before.as_deref() == after.as_deref() {
                continue;
            }
            if after.is_some() {
                self.0.keys.add(&key);
            }
            self.parts().change(&key, before.as_deref(), after.as_deref());
            writes.insert(key.into_owned(), after.map(Cow::into_owned));
        }
        let large = self.parts().large();
        for first in large {
            self.cut(&first, &writes)?;
        }
        let sum = self.parts().write(&mut writes);
        writes.insert(ROW.to_vec(), Some(extent.to_row(self.0.packing, sum)));
        self.0.tree.write(writes)
    }

    pub fn damaged(&self, why: &str) -> Error {
        self.0.tree.damaged(why)
    }

    fn is_whole(&self) -> bool {
        self.0.left.load(Ordering::Acquire) == 0
    }

    fn parts(&self) -> MutexGuard<'_, Parts> {
        self.0.parts.lock().expect("nothing panics while it holds the parts: what sled does is guarded")
    }

    /// Compares the part that holds `key`, where it was not compared before: where the next part begins.
    ///
    /// Nobody writes to a part before it was compared, so what is read here does not change meanwhile.
    fn check(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let mut parts = self.parts();
        let (part, next) = parts.find(key);
        let next = next.map(<[u8]>::to_vec);
        if part.is_checked {
            return Ok(next);
        }
        let mut found = Part::beginning(&part.first);
        for pair in self.0.tree.range(FIRST_KEY.max(&part.first), next.as_deref()) {
            let (key, value) = pair?;
            self.0.keys.add(&key);
            found.add(&key, &value);
        }
        if (found.rows, found.sum) != (part.rows, part.sum) {
            return Err(self.0.tree.found_damaged(NOT_WHAT_WAS_COMMITTED));
        }
        parts.checked(key);
        self.0.left.fetch_sub(1, Ordering::Release);
        Ok(next)
    }

    /// Cuts the part that begins at `first`, as it will be after `writes`.
    fn cut(&self, first: &[u8], writes: &Batch) -> Result<(), Error> {
        let next = self.parts().find(first).1.map(<[u8]>::to_vec);
        let from = FIRST_KEY.max(first);
        let mut rows = Batch::new();
        for pair in self.0.tree.range(from, next.as_deref()) {
            let (key, value) = pair?;
            rows.insert(key.to_vec(), Some(value.to_vec()));
        }
        let changes = writes.range(from.to_vec()..).take_while(|(key, _)| next.as_ref().is_none_or(|next| *key < next));
        rows.extend(changes.map(|(key, value)| (key.clone(), value.clone())));
        let mut cutting = Cutting::from(first);
        for (key, value) in rows.iter().filter_map(|(key, value)| Some((key, value.as_ref()?))) {
            cutting.add(key, value);
        }
        self.parts().cut(cutting.parts());
        Ok(())
    }
}

/// A row's key in the tree: the same, but what would come among the rows about the tree comes behind them, in its order.
fn stored(key: &[u8]) -> Cow<'_, [u8]> {
    match key {
        [] | [0, ..] => [FIRST_KEY, key].concat().into(),
        _ => key.into(),
    }
}

/// The key of a row whose key in the tree is this.
fn read(stored: &[u8]) -> &[u8] {
    stored.strip_prefix(FIRST_KEY).unwrap_or(stored)
}

/// The parts as they stand in the tree.
fn read_parts(tree: &Tree, sum: u128) -> Result<Parts, Error> {
    let rows = tree.range(parts::PAGES, Some(parts::BEHIND_PAGES)).collect::<Result<Vec<_>, _>>()?;
    match Parts::read(rows.iter().map(|(key, value)| (&**key, &**value))) {
        Some((parts, found)) if found == sum => Ok(parts),
        _ => Err(tree.damaged(NOT_WHAT_WAS_COMMITTED)),
    }
}

/// Reads all of a tree without parts: a new one, or one of an older version with its one sum in `row`.
fn take_over(
    tree: &Tree,
    row: Option<&[u8]>,
    made_before: bool,
    keys: &Filter,
) -> Result<(Parts, Extent, Packing), Error> {
    if row.is_none() && tree.range(parts::PAGES, Some(parts::BEHIND_PAGES)).next().is_some() {
        return Err(tree.damaged("the sum over all of it is gone"));
    }
    let mut cutting = Cutting::from(b"");
    for pair in tree.range(FIRST_KEY, None) {
        let (key, value) = pair?;
        keys.add(&key);
        cutting.add(&key, &value);
    }
    let cut = cutting.parts();
    let found = cut.iter().fold(0_u128, |sum, part| sum.wrapping_add(part.sum));
    let (sum, extent) = match row {
        Some(row) => Extent::from_row(row).ok_or_else(|| tree.damaged("its sum cannot be read"))?,
        None if !made_before => (found, Extent::default()),
        None => Default::default(),
    };
    if found != sum {
        return Err(tree.damaged(NOT_WHAT_WAS_COMMITTED));
    }
    // What stands there stays as it is.
    let packing = if cut.iter().all(|part| part.rows == 0) { Packing::Lz4 } else { Packing::None };
    let (mut parts, mut writes) = (Parts::new(cut), Batch::new());
    let sum = parts.write(&mut writes);
    writes.insert(ROW.to_vec(), Some(extent.to_row(packing, sum)));
    tree.write(writes)?;
    Ok((parts, extent, packing))
}

impl Extent {
    fn to_row(self, packing: Packing, sum: u128) -> Vec<u8> {
        let form = FORMS.iter().find(|it| it.1 == packing).expect("each has a form").0;
        [&[form], sum.to_be_bytes().as_slice(), &self.whole.to_be_bytes(), &self.begun.to_be_bytes()].concat()
    }

    /// What stands in the row, behind its form. Older versions wrote no form, and one without a journal one number.
    fn from_row(row: &[u8]) -> Option<(u128, Extent)> {
        let (sum, numbers) = row.split_first_chunk()?;
        let (whole, begun) = numbers.split_first_chunk()?;
        let whole = u64::from_be_bytes(*whole);
        let begun = if begun.is_empty() { whole } else { u64::from_be_bytes(begun.try_into().ok()?) };
        Some((u128::from_be_bytes(*sum), Extent { whole, begun }))
    }
}
