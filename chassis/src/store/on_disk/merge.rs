//! One ordered view of several layers, of which the newest has the last word on a key.

use crate::{Error, store::Pair};

/// A row as a layer has it: nothing as its value where the layer removes it.
pub(super) type Row = (Vec<u8>, Option<Vec<u8>>);

/// Rows in ascending order.
pub(super) type Rows<'s> = Box<dyn Iterator<Item = Result<Row, Error>> + 's>;

/// A layer, as far as it is not read yet.
struct Layer<'s> {
    next: Option<Result<Row, Error>>,
    rest: Rows<'s>,
}

/// The pairs of all layers, ascending.
pub(super) struct Merge<'s>(Vec<Layer<'s>>);

impl Layer<'_> {
    /// The key of the next row. A failure has none, and comes before all keys.
    fn key(&self) -> Option<&[u8]> {
        self.next.as_ref()?.as_ref().ok().map(|(key, _)| key.as_slice())
    }

    fn take(&mut self) -> Option<Result<Row, Error>> {
        std::mem::replace(&mut self.next, self.rest.next())
    }
}

impl<'s> Merge<'s> {
    /// Of `layers`, the newest first.
    pub fn of(layers: impl IntoIterator<Item = Rows<'s>>) -> Merge<'s> {
        let layer = |mut rest: Rows<'s>| Layer { next: rest.next(), rest };
        Merge(layers.into_iter().map(layer).collect())
    }

    /// The next row, from the newest layer that has it; the older ones pass over theirs.
    fn next_row(&mut self) -> Option<Result<Row, Error>> {
        let waiting = self.0.iter().enumerate().filter(|(_, layer)| layer.next.is_some());
        // The first of several with the same key.
        let (newest, _) = waiting.min_by_key(|(_, layer)| layer.key())?;
        let row = self.0[newest].take()?;
        if let Ok((key, _)) = &row {
            let same = self.0[newest + 1..].iter_mut().filter(|layer| layer.key() == Some(key));
            same.for_each(|layer| drop(layer.take()));
        }
        Some(row)
    }
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
