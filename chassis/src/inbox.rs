//! Which events a service has taken, and which it has said itself: the same event twice has its effect once.
//!
//! The marks of one commit stand together in few rows, the pages ([`page`]). Which page may hold an id is known in memory
//! ([`index`]), read from the store when it is opened; the page itself says whether it does.
//!
//! Invariant: memory knows every page that stands in the store, and no other. Whatever may add or remove a page goes to the
//! store through [`Inbox::commit`], and memory follows once it is on the disk.

mod index;
mod older;
pub(crate) mod page;

use events::EventId;
use jiff::Timestamp;

use self::index::{Entry, Index};
pub(crate) use self::page::{Mark, Marks, PRINT};
use crate::{
    Error,
    draft::Draft,
    key,
    store::{Batch, Store},
};

/// What the inbox knows about an event.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// It is new.
    Never,
    /// It was taken, or said by this service.
    Before,
    /// Its id was, with another body: somebody made a mistake.
    WithAnotherBody,
}

/// What stands for a body in the inbox. The type belongs to it: one id for two facts is a mistake too.
pub(crate) fn fingerprint(kind: &str, body: &[u8]) -> [u8; PRINT] {
    let body = String::from_utf8_lossy(body);
    let whole = EventId::derived(&[kind, &body]);
    whole.as_bytes()[..PRINT].try_into().expect("eight of sixteen bytes")
}

/// Whether `id` is known. A message that was typed by hand is compared by its id alone, since its owner completes it.
pub(crate) fn seen(draft: &Draft<'_>, id: EventId, print: Option<[u8; PRINT]>) -> Seen {
    match (draft.known(id), print) {
        (None, _) => Seen::Never,
        (Some(known), Some(print)) if known.print != print => Seen::WithAnotherBody,
        (Some(_), _) => Seen::Before,
    }
}

/// Marks `id` as known, in the turn that takes or says it. It is known for some time from when it happened. Marked again,
/// the later mark counts.
pub(crate) fn mark(draft: &mut Draft<'_>, id: EventId, print: [u8; PRINT], happened: Timestamp) {
    draft.mark(id, Mark::new(print, happened));
}

/// What a service knows, as far as it is kept in memory.
pub(crate) struct Inbox {
    index: Index,
    /// The number of the next page.
    next: u64,
}

impl Inbox {
    /// What stands in `store`. One of an older version is taken over.
    pub fn open(store: &mut dyn Store) -> Result<Inbox, Error> {
        let mut inbox = Inbox { index: Index::default(), next: 0 };
        let mut is_older = false;
        for pair in store.scan(key::INBOX) {
            let (key, value) = pair?;
            match page::number(&key) {
                Some(number) => {
                    inbox.index.append(held(number, &value));
                    inbox.next = inbox.next.max(number + 1);
                }
                None => is_older = true,
            }
        }
        inbox.index.sort();
        if is_older {
            older::take_over(store, &mut inbox)?;
        }
        Ok(inbox)
    }

    /// What is known of `id`. Where it was marked more than once, what was said last.
    pub fn find(&self, store: &dyn Store, id: EventId) -> Result<Option<Mark>, Error> {
        for number in self.index.pages(id, self.next).into_iter().rev() {
            let page = store.get(&key::page(number))?;
            if let Some(mark) = page.and_then(|page| page::find(&page, id)) {
                return Ok(Some(mark));
            }
        }
        Ok(None)
    }

    /// Writes `marks` as the next pages.
    pub fn write(&self, marks: Marks, writes: &mut Batch) {
        let pages = page::pages(marks).into_iter().zip(self.next..);
        writes.extend(pages.map(|(page, number)| (key::page(number), Some(page))));
    }

    /// Commits `writes`.
    pub fn commit(&mut self, store: &mut dyn Store, writes: Batch) -> Result<(), Error> {
        let (mut added, mut removed) = (Vec::new(), Vec::new());
        let rows = writes.range(key::INBOX.to_vec()..).take_while(|(key, _)| key.starts_with(key::INBOX));
        for (key, value) in rows {
            let Some(number) = page::number(key) else { continue };
            removed.extend(store.get(key)?.map(|page| held(number, &page)));
            added.extend(value.as_ref().map(|page| (number, held(number, page))));
        }
        store.commit(writes)?;
        removed.into_iter().flatten().for_each(|entry| self.index.remove(entry));
        added.into_iter().for_each(|(number, entries)| self.add(number, entries));
        Ok(())
    }

    fn add(&mut self, page: u64, entries: Vec<Entry>) {
        entries.into_iter().for_each(|entry| self.index.insert(entry));
        self.next = self.next.max(page + 1);
    }

    /// All of it is gone from the store.
    pub fn clear(&mut self) {
        self.index = Index::default();
    }
}

/// What the index holds of a page.
fn held(number: u64, page: &[u8]) -> Vec<Entry> {
    page::marks(page).map(|(id, _)| Entry::of(id, number)).collect()
}

#[cfg(test)]
mod tests;
