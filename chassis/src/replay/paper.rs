//! A store in memory whose last commits can be taken back, so that a replay can try what fits.

use std::sync::{Arc, Mutex, MutexGuard};

use crate::{
    Error, MemoryStore,
    store::{Batch, Pair, Store},
};

/// A store that outlives its engine's commits. A clone is the same store.
#[derive(Clone, Default)]
pub(super) struct Paper(Arc<Mutex<Sheet>>);

#[derive(Default)]
struct Sheet {
    store: MemoryStore,
    /// What each commit wrote over, the oldest first.
    before: Vec<Batch>,
}

impl Paper {
    /// From here on commits can be taken back; those before stand for good.
    pub fn mark(&self) {
        self.open().before.clear();
    }

    /// Takes back every commit since the mark.
    pub fn take_back(&self) -> Result<(), Error> {
        let mut sheet = self.open();
        while let Some(before) = sheet.before.pop() {
            sheet.store.commit(before)?;
        }
        Ok(())
    }

    fn open(&self) -> MutexGuard<'_, Sheet> {
        self.0.lock().expect("one thread replays")
    }
}

impl Store for Paper {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.open().store.get(key)
    }

    fn scan_from(&self, prefix: &[u8], from: &[u8]) -> Box<dyn Iterator<Item = Result<Pair, Error>> + '_> {
        let pairs: Vec<_> = self.open().store.scan_from(prefix, from).collect();
        Box::new(pairs.into_iter())
    }

    fn commit(&mut self, batch: Batch) -> Result<(), Error> {
        let mut sheet = self.open();
        let before = batch.keys().map(|key| Ok((key.clone(), sheet.store.get(key)?))).collect::<Result<_, Error>>()?;
        sheet.before.push(before);
        sheet.store.commit(batch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_committed_since_the_mark_is_taken_back() {
        let mut paper = Paper::default();
        let put = |value: &str| Batch::from([(b"k".to_vec(), Some(value.as_bytes().to_vec()))]);
        paper.commit(put("old")).unwrap();
        paper.mark();
        paper.commit(put("new")).unwrap();
        paper.commit(Batch::from([(b"k".to_vec(), None), (b"l".to_vec(), Some(Vec::new()))])).unwrap();
        paper.take_back().unwrap();
        assert_eq!(paper.get(b"k").unwrap(), Some(b"old".to_vec()));
        assert_eq!(paper.get(b"l").unwrap(), None);
    }
}
