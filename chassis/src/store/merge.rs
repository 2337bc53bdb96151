//! One ordered view of several layers, of which the newest has the last word on a key.

use std::{iter::Peekable, ops::Bound};

use crate::{
    Error,
    store::{Batch, Pair},
};

/// A row as a layer has it: nothing as its value where the layer removes it.
pub(crate) type Row = (Vec<u8>, Option<Vec<u8>>);

/// Rows in ascending order.
pub(crate) type Rows<'s> = Box<dyn Iterator<Item = Result<Row, Error>> + 's>;

/// What `batch` writes from the key `from` on, as a layer.
pub(crate) fn written<'s>(batch: &'s Batch, from: &[u8]) -> Rows<'s> {
    let rows = batch.range::<[u8], _>((Bound::Included(from), Bound::Unbounded));
    Box::new(rows.map(|(key, value)| Ok((key.clone(), value.clone()))))
}

/// `pairs`, ascending, as a layer that removes nothing.
pub(crate) fn standing<'s>(pairs: impl Iterator<Item = Result<Pair, Error>> + 's) -> Rows<'s> {
    Box::new(pairs.map(|pair| pair.map(|(key, value)| (key, Some(value)))))
}

/// The pairs of all layers, ascending. No row is read before it is needed.
pub(crate) struct Merge<'s>(Vec<Peekable<Rows<'s>>>);

impl<'s> Merge<'s> {
    /// Of `layers`, the newest first.
    pub fn of(layers: impl IntoIterator<Item = Rows<'s>>) -> Merge<'s> {
        Merge(layers.into_iter().map(Iterator::peekable).collect())
    }

    /// The next row, from the newest layer that has it; the older ones pass over theirs.
    fn next_row(&mut self) -> Option<Result<Row, Error>> {
        let ahead = self.0.iter_mut().enumerate().filter_map(|(at, layer)| Some((at, key(layer.peek()?))));
        // The first of several with the same key.
        let (newest, _) = ahead.min_by(|(_, one), (_, other)| one.cmp(other))?;
        let row = self.0[newest].next()?;
        for older in &mut self.0[newest + 1..] {
            older.next_if(|it| row.is_ok() && key(it) == key(&row));
        }
        Some(row)
    }
}

/// The key of a row. A failure has none, and comes before all keys.
fn key(row: &Result<Row, Error>) -> Option<&[u8]> {
    row.as_ref().ok().map(|(key, _)| key.as_slice())
}

impl Iterator for Merge<'_> {
    type Item = Result<Pair, Error>;

    fn next(&mut self) -> Option<Result<Pair, Error>> {
        loop {
            match self.next_row()? {
                Ok((key, Some(value))) => return Some(Ok((key, value))),
                Ok((_, None)) => {}
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer<'s>(rows: &'s [(&str, &str)]) -> Rows<'s> {
        let bytes = |text: &str| text.as_bytes().to_vec();
        Box::new(rows.iter().map(move |(key, value)| Ok((bytes(key), (!value.is_empty()).then(|| bytes(value))))))
    }

    #[test]
    fn the_newest_layer_has_the_last_word_and_what_it_removed_is_gone() {
        let layers = [
            layer(&[("b", "newest"), ("c", "")]),
            layer(&[("c", "older"), ("d", ""), ("e", "older")]),
            layer(&[("a", "oldest"), ("b", "oldest"), ("d", "oldest")]),
        ];
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let pairs = Merge::of(layers).map(|pair| pair.map(|(key, value)| (text(key), text(value))).unwrap());
        let pairs: Vec<_> = pairs.collect();
        let expected = [("a", "oldest"), ("b", "newest"), ("e", "older")];
        assert_eq!(pairs, expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
    }

    #[test]
    fn a_failure_is_passed_on() {
        let failing: Rows<'_> = Box::new([Err(Error::Stopped { why: "the disk".to_owned() })].into_iter());
        let mut merge = Merge::of([layer(&[("a", "one")]), failing]);
        assert!(merge.next().unwrap().is_err());
        assert_eq!(merge.next().unwrap().unwrap().0, b"a");
    }
}
