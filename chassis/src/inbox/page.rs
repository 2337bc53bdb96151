//! A page of the inbox: the marks of one commit, or a part of them, one behind the other.
//!
//! Invariant: what happened in a page happened within a day, so that none of it is kept for much longer than it would be
//! alone: a page is forgotten with the latest of it.

use std::collections::BTreeMap;

use events::EventId;
use jiff::Timestamp;

use crate::key;

/// How many bytes stand for a body.
pub(crate) const PRINT: usize = 8;

/// An id, what stands for its body, and when it happened, in milliseconds.
const MARK: usize = 16 + PRINT + 8;

/// The largest page: a commit seldom fills more. A leaf of sled's has up to sixteen of them, and many leaves are in memory.
const PAGE: usize = 64 * MARK;

/// How far apart two marks of a page are at most.
const APART_MS: i64 = 24 * 3600 * 1000;

/// What is known of an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// What stands for its body.
    pub print: [u8; PRINT],
    happened_ms: i64,
}

/// What is known of which id.
pub(crate) type Marks = BTreeMap<EventId, Mark>;

impl Mark {
    pub fn new(print: [u8; PRINT], happened: Timestamp) -> Mark {
        Mark { print, happened_ms: happened.as_millisecond() }
    }

    /// A mark that is kept for good: no time is so late.
    pub fn for_good(print: [u8; PRINT]) -> Mark {
        Mark { print, happened_ms: i64::MAX }
    }
}

/// `marks` as pages.
pub(super) fn pages(marks: Marks) -> Vec<Vec<u8>> {
    let mut marks: Vec<_> = marks.into_iter().collect();
    marks.sort_by_key(|(_, mark)| mark.happened_ms);
    let mut pages: Vec<Vec<u8>> = Vec::new();
    let mut first_ms = 0;
    for (id, Mark { print, happened_ms }) in marks {
        let mark = [id.as_bytes().as_slice(), &print, &happened_ms.to_be_bytes()].concat();
        match pages.last_mut() {
            Some(page) if page.len() < PAGE && happened_ms.saturating_sub(first_ms) <= APART_MS => page.extend(mark),
            _ => {
                pages.push(mark);
                first_ms = happened_ms;
            }
        }
    }
    pages
}

/// The number of the page under `key`; none where an older version wrote a row for each id.
pub(super) fn number(key: &[u8]) -> Option<u64> {
    (key.len() == key::INBOX.len() + 8).then(|| key::number(key))
}

/// What is in a page.
pub(super) fn marks(page: &[u8]) -> impl Iterator<Item = (EventId, Mark)> {
    const WRITTEN: &str = "a mark has 32 bytes: `pages` writes them";
    page.chunks_exact(MARK).map(|mark| {
        let id = EventId::from_bytes(*mark.first_chunk().expect(WRITTEN));
        let print = mark[16..16 + PRINT].try_into().expect(WRITTEN);
        (id, Mark { print, happened_ms: i64::from_be_bytes(*mark.last_chunk().expect(WRITTEN)) })
    })
}

/// What a page knows of `id`.
pub(super) fn find(page: &[u8], id: EventId) -> Option<Mark> {
    marks(page).find(|(there, _)| *there == id).map(|(_, mark)| mark)
}

/// How many marks are in a page.
pub(crate) fn entries(page: &[u8]) -> usize {
    page.len() / MARK
}

/// When the latest of a page happened; none where that is kept for good.
pub(crate) fn latest(page: &[u8]) -> Option<Timestamp> {
    let latest = marks(page).map(|(_, mark)| mark.happened_ms).max()?;
    Timestamp::from_millisecond(latest).ok()
}
