//! Forgetting everything that was heard, so that it can be heard again: how a read side is rebuilt.
//!
//! Invariant: it is begun before anything is gone and ended after everything is, so a crash in the middle goes on with it.

use crate::{
    Error, key,
    store::{Batch, Store},
};

/// How many rows one commit removes: a store of millions is not held in memory at once.
const AT_ONCE: usize = 4096;

/// What the commit writes that begins it: the position is forgotten.
pub(super) fn begun() -> Batch {
    [(key::STARTING_OVER.to_vec(), Some(Vec::new())), (key::POSITION.to_vec(), None)].into()
}

/// Forgets the rows and the inbox, from where a crash cut it off too; does nothing where it was not begun.
pub(super) fn finish(store: &mut dyn Store) -> Result<(), Error> {
    if store.get(key::STARTING_OVER)?.is_none() {
        return Ok(());
    }
    for prefix in [key::ROWS, key::RETIRED, key::INBOX, key::HEARD, key::FORGOTTEN] {
        // Behind what is gone: a store passes over each row that it has not carried away yet.
        let mut from = prefix.to_vec();
        loop {
            let gone: Batch = store
                .scan_from(prefix, &from)
                .take(AT_ONCE)
                .map(|pair| pair.map(|(key, _)| (key, None)))
                .collect::<Result<_, Error>>()?;
            let Some((last, _)) = gone.last_key_value() else { break };
            from.clone_from(last);
            store.commit(gone)?;
            crate::crash::point("turn/starts-over");
        }
    }
    store.commit([(key::STARTING_OVER.to_vec(), None)].into())
}
