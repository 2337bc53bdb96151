//! A store that lives as long as the process: for replays and simulation.

use std::collections::BTreeMap;

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
