//! What the tree should hold, part by part: a part is all rows from one key to before another one, with their number and their
//! sum. Where a part becomes large it is cut in two; where it becomes empty it goes.
//!
//! The parts stand in the tree themselves, many in a row ([`Page`]), and the sum of these rows stands in the row that says
//! what the tree holds ([`super::contents`]). So an open reads few rows and knows what all others have to be.
//!
//! Invariant: each key lies in one part. The first part begins before all keys and never goes.

use std::{
    collections::BTreeMap,
    ops::Bound::{Excluded, Included, Unbounded},
};

use super::print::print;
use crate::store::Batch;

/// Under what the parts stand: `\0p<the first key of the first of them>`.
pub(super) const PAGES: &[u8] = b"\0p";

/// What comes behind them.
pub(super) const BEHIND_PAGES: &[u8] = b"\0q";

/// A part with more rows is cut, into parts of half as many: the first read of a part reads all of it.
const MOST_ROWS: u32 = 256;

/// A page with more bytes is cut in two: each write of a part writes its page.
const MOST_BYTES: usize = 2048;

/// A part begins at a key of so many bytes at most, or is not cut: pages stay far below the limit of a row.
const LONGEST_FIRST: usize = 256;

const FIRST_PAGE: &str = "the first page is before all keys";

/// Rows and sum.
const FIGURES: usize = 4 + 16;

/// Rows that follow one another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// It holds the keys from here on, to where the next one begins.
    pub first: Box<[u8]>,
    pub rows: u32,
    /// Over its rows, in whatever order.
    pub sum: u128,
    /// Whether the tree was found to hold just this.
    pub is_checked: bool,
}

/// Parts that stand in one row.
struct Page {
    parts: Vec<Part>,
    /// A figure for the row as it was written last; none where it is to be written.
    figure: Option<u128>,
}

/// All parts, in pages under the first key of the first part of each.
pub(super) struct Parts(BTreeMap<Box<[u8]>, Page>);

impl Part {
    /// One without rows.
    pub fn beginning(first: &[u8]) -> Part {
        Part { first: first.into(), rows: 0, sum: 0, is_checked: true }
    }

    pub fn add(&mut self, key: &[u8], value: &[u8]) {
        self.rows += 1;
        self.sum = self.sum.wrapping_add(print(key, value));
    }

    fn remove(&mut self, key: &[u8], value: &[u8]) {
        // The part was compared with what the tree holds, so the row is one of it.
        self.rows -= 1;
        self.sum = self.sum.wrapping_sub(print(key, value));
    }

    fn bytes(&self) -> usize {
        2 + self.first.len() + FIGURES
    }
}

/// Collects rows, ascending, into parts of which the first begins at `first`.
pub(super) struct Cutting {
    parts: Vec<Part>,
    before: Vec<u8>,
}

impl Cutting {
    pub fn from(first: &[u8]) -> Cutting {
        Cutting { parts: vec![Part::beginning(first)], before: Vec::new() }
    }

    pub fn add(&mut self, key: &[u8], value: &[u8]) {
        let last = self.parts.last_mut().expect("it begins with one, and none is taken away");
        let between = between(&self.before, key);
        if last.rows >= MOST_ROWS / 2 && between.len() <= LONGEST_FIRST {
            self.parts.push(Part::beginning(between));
        }
        self.parts.last_mut().expect("there is one").add(key, value);
        self.before.clear();
        self.before.extend(key);
    }

    pub fn parts(self) -> Vec<Part> {
        self.parts
    }
}

/// The shortest key behind `before` that is not behind `key`.
fn between<'k>(before: &[u8], key: &'k [u8]) -> &'k [u8] {
    let alike = before.iter().zip(key).take_while(|(a, b)| a == b).count();
    &key[..key.len().min(alike + 1)]
}

impl Parts {
    /// These, none of which is written yet.
    pub fn new(parts: Vec<Part>) -> Parts {
        Parts([(parts[0].first.clone(), Page { parts, figure: None })].into())
    }

