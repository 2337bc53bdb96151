//! A store in memory whose last commits can be taken back, so that a replay can try what fits.

use std::sync::{Arc, Mutex, MutexGuard};

use crate::{
    Error, MemoryStore,
    inbox::Inbox,
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

    /// Takes back every commit since the mark. The `inbox` of the engine goes back with them.
    pub fn take_back(&mut self, inbox: &mut Inbox) -> Result<(), Error> {
        while let Some(before) = self.last() {
            inbox.commit(self, before)?;
            // That was no commit to be taken back.
            self.last();
        }
        Ok(())
    }

    fn last(&self) -> Option<Batch> {
        self.open().before.pop()
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
    use events::EventId;

    use super::*;
    use crate::inbox::{Mark, Marks};

    #[test]
    fn what_was_committed_since_the_mark_is_taken_back() {
        let mut paper = Paper::default();
        let mut inbox = Inbox::open(&mut paper).unwrap();
        let known = |inbox: &Inbox, paper: &Paper, id| inbox.find(paper, id).unwrap().is_some();
        let [old, new] = ["old", "new"].map(|id| EventId::derived(&[id]));
        let page = |inbox: &Inbox, id| {
            let mut writes = Batch::new();
            inbox.write(Marks::from([(id, Mark::for_good([0; 8]))]), &mut writes);
            writes
        };
        let put = |value: &str| Batch::from([(b"k".to_vec(), Some(value.as_bytes().to_vec()))]);
        paper.commit(put("old")).unwrap();
        let first = page(&inbox, old);
        inbox.commit(&mut paper, first.clone()).unwrap();
        paper.mark();
        let second = page(&inbox, new);
        inbox.commit(&mut paper, second).unwrap();
        inbox.commit(&mut paper, first.into_keys().map(|key| (key, None)).collect()).unwrap();
        assert!(known(&inbox, &paper, new) && !known(&inbox, &paper, old));
        paper.commit(put("new")).unwrap();
        paper.commit(Batch::from([(b"k".to_vec(), None), (b"l".to_vec(), Some(Vec::new()))])).unwrap();
        paper.take_back(&mut inbox).unwrap();
        assert_eq!(paper.get(b"k").unwrap(), Some(b"old".to_vec()));
        assert_eq!(paper.get(b"l").unwrap(), None);
        assert!(known(&inbox, &paper, old) && !known(&inbox, &paper, new));
    }
}
