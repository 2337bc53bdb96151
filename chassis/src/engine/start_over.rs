//! Forgetting everything that was heard, so that it can be heard again: how a read side is rebuilt.
//!
//! Invariant: it is begun before anything is gone and ended after everything is, so a crash in the middle goes on with it.

use crate::{
    Error, key,
    store::{Batch, Store},
};

/// How many rows one commit removes: a store of millions is not held in memory at once.
const AT_ONCE: usize = 4096;

/// Forgets the position, the rows and the inbox.
pub(super) fn start(store: &mut dyn Store) -> Result<(), Error> {
    let begun = [(key::STARTING_OVER.to_vec(), Some(Vec::new())), (key::POSITION.to_vec(), None)];
    store.commit(begun.into())?;
    finish(store)
}

/// Goes on where a crash cut it off; does nothing where it was not begun.
pub(super) fn finish(store: &mut dyn Store) -> Result<(), Error> {
    if store.get(key::STARTING_OVER)?.is_none() {
        return Ok(());
    }
    for prefix in [key::ROWS, key::INBOX] {
        loop {
            let gone: Batch = store
                .scan(prefix)
                .take(AT_ONCE)
                .map(|pair| pair.map(|(key, _)| (key, None)))
                .collect::<Result<_, Error>>()?;
            if gone.is_empty() {
                break;
            }
            store.commit(gone)?;
        }
    }
    store.commit([(key::STARTING_OVER.to_vec(), None)].into())
}
