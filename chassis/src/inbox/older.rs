//! A store of an older version: a row for each id, under the id. It is taken over when it is opened.
//!
//! Invariant: each commit moves some of the rows into pages, so an id is in a row or in a page at every moment, and a crash
//! in the middle goes on with those that are left.

use events::EventId;

use super::{
    Inbox,
    page::{self, Mark, Marks},
};
use crate::{
    Error,
    engine::since,
    key,
    store::{Batch, Store},
};

/// How many rows one commit moves: a store of millions is not held in memory at once.
const AT_ONCE: usize = 4096;

/// Moves all rows into pages.
pub(super) fn take_over(store: &mut dyn Store, inbox: &mut Inbox) -> Result<(), Error> {
    let mut from = key::INBOX.to_vec();
    loop {
        let (mut marks, mut writes) = (Marks::new(), Batch::new());
        let is_row = |key: &[u8]| page::number(key).is_none();
        let rows = store.scan_from(key::INBOX, &from).filter(|pair| pair.as_ref().map_or(true, |(key, _)| is_row(key)));
        for pair in rows.take(AT_ONCE) {
            let (key, value) = pair?;
            let (id, mark) = mark(&key, &value);
            marks.insert(id, mark);
            from.clone_from(&key);
            writes.insert(key, None);
        }
        if writes.is_empty() {
            return Ok(());
        }
        inbox.write(marks, &mut writes);
        // The hand stood between rows.
        writes.insert(key::hand(key::INBOX), None);
        inbox.commit(store, writes)?;
    }
}

/// What a row says: what stands for the body, and when it happened; a version that is older still kept it for good.
fn mark(key: &[u8], value: &[u8]) -> (EventId, Mark) {
    const WRITTEN: &str = "older versions wrote sixteen bytes of an id and eight of a print";
    let id = EventId::from_bytes(*key.last_chunk().expect(WRITTEN));
    let (print, rest) = value.split_first_chunk().expect(WRITTEN);
    (id, since(rest).map_or_else(|| Mark::for_good(*print), |happened| Mark::new(*print, happened)))
}
