//! Which page may hold an id: ten to twenty bytes for each, since a service knows millions.
//!
//! An entry is a tag, made of the id, and the number of the page. Few ids have the same tag, so nearly every answer is
//! right; whoever asks looks into the page. There are many small tables in place of a large one, so that one that grows is
//! there twice for a moment, and not all of them.
//!
//! Invariant: a page that holds an id is always among the answers.

use std::hash::{DefaultHasher, Hasher};

use events::EventId;
use hashbrown::HashTable;

const SHARDS: usize = 256;

/// How many bits of an entry are the page's number: a thousand commits a second for thirty years.
const NUMBER: u32 = 40;

/// That an id stands in a page: the shard, and the tag above the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    shard: usize,
    packed: u64,
}

impl Entry {
    /// The id may be anybody's choice, all of them alike but for a few bits: so it is hashed.
    pub fn of(id: EventId, page: u64) -> Entry {
        let mut hasher = DefaultHasher::new();
        hasher.write(id.as_bytes());
        let hash = hasher.finish();
        Entry { shard: hash as usize % SHARDS, packed: (hash >> NUMBER << NUMBER) | page }
    }
}

/// All entries.
pub(super) struct Index {
    shards: Vec<HashTable<u64>>,
}

impl Default for Index {
    fn default() -> Index {
        Index { shards: (0..SHARDS).map(|_| HashTable::new()).collect() }
    }
}

impl Index {
    /// The pages that may hold `id`.
    pub fn pages(&self, id: EventId) -> impl Iterator<Item = u64> {
        let Entry { shard, packed } = Entry::of(id, 0);
        let alike = self.shards[shard].iter_hash(hash(&packed)).filter(move |it| *it >> NUMBER == packed >> NUMBER);
        alike.map(|it| it & ((1 << NUMBER) - 1))
    }

    pub fn insert(&mut self, entry: Entry) {
        self.shards[entry.shard].insert_unique(hash(&entry.packed), entry.packed, hash);
    }

    /// One that is not there is no error.
    pub fn remove(&mut self, entry: Entry) {
        if let Ok(there) = self.shards[entry.shard].find_entry(hash(&entry.packed), |it| *it == entry.packed) {
            there.remove();
        }
    }
}

/// The tag alone, since what is asked for has no page yet; at both ends, since a table looks at both.
fn hash(packed: &u64) -> u64 {
    (packed >> NUMBER << NUMBER) | (packed >> NUMBER)
}
