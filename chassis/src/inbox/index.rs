//! Which page may hold an id: six to seven bytes for each, since a service knows millions.
//!
//! An entry is a tag, made of the id, and the end of the page's number. Few ids have the same tag, so nearly every answer is
//! right; whoever asks looks into the page. The entries stand in many short lists, each in order: none is ever there twice,
//! as a table that grows is, and what a list keeps free is little.
//!
//! Invariant: a page that holds an id is always among the answers, as long as no two pages that are kept are four billion apart.

use std::hash::{DefaultHasher, Hasher};

use events::EventId;

/// With ten million ids a list has six hundred, and one answer in a hundred names a page in vain.
const LISTS: usize = 1 << 14;

/// How many bytes of an entry are its tag, and how many the end of the page's number.
const TAG: usize = 2;
const NUMBER: usize = 4;

/// So many pages have numbers with different ends: a thousand a second for seven weeks.
const ENDS: u64 = 1 << (8 * NUMBER);

/// A list that is full grows by this part of itself.
const GROWS_BY: usize = 8;

/// The tag, then the end of the number: entries with one tag stand together, ascending.
type Packed = [u8; TAG + NUMBER];

/// That an id stands in a page: the list, and what stands there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    list: usize,
    packed: Packed,
}

impl Entry {
    /// The id may be anybody's choice, all of them alike but for a few bits: so it is hashed.
    pub fn of(id: EventId, page: u64) -> Entry {
        let mut hasher = DefaultHasher::new();
        hasher.write(id.as_bytes());
        let hash = hasher.finish();
        let [t0, t1, ..] = hash.to_be_bytes();
        let [.., n0, n1, n2, n3] = page.to_be_bytes();
        Entry { list: hash as usize % LISTS, packed: [t0, t1, n0, n1, n2, n3] }
    }
}

/// All entries.
pub(super) struct Index {
    lists: Vec<Vec<Packed>>,
}

impl Default for Index {
    fn default() -> Index {
        Index { lists: vec![Vec::new(); LISTS] }
    }
}

impl Index {
    /// The pages below `next` that may hold `id`, ascending.
    pub fn pages(&self, id: EventId, next: u64) -> Vec<u64> {
        let Entry { list, packed } = Entry::of(id, 0);
        let list = &self.lists[list];
        let list = &list[list.partition_point(|it| *it < packed)..];
        let alike = list.iter().take_while(|it| it[..TAG] == packed[..TAG]);
        let mut pages: Vec<_> = alike.flat_map(|it| numbers(it, next)).collect();
        pages.sort_unstable();
        pages
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

/// The numbers below `next` that end as the entry says.
fn numbers(packed: &Packed, next: u64) -> impl Iterator<Item = u64> {
    let [.., n0, n1, n2, n3] = *packed;
    (u32::from_be_bytes([n0, n1, n2, n3]).into()..next).step_by(ENDS as usize)
}

/// Room for one more.
fn make_room(list: &mut Vec<Packed>) {
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
    fn the_pages_of_an_id_are_among_the_answers_however_many_pages_there_are() {
        let mut index = Index::default();
        let id = EventId::derived(&["in three pages"]);
        let pages = [3, ENDS + 2, 5 * ENDS + 7];
        pages.iter().for_each(|page| index.insert(Entry::of(id, *page)));
        let next = 5 * ENDS + 8;
        let found = index.pages(id, next);
        assert!(found.is_sorted() && found.last() < Some(&next), "{found:?}");
        assert!(pages.iter().all(|page| found.contains(page)), "{found:?}");
        assert_eq!(index.pages(id, 4), [2, 3]);
        assert!(index.pages(EventId::derived(&["in none"]), next).is_empty());
    }

    #[test]
    fn an_entry_takes_little_more_than_its_six_bytes() {
        let mut index = Index::default();
        (0..500_000).for_each(|number| index.insert(entry(number)));
        let room: usize = index.lists.iter().map(Vec::capacity).sum();
        assert!(room < 600_000, "room for {room} of 500,000 entries");
    }
}
