//! What is in the ledger, to look things up: where each line stands, and which lines an id or a key may belong to. What they
//! say is read back from the disk, which is seldom asked for: when a key or an id comes again, and by refunds.
//!
//! Holds exactly what is on disk, whenever others look: an entry is admitted, then written, then entered. Those that are
//! written together are pencilled in to be decided one upon the other, and rubbed out until they are written.

use std::{
    collections::{BTreeSet, HashMap},
    fs::File,
    hash::{BuildHasher, RandomState},
    io,
    os::unix::fs::FileExt,
    path::Path,
    sync::Arc,
};

use crate::{
    entry::{Entry, Kind},
    ledger::ledger_path,
};

/// Makes a number of an id or a key. Two may have the same.
type Hashing = Box<dyn Fn(&str) -> u64 + Send>;

/// Everything that happened, in order, found by object id and by idempotency key.
pub struct Book {
    ledger: Arc<File>,
    /// Where each line ends.
    ends: Vec<u64>,
    /// The numbers that were made of an id or a key, with its line, counted from nought.
    names: BTreeSet<(u64, u32)>,
    hash: Hashing,
    refunded: HashMap<String, i64>,
    /// What stands behind the last line, as if it were written.
    pencilled: Vec<Arc<Entry>>,
}

impl Book {
    /// One in which nothing is entered yet, of the ledger in `folder`, which is there.
    ///
    /// # Errors
    /// The file system's.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let state = RandomState::new();
        Ok(Self {
            ledger: Arc::new(File::open(ledger_path(folder))?),
            ends: Vec::new(),
            names: BTreeSet::new(),
            hash: Box::new(move |name| state.hash_one(name)),
            refunded: HashMap::new(),
            pencilled: Vec::new(),
        })
    }

    /// The lines of everything that happened, oldest first: the file, and how many bytes of it.
    pub fn lines(&self) -> (Arc<File>, u64) {
        (Arc::clone(&self.ledger), self.ends.last().copied().unwrap_or(0))
    }

    /// The entry that made the object `id`.
    ///
    /// # Errors
    /// A line cannot be read back.
    pub fn by_id(&self, id: &str) -> io::Result<Option<Arc<Entry>>> {
        self.find(id, |entry| entry.id == id)
    }

    /// The entry that was made under an idempotency key.
    ///
    /// # Errors
    /// A line cannot be read back.
    pub fn by_key(&self, key: &str) -> io::Result<Option<Arc<Entry>>> {
        self.find(key, |entry| entry.idempotency_key.as_deref() == Some(key))
    }

    /// What of a charge has not been given back yet, in minor units.
    pub fn unrefunded(&self, charge: &Entry) -> i64 {
        charge.amount - self.refunded.get(&charge.id).copied().unwrap_or(0)
    }

    /// Whether `entry` can follow what is here; otherwise the contradiction, in words: an id or a key used twice, or a refund
    /// of what was never charged.
    ///
    /// # Errors
    /// A line cannot be read back.
    pub fn admits(&self, entry: &Entry) -> io::Result<Result<(), String>> {
        if self.by_id(&entry.id)?.is_some() {
            return Ok(Err(format!("{} is there already", entry.id)));
        }
        if let Some(key) = &entry.idempotency_key
            && self.by_key(key)?.is_some()
        {
            return Ok(Err(format!("idempotency key {key:?} is there already")));
        }
        let Kind::Refund { payment_intent, .. } = &entry.kind else {
            return Ok(Ok(()));
        };
        Ok(match self.by_id(payment_intent)? {
            Some(paid) if !matches!(paid.kind, Kind::Charge { .. }) => {
                Err(format!("{payment_intent} was never charged"))
            }
            Some(paid) if self.unrefunded(&paid) < entry.amount => {
                Err(format!("{payment_intent} has less than that left"))
            }
            Some(_) => Ok(()),
            None => Err(format!("{payment_intent} is unknown")),
        })
    }

    /// Remembers an entry that is admitted, and written: its line is the next one, up to the byte `end`. Nothing is pencilled
    /// in meanwhile.
    pub fn enter(&mut self, entry: &Entry, end: u64) {
        self.note(entry);
        self.ends.push(end);
    }

    /// Remembers an entry that is admitted, until [`Book::rub_out`].
    pub fn pencil_in(&mut self, entry: Arc<Entry>) {
        self.note(&entry);
        self.pencilled.push(entry);
    }

    /// Forgets what was pencilled in, as if it had never been.
    pub fn rub_out(&mut self) {
        while let Some(entry) = self.pencilled.pop() {
            self.count(&entry, -entry.amount);
            for name in self.names_behind_all(&entry) {
                self.names.remove(&name);
            }
        }
    }

    fn note(&mut self, entry: &Entry) {
        self.count(entry, entry.amount);
        let names = self.names_behind_all(entry);
        self.names.extend(names);
    }

    /// Counts `amount` as given back, where `entry` is a refund.
    fn count(&mut self, entry: &Entry, amount: i64) {
        if let Kind::Refund { payment_intent, .. } = &entry.kind {
            *self.refunded.entry(payment_intent.clone()).or_default() += amount;
        }
    }

    /// What `entry` is found by, where its line is the one behind all.
    fn names_behind_all(&self, entry: &Entry) -> Vec<(u64, u32)> {
        let line = self.ends.len() + self.pencilled.len();
        let line = u32::try_from(line).expect("a ledger of four billion lines");
        let names = [Some(&entry.id), entry.idempotency_key.as_ref()];
        names.into_iter().flatten().map(|name| ((self.hash)(name), line)).collect()
    }

    fn find(&self, name: &str, is_meant: impl Fn(&Entry) -> bool) -> io::Result<Option<Arc<Entry>>> {
        let hash = (self.hash)(name);
        for (_, line) in self.names.range((hash, 0)..=(hash, u32::MAX)) {
            let entry = self.read(*line as usize)?;
            if is_meant(&entry) {
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }

    fn read(&self, line: usize) -> io::Result<Arc<Entry>> {
        let Some(end) = self.ends.get(line) else {
            return Ok(Arc::clone(&self.pencilled[line - self.ends.len()]));
        };
        let begin = line.checked_sub(1).map_or(0, |before| self.ends[before]);
        let mut bytes = vec![0; (end - begin) as usize];
        self.ledger.read_exact_at(&mut bytes, begin)?;
        Ok(Arc::new(serde_json::from_slice(&bytes)?))
    }
}

#[cfg(test)]
pub mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::{ids, ledger::Ledger};

    /// A book with its ledger.
    struct Kept {
        _folder: TempDir,
        ledger: Ledger,
        book: Book,
    }

    impl Kept {
        fn holding(entries: &[Entry]) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let (ledger, book) = new(folder.path());
            let mut kept = Self { _folder: folder, ledger, book };
            entries.iter().for_each(|entry| kept.write(entry));
            kept
        }

        fn write(&mut self, entry: &Entry) {
            self.book.admits(entry).unwrap().unwrap();
            let ends = self.ledger.append(&[Arc::new(entry.clone())]).unwrap();
            self.book.enter(entry, ends[0]);
        }

        fn ids(&self) -> Vec<String> {
            ids_of(&self.book)
        }
    }

    /// A new ledger, with the book of it.
    pub fn new(folder: &Path) -> (Ledger, Book) {
        let (ledger, _) = Ledger::open(folder).unwrap();
        (ledger, Book::open(folder).unwrap())
    }

    /// The ids in a book, oldest first.
    pub fn ids_of(book: &Book) -> Vec<String> {
        (0..book.ends.len()).map(|line| book.read(line).unwrap().id.clone()).collect()
    }

    pub fn charge(id: &str, key: &str, amount: i64) -> Entry {
        Entry {
            at: jiff::Timestamp::UNIX_EPOCH,
            kind: Kind::Charge { charge: id.replace("pi", "ch"), payment_method: "pm_card_visa".to_owned() },
            id: id.to_owned(),
            idempotency_key: Some(key.to_owned()),
            request: ids::digest(key.as_bytes()),
            order_id: Some("o-1".to_owned()),
            amount,
            currency: "usd".to_owned(),
            metadata: [("order_id".to_owned(), "o-1".to_owned())].into(),
        }
    }

    fn decline(id: &str, key: &str) -> Entry {
        let kind = Kind::Decline { charge: id.replace("pi", "ch"), payment_method: "pm_card_declined".to_owned() };
        Entry { kind, ..charge(id, key, 100) }
    }

    pub fn refund(id: &str, key: &str, payment_intent: &str, amount: i64) -> Entry {
        let kind = Kind::Refund {
            payment_intent: payment_intent.to_owned(),
            charge: payment_intent.replace("pi", "ch"),
            reason: None,
        };
        Entry { kind, ..charge(id, key, amount) }
    }

    #[track_caller]
    fn check(entries: &[Entry], next: &Entry, expected: Result<(), &str>) {
        let admitted = Kept::holding(entries).book.admits(next).unwrap();
        assert_eq!(admitted.as_ref().map(|&()| ()).map_err(String::as_str), expected);
    }

    #[test]
    fn an_id_happens_once() {
        let entries = [charge("pi_1", "a", 100)];
        check(&entries, &charge("pi_1", "b", 100), Err("pi_1 is there already"));
    }

    #[test]
    fn a_key_happens_once() {
        let entries = [charge("pi_1", "a", 100)];
        let again = charge("pi_2", "a", 100);
        check(&entries, &again, Err("idempotency key \"a\" is there already"));
    }

    #[test]
    fn refunds_add_up_to_the_charge_and_no_further() {
        let entries = [charge("pi_1", "a", 100), refund("re_1", "b", "pi_1", 60)];
        check(&entries, &refund("re_2", "c", "pi_1", 40), Ok(()));
        let too_much = refund("re_2", "c", "pi_1", 41);
        check(&entries, &too_much, Err("pi_1 has less than that left"));
    }

    #[test]
    fn only_what_was_charged_is_refunded() {
        let entries = [decline("pi_1", "a")];
        check(&entries, &refund("re_1", "b", "pi_1", 1), Err("pi_1 was never charged"));
        check(&entries, &refund("re_1", "b", "pi_2", 1), Err("pi_2 is unknown"));
    }

    #[test]
    fn what_is_rubbed_out_never_was() {
        let written = [charge("pi_1", "a", 100), refund("re_1", "b", "pi_1", 10)];
        let pencilled = [refund("re_2", "c", "pi_1", 60), charge("pi_2", "d", 100), refund("re_3", "e", "pi_2", 100)];
        let mut kept = Kept::holding(&written);
        for entry in &pencilled {
            kept.book.admits(entry).unwrap().unwrap();
            kept.book.pencil_in(Arc::new(entry.clone()));
        }
        assert_eq!(kept.book.by_key("d").unwrap().unwrap().id, "pi_2");
        kept.book.rub_out();
        assert_eq!(kept.ids(), ["pi_1", "re_1"]);
        for entry in &pencilled {
            let key = entry.idempotency_key.as_ref().unwrap();
            assert_eq!((kept.book.by_id(&entry.id).unwrap(), kept.book.by_key(key).unwrap()), (None, None));
        }
        let paid = kept.book.by_id("pi_1").unwrap().unwrap();
        assert_eq!((&*paid, kept.book.unrefunded(&paid)), (&written[0], 90));
        pencilled.iter().for_each(|entry| kept.write(entry));
        assert_eq!(kept.ids(), ["pi_1", "re_1", "re_2", "pi_2", "re_3"]);
    }

    #[test]
    fn names_that_make_the_same_number_are_told_apart() {
        let mut kept = Kept::holding(&[]);
        kept.book.hash = Box::new(|_| 7);
        let entries = [charge("pi_1", "a", 100), charge("pi_2", "b", 200), charge("b", "pi_1", 300)];
        entries.iter().for_each(|entry| kept.write(entry));
        let found = |entry: io::Result<Option<Arc<Entry>>>| entry.unwrap().map(|it| it.amount);
        let ids = ["pi_1", "pi_2", "b", "a"].map(|id| found(kept.book.by_id(id)));
        assert_eq!(ids, [Some(100), Some(200), Some(300), None]);
        let keys = ["a", "b", "pi_1", "pi_2"].map(|key| found(kept.book.by_key(key)));
        assert_eq!(keys, [Some(100), Some(200), Some(300), None]);
        assert_eq!(kept.book.admits(&charge("pi_3", "c", 100)).unwrap(), Ok(()));
    }
}
