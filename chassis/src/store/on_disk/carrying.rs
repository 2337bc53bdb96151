//! Carrying rows from the journal into the tree, beside the commits: many at a time, in the order of their keys, and only as
//! the last of their commits left them.
//!
//! Invariant: the tree always holds what its sums say. A crash in the middle leaves some of the rows there, and the
//! journal with all of them: they are carried again.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

use super::contents::{Contents, Extent};
use crate::{Error, crash, store::Batch};

/// How many rows go into the tree at once: so many cost the least each.
const AT_ONCE: usize = 512;

/// Rows on their way into the tree.
pub(super) struct Carrying {
    /// All of them: they are read here until they are there.
    pub rows: Arc<Batch>,
    thread: Option<JoinHandle<Result<Extent, Error>>>,
    /// Set when the store is closed: the rest stays in the journal.
    enough: Arc<AtomicBool>,
}

impl Carrying {
    /// Begins to carry `rows`, which are all that the commits behind `extent` up to `last` wrote.
    pub fn begin(contents: &Contents, extent: Extent, rows: Batch, last: u64) -> Result<Carrying, Error> {
        let (rows, enough) = (Arc::new(rows), Arc::new(AtomicBool::new(false)));
        let (contents, carried, asked) = (contents.clone(), rows.clone(), enough.clone());
        let thread = thread::Builder::new()
            .name("carry".to_owned())
            .spawn(move || carry(&contents, extent, &carried, last, &asked))
            .map_err(|error| Error::Stopped { why: format!("no thread carries rows into the store: {error}") })?;
        Ok(Carrying { rows, thread: Some(thread), enough })
    }

    /// Whether [`Carrying::end`] need not wait.
    pub fn is_done(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Waits until all rows are in the tree: which commits it holds then.
    pub fn end(mut self) -> Result<Extent, Error> {
        let thread = self.thread.take().expect("only this takes it, and it takes all of it");
        thread.join().unwrap_or_else(|_| Err(Error::Stopped { why: "carrying rows panicked".to_owned() }))
    }
}

impl Drop for Carrying {
    fn drop(&mut self) {
        self.enough.store(true, Ordering::Relaxed);
        if let Some(Ok(Err(error))) = self.thread.take().map(JoinHandle::join) {
            tracing::error!("rows stay in the journal of the store: {error}");
        }
    }
}

fn carry(
    contents: &Contents,
    mut extent: Extent,
    rows: &Batch,
    last: u64,
    enough: &AtomicBool,
) -> Result<Extent, Error> {
    crash::point("carry/begins");
    extent.begun = last;
    let mut left = rows.iter();
    while left.len() > 0 && !enough.load(Ordering::Relaxed) {
        if left.len() <= AT_ONCE {
            extent.whole = last;
        }
        contents.carry(left.by_ref().take(AT_ONCE), extent)?;
    }
    Ok(extent)
}
