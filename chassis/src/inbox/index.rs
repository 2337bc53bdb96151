//! Which page may hold an id: nine bytes for each, since a service knows millions.
//!
//! An entry is a tag, made of the id, and the number of the page. Few ids have the same tag, so nearly every answer is
//! right; whoever asks looks into the page. The entries stand in many short lists, each in order: none is ever there twice,
//! as a table that grows is, and what a list keeps free is little.
//!
//! Invariant: a page that holds an id is always among the answers.

use std::hash::{DefaultHasher, Hasher};

use events::EventId;

/// With ten million ids a list has six hundred.
const LISTS: usize = 1 << 14;

/// How many bits of an entry are the page's number: a thousand commits a second for thirty years.
const NUMBER: u32 = 40;

/// A list that is full grows by this part of itself.
const GROWS_BY: usize = 8;

/// That an id stands in a page: the list, and the tag above the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    list: usize,
    packed: u64,
}

impl Entry {
    /// The id may be anybody's choice, all of them alike but for a few bits: so it is hashed.
    pub fn of(id: EventId, page: u64) -> Entry {
        let mut hasher = DefaultHasher::new();
        hasher.write(id.as_bytes());
        let hash = hasher.finish();
        Entry { list: hash as usize % LISTS, packed: (hash >> NUMBER << NUMBER) | page }
    }
}

/// All entries.
pub(super) struct Index {
    lists: Vec<Vec<u64>>,
}

impl Default for Index {
    fn default() -> Index {
        Index { lists: vec![Vec::new(); LISTS] }
    }
}

impl Index {
    /// The pages that may hold `id`, ascending.
    pub fn pages(&self, id: EventId) -> impl DoubleEndedIterator<Item = u64> {
        let Entry { list, packed } = Entry::of(id, 0);
        let list = &self.lists[list];
        let list = &list[list.partition_point(|it| *it < packed)..];
        let alike = &list[..list.partition_point(|it| it >> NUMBER == packed >> NUMBER)];
        alike.iter().map(|it| it & ((1 << NUMBER) - 1))
    }

    /// Many of them, in no order, and faster than one by one: [`Index::sort`] has to follow.
    pub fn append(&mut self, entries: impl IntoIterator<Item = Entry>) {
        for Entry { list, packed } in entries {
            make_room(&mut self.lists[list]);
            self.lists[list].push(packed);
        }
    }

    /// Behind the last [`Index::append`].
    pub fn sort(&mut self) {
        for list in &mut self.lists {
            list.sort_unstable();
            list.dedup();
        }
    }

    /// One that is there already is there once.
    pub fn insert(&mut self, Entry { list, packed }: Entry) {
        let list = &mut self.lists[list];
        if let Err(at) = list.binary_search(&packed) {
            make_room(list);
            list.insert(at, packed);
        }
    }

    /// One that is not there is no error.
    pub fn remove(&mut self, Entry { list, packed }: Entry) {
        let list = &mut self.lists[list];
        if let Ok(at) = list.binary_search(&packed) {
            list.remove(at);
        }
    }
}

/// Room for one more.
fn make_room(list: &mut Vec<u64>) {
    if list.len() == list.capacity() {
        list.reserve_exact(1 + list.len() / GROWS_BY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(number: u64) -> Entry {
        Entry::of(EventId::derived(&[&number.to_string()]), number)
    }

    #[test]
    fn an_index_is_the_same_however_its_entries_came() {
        let (mut at_once, mut one_by_one) = (Index::default(), Index::default());
        at_once.append((0..50_000).chain(10..20).map(entry));
        at_once.sort();
        (0..60_000).rev().for_each(|number| one_by_one.insert(entry(number)));
        (50_000..60_000).for_each(|number| one_by_one.remove(entry(number)));
        assert_eq!(at_once.lists, one_by_one.lists);
    }

    #[test]
    fn an_entry_takes_little_more_than_its_eight_bytes() {
        let mut index = Index::default();
        (0..500_000).for_each(|number| index.insert(entry(number)));
        let room: usize = index.lists.iter().map(Vec::capacity).sum();
        assert!(room < 600_000, "room for {room} of 500,000 entries");
    }
}
