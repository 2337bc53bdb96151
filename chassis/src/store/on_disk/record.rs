//! One commit as it stands in the journal: its length, its number, a figure over all of it, and its rows.
//!
//! Invariant: what reads as a record with the number that is expected is that commit, whole. A write that was cut off, what
//! an earlier use of the file left behind it, zeros and damage do not read as one.

use super::print::print;
use crate::store::Batch;

/// Length, number and figure.
const HEAD: usize = 4 + 8 + 16;

/// The length that a removed value has.
const REMOVED: u32 = u32::MAX;

/// Writes the commit with this number behind what is in `buffer`.
pub(super) fn encode(commit: u64, rows: &Batch, buffer: &mut Vec<u8>) {
    let head = buffer.len();
    buffer.resize(head + HEAD, 0);
    for (key, value) in rows {
        let length = |bytes: &[u8]| u32::try_from(bytes.len()).expect("rows have 7 KiB at most");
        buffer.extend(length(key).to_le_bytes());
        buffer.extend(value.as_deref().map_or(REMOVED, length).to_le_bytes());
        buffer.extend(key);
        buffer.extend(value.as_deref().unwrap_or_default());
    }
    let (number, body) = (commit.to_le_bytes(), &buffer[head + HEAD..]);
    let length = u32::try_from(body.len()).expect("a commit is far smaller than 4 GiB").to_le_bytes();
    let figure = print(&number, body).to_le_bytes();
    buffer[head..head + HEAD].copy_from_slice(&[&length, number.as_slice(), &figure].concat());
}

/// A record that was read.
pub(super) struct Record<'b> {
    /// Which commit it is.
    pub commit: u64,
    /// Its rows, as [`rows`] reads them.
    pub body: &'b [u8],
    /// How many bytes it takes.
    pub length: usize,
}

/// How long the record at the beginning of `bytes` says it is, whole or not.
pub(super) fn length(bytes: &[u8]) -> Option<usize> {
    bytes.first_chunk().map(|length| HEAD + u32::from_le_bytes(*length) as usize)
}

/// Reads the record at the beginning of `bytes`; none where there is none that is whole.
pub(super) fn decode(bytes: &[u8]) -> Option<Record<'_>> {
    let (length, rest) = bytes.split_first_chunk()?;
    let (number, rest) = rest.split_first_chunk()?;
    let (figure, rest) = rest.split_first_chunk()?;
    let body = rest.get(..u32::from_le_bytes(*length) as usize)?;
    let whole = print(number, body) == u128::from_le_bytes(*figure);
    whole.then(|| Record { commit: u64::from_le_bytes(*number), body, length: HEAD + body.len() })
}

/// The rows in the body of a record; none where they do not read, which is a mistake of ours.
pub(super) fn rows(mut body: &[u8]) -> Option<Batch> {
    let mut rows = Batch::new();
    while !body.is_empty() {
        let (key, rest) = body.split_first_chunk()?;
        let (value, rest) = rest.split_first_chunk()?;
        let (key, rest) = rest.split_at_checked(u32::from_le_bytes(*key) as usize)?;
        let length = u32::from_le_bytes(*value);
        let (value, rest) = rest.split_at_checked(if length == REMOVED { 0 } else { length as usize })?;
        rows.insert(key.to_vec(), (length != REMOVED).then(|| value.to_vec()));
        body = rest;
    }
    Some(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(number: u64) -> (Batch, Vec<u8>) {
        let rows = Batch::from([
            (b"a/1".to_vec(), Some(b"one".to_vec())),
            (b"a/2".to_vec(), None),
            (b"a/3".to_vec(), Some(Vec::new())),
        ]);
        let mut bytes = Vec::new();
        encode(number, &rows, &mut bytes);
        (rows, bytes)
    }

    #[test]
    fn a_commit_reads_back_from_its_record() {
        let (written, mut bytes) = commit(7);
        let length = bytes.len();
        bytes.extend(b"what stood there before");
        let record = decode(&bytes).unwrap();
        assert_eq!((record.commit, record.length), (7, length));
        assert_eq!(rows(record.body).unwrap(), written);
    }

    #[test]
    fn no_part_of_a_record_and_no_damaged_one_reads() {
        let (_, bytes) = commit(7);
        for end in 0..bytes.len() {
            assert!(decode(&bytes[..end]).is_none(), "{end} of {} bytes", bytes.len());
        }
        for at in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[at / 8] ^= 1 << (at % 8);
            assert!(decode(&damaged).is_none(), "bit {at}");
        }
        assert!(decode(&[0; 4096]).is_none());
    }
}
