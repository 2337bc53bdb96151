//! A store that lives as long as the process: for replays and simulation.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
};

use super::{Batch, Pair, Store};
use crate::Error;

/// A store in memory. A clone is a copy: what a disk would hold at this moment.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    pairs: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Store for MemoryStore {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.pairs.get(key).cloned())
    }

    fn scan_from(&self, prefix: &[u8], from: &[u8]) -> Box<dyn Iterator<Item = Result<Pair, Error>> + '_> {
        let prefix = prefix.to_vec();
        let pairs = self.pairs.range(from.to_vec()..);
        Box::new(pairs.take_while(move |(key, _)| key.starts_with(&prefix)).map(|(k, v)| Ok((k.clone(), v.clone()))))
    }

    fn commit(&mut self, batch: Batch) -> Result<(), Error> {
        for (key, value) in batch {
            match value {
                Some(value) => self.pairs.insert(key, value),
                None => self.pairs.remove(&key),
            };
        }
        Ok(())
    }
}

/// A store in memory that outlives who opened it, as a disk outlives a process. A clone is the same disk.
#[derive(Clone, Debug, Default)]
pub struct MemoryDisk(Arc<Mutex<MemoryStore>>);

impl MemoryDisk {
    /// A disk that holds what `store` does.
    pub fn holding(store: MemoryStore) -> MemoryDisk {
        MemoryDisk(Arc::new(Mutex::new(store)))
    }

    /// A copy of what it holds at this moment.
    pub fn copy(&self) -> MemoryStore {
        self.held().clone()
    }

    fn held(&self) -> MutexGuard<'_, MemoryStore> {
        self.0.lock().expect("nothing panics while it is held")
    }
}

impl Store for MemoryDisk {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.held().get(key)
    }

    fn scan_from(&self, prefix: &[u8], from: &[u8]) -> Box<dyn Iterator<Item = Result<Pair, Error>> + '_> {
        // A page at a time: whoever looks for one pair does not pay for all.
        let (prefix, mut next, mut page) = (prefix.to_vec(), Some(from.to_vec()), Vec::new().into_iter());
        Box::new(std::iter::from_fn(move || {
            if let Some(pair) = page.next() {
                return Some(pair);
            }
            let pairs: Vec<_> = self.held().scan_from(&prefix, &next.take()?).take(PAGE).collect();
            if let (Some(Ok((last, _))), PAGE) = (pairs.last(), pairs.len()) {
                next = Some([last.as_slice(), &[0]].concat());
            }
            page = pairs.into_iter();
            page.next()
        }))
    }

    fn commit(&mut self, batch: Batch) -> Result<(), Error> {
        self.held().commit(batch)
    }
}

/// How many pairs a scan takes from the disk at once.
const PAGE: usize = 16;