    /// The parts in rows that [`Parts::write`] wrote, and the sum of these rows; none where they do not read.
    pub fn read<'r>(rows: impl Iterator<Item = (&'r [u8], &'r [u8])>) -> Option<(Parts, u128)> {
        let mut pages = BTreeMap::new();
        for (key, value) in rows {
            let (parts, first) = (decode(value)?, key.strip_prefix(PAGES)?);
            (*parts.first()?.first == *first).then_some(())?;
            pages.insert(first.into(), Page { parts, figure: Some(print(key, value)) });
        }
        let parts = Parts(pages);
        let firsts: Vec<_> = parts.iter().map(|part| &part.first).collect();
        let in_order = firsts.first()?.is_empty() && firsts.is_sorted_by(|a, b| a < b);
        let sum = parts.sum();
        in_order.then_some((parts, sum))
    }

    pub fn iter(&self) -> impl Iterator<Item = &Part> {
        self.0.values().flat_map(|page| &page.parts)
    }

    /// The part that holds `key`, and where the next one begins; none behind the last.
    pub fn find(&self, key: &[u8]) -> (&Part, Option<&[u8]>) {
        let (_, page) = self.0.range::<[u8], _>((Unbounded, Included(key))).next_back().expect(FIRST_PAGE);
        let (at, next) = (page.holding(key), self.0.range::<[u8], _>((Excluded(key), Unbounded)).next());
        let in_page = page.parts.get(at + 1).map(|part| &*part.first);
        (&page.parts[at], in_page.or(next.map(|(first, _)| &**first)))
    }

    fn page_of(&mut self, key: &[u8]) -> &mut Page {
        self.0.range_mut::<[u8], _>((Unbounded, Included(key))).next_back().expect(FIRST_PAGE).1
    }

    /// The part that holds `key` is what it should be.
    pub fn checked(&mut self, key: &[u8]) {
        let page = self.page_of(key);
        let at = page.holding(key);
        page.parts[at].is_checked = true;
    }

    /// The row under `key` changes. Its part was checked.
    pub fn change(&mut self, key: &[u8], before: Option<&[u8]>, after: Option<&[u8]>) {
        let page = self.page_of(key);
        let at = page.holding(key);
        if let Some(before) = before {
            page.parts[at].remove(key, before);
        }
        if let Some(after) = after {
            page.parts[at].add(key, after);
        }
        page.figure = None;
    }

    /// Where the parts begin that have become too large since they were written.
    pub fn large(&self) -> Vec<Box<[u8]>> {
        let changed = self.0.values().filter(|page| page.figure.is_none()).flat_map(|page| &page.parts);
        changed.filter(|part| part.rows > MOST_ROWS).map(|part| part.first.clone()).collect()
    }

    /// The part that begins where the first of `parts` does becomes these.
    pub fn cut(&mut self, parts: Vec<Part>) {
        let page = self.page_of(&parts[0].first);
        let at = page.holding(&parts[0].first);
        drop(page.parts.splice(at..=at, parts));
    }

    /// Writes all that changed, as the rows of the tree that hold it: the sum of all of these.
    pub fn write(&mut self, writes: &mut Batch) -> u128 {
        let changed = self.0.iter().filter(|(_, page)| page.figure.is_none()).map(|(first, _)| first.clone());
        for first in changed.collect::<Vec<_>>() {
            let page = self.0.remove(&first).expect("it was there a moment ago");
            writes.insert([PAGES, &first].concat(), None);
            let left = page.parts.into_iter().filter(|part| part.rows > 0 || part.first.is_empty()).collect();
            for parts in in_pages(left) {
                let (first, value) = (parts[0].first.clone(), encode(&parts));
                let key = [PAGES, &first].concat();
                self.0.insert(first, Page { figure: Some(print(&key, &value)), parts });
                writes.insert(key, Some(value));
            }
        }
        self.sum()
    }

    fn sum(&self) -> u128 {
        self.0.values().filter_map(|page| page.figure).fold(0, u128::wrapping_add)
    }
}

impl Page {
    /// Where its part stands that holds `key`.
    fn holding(&self, key: &[u8]) -> usize {
        self.parts.partition_point(|part| *part.first <= *key) - 1
    }
}

/// Parts that follow one another, as many together as fit into a page.
fn in_pages(mut parts: Vec<Part>) -> Vec<Vec<Part>> {
    if parts.is_empty() {
        return Vec::new();
    }
    if parts.len() == 1 || parts.iter().map(Part::bytes).sum::<usize>() <= MOST_BYTES {
        return vec![parts];
    }
    let behind = parts.split_off(parts.len() / 2);
    let mut pages = in_pages(parts);
    pages.extend(in_pages(behind));
    pages
}

