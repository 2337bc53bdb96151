//! Where a service keeps what it knows. One ordered map of bytes, written in atomic batches.
//!
//! Invariant: when [`Store::commit`] returns, the whole batch is on the disk; after a crash at any moment before that,
//! the whole batch or nothing of it is there.

mod memory;
pub(crate) mod merge;
mod on_disk;

pub use memory::{MemoryDisk, MemoryStore};
pub use on_disk::DiskStore;

use std::collections::BTreeMap;

use crate::Error;

/// The largest key and value, together: sled would put larger leaves into files that it never syncs.
pub const MAX_ROW_BYTES: usize = 7 * 1024;

/// A key with its value.
pub type Pair = (Vec<u8>, Vec<u8>);

/// What one commit writes: a value for a key, or nothing where the key is removed.
pub type Batch = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// An ordered map of bytes with atomic, durable batches.
pub trait Store: Send {
    /// The value of `key`.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error>;

    /// The pairs whose key starts with `prefix`, from the key `from` on, in ascending order.
    fn scan_from(&self, prefix: &[u8], from: &[u8]) -> Box<dyn Iterator<Item = Result<Pair, Error>> + '_>;

    /// All pairs whose key starts with `prefix`, in ascending order.
    fn scan(&self, prefix: &[u8]) -> Box<dyn Iterator<Item = Result<Pair, Error>> + '_> {
        self.scan_from(prefix, prefix)
    }

    /// Writes all of `batch` or nothing; it is on the disk when this returns. An error is final: what was asked for may
    /// or may not be there, so the process has to open the store again.
    fn commit(&mut self, batch: Batch) -> Result<(), Error>;

    /// Whether [`Store::tidy`] would do something.
    fn would_tidy(&self) -> bool {
        false
    }

    /// Whether that does not bear much delay.
    fn has_to_tidy(&self) -> bool {
        false
    }

    /// What makes the next open faster, for a moment in which nobody waits: it may take seconds. Errors are final, as those
    /// of a commit.
    fn tidy(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What any store must do, whatever it is made of.
    #[track_caller]
    fn check(store: &mut dyn Store) {
        let batch = |pairs: &[(&str, Option<&str>)]| -> Batch {
            pairs.iter().map(|(k, v)| (k.as_bytes().to_vec(), v.map(|v| v.as_bytes().to_vec()))).collect()
        };
        store.commit(batch(&[("a/1", Some("one")), ("a/2", Some("two")), ("b/1", Some("three"))])).unwrap();
        store.commit(batch(&[("a/1", None), ("a/3", Some("four"))])).unwrap();
        assert_eq!(store.get(b"a/1").unwrap(), None);
        assert_eq!(store.get(b"a/2").unwrap(), Some(b"two".to_vec()));
        let keys = |pairs: Box<dyn Iterator<Item = Result<Pair, Error>> + '_>| -> Vec<_> {
            pairs.map(|pair| String::from_utf8(pair.unwrap().0).unwrap()).collect()
        };
        assert_eq!(keys(store.scan(b"a/")), ["a/2", "a/3"]);
        assert_eq!(keys(store.scan_from(b"a/", b"a/25")), ["a/3"]);
        assert_eq!(keys(store.scan_from(b"a/", b"b/")), [""; 0]);
    }

    #[test]
    fn memory_keeps_the_contract() {
        check(&mut MemoryStore::default());
        check(&mut MemoryDisk::default());
    }

    #[test]
    fn disk_keeps_the_contract_across_a_reopen() {
        let dir = tempfile::tempdir().unwrap();
        check(&mut DiskStore::open(dir.path()).unwrap());
        let store = DiskStore::open(dir.path()).unwrap();
        assert_eq!(store.get(b"a/3").unwrap(), Some(b"four".to_vec()));
    }

    #[test]
    fn a_store_that_is_open_elsewhere_is_refused_with_a_sentence() {
        let dir = tempfile::tempdir().unwrap();
        let _held = DiskStore::open(dir.path()).unwrap();
        let error = DiskStore::open(dir.path()).err().unwrap();
        assert!(matches!(error, Error::StoreLocked { .. }), "{error}");
    }

    #[test]
    fn what_a_kill_left_of_a_snapshot_does_not_stop_an_open() {
        let dir = tempfile::tempdir().unwrap();
        drop(DiskStore::open(dir.path()).unwrap());
        std::fs::write(dir.path().join("snap.0000000000000001.generating"), b"half").unwrap();
        DiskStore::open(dir.path()).unwrap();
    }
}