fn encode(parts: &[Part]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(parts.iter().map(Part::bytes).sum());
    for Part { first, rows, sum, .. } in parts {
        bytes.extend(u16::try_from(first.len()).expect("a part begins at a short key").to_be_bytes());
        bytes.extend(&**first);
        bytes.extend(rows.to_be_bytes());
        bytes.extend(sum.to_be_bytes());
    }
    bytes
}

fn decode(mut bytes: &[u8]) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    while !bytes.is_empty() {
        let (length, rest) = bytes.split_first_chunk()?;
        let (first, rest) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
        let (rows, rest) = rest.split_first_chunk()?;
        let (sum, rest) = rest.split_first_chunk()?;
        let (rows, sum) = (u32::from_be_bytes(*rows), u128::from_be_bytes(*sum));
        parts.push(Part { first: first.into(), rows, sum, is_checked: false });
        bytes = rest;
    }
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u32) -> Vec<u8> {
        format!("r/order/{number:05}").into_bytes()
    }

    /// Parts with rows for these numbers.
    fn of(numbers: impl Iterator<Item = u32>) -> Parts {
        let mut cutting = Cutting::from(b"");
        numbers.for_each(|number| cutting.add(&key(number), b"value"));
        Parts::new(cutting.parts())
    }

    fn read(writes: &Batch) -> Option<(Parts, u128)> {
        let rows = writes.iter().filter_map(|(key, value)| Some((key.as_slice(), value.as_deref()?)));
        Parts::read(rows)
    }

    #[test]
    fn parts_read_as_they_were_written_and_no_other_rows_do() {
        let (mut parts, mut writes) = (of(0..20_000), Batch::new());
        let sum = parts.write(&mut writes);
        assert!(writes.len() > 1 && writes.values().flatten().all(|value| value.len() <= MOST_BYTES));
        let (again, found) = read(&writes).unwrap();
        assert_eq!(found, sum);
        assert!(
            again.iter().map(|it| (&it.first, it.rows, it.sum)).eq(parts.iter().map(|it| (&it.first, it.rows, it.sum)))
        );
        assert_eq!(again.iter().map(|it| it.rows).sum::<u32>(), 20_000);
        for first in writes.keys().cloned().collect::<Vec<_>>() {
            let mut others = writes.clone();
            others.remove(&first);
            assert!(read(&others).is_none_or(|(_, found)| found != sum));
        }
    }

    #[test]
    fn each_key_lies_in_the_part_that_begins_last_before_it() {
        let (mut parts, mut writes) = (of((0..20_000).map(|it| it * 2)), Batch::new());
        parts.write(&mut writes);
        let firsts: Vec<_> = parts.iter().map(|part| part.first.clone()).collect();
        assert!(firsts.len() > 100 && firsts.iter().all(|first| first.len() <= key(0).len()));
        for number in 0..40_000 {
            let key = key(number);
            let at = firsts.partition_point(|first| **first <= *key) - 1;
            let (part, next) = parts.find(&key);
            assert_eq!((&part.first, next), (&firsts[at], firsts.get(at + 1).map(|next| &**next)));
        }
    }

    #[test]
    fn parts_that_become_empty_go_and_the_first_stays() {
        let (mut parts, mut writes) = (of(0..20_000), Batch::new());
        parts.write(&mut writes);
        for number in (0..20_000).rev() {
            parts.change(&key(number), Some(b"value"), None);
        }
        parts.write(&mut writes);
        let left: Vec<_> = parts.iter().map(|it| (&*it.first, it.rows, it.sum)).collect();
        assert_eq!(left, [(b"".as_slice(), 0, 0)]);
        assert_eq!(writes.values().flatten().count(), 1);
    }

    #[test]
    fn no_part_begins_at_a_long_key() {
        let long = "x".repeat(LONGEST_FIRST);
        let mut cutting = Cutting::from(b"");
        (0..1000).for_each(|number| cutting.add(format!("{long}{number:05}").as_bytes(), b""));
        cutting.add(b"y", b"");
        let rows: Vec<_> = cutting.parts().iter().map(|it| (it.first.len(), it.rows)).collect();
        assert_eq!(rows, [(0, 1000), (1, 1)]);
    }
}
