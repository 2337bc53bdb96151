//! The ledger in memory, to look things up.
//!
//! Holds exactly what is on disk, whenever others look: an entry is admitted, then written, then entered. Those that are
//! written together are entered to be decided one upon the other, and taken back until they are written.

use std::{collections::HashMap, sync::Arc};

use crate::entry::{Entry, Kind};

/// Everything that happened, in order, found by object id and by idempotency key.
#[derive(Default)]
pub struct Book {
    entries: Vec<Arc<Entry>>,
    by_id: HashMap<String, Arc<Entry>>,
    by_key: HashMap<String, Arc<Entry>>,
    refunded: HashMap<String, i64>,
}

impl Book {
    /// Everything that happened, oldest first.
    pub fn entries(&self) -> &[Arc<Entry>] {
        &self.entries
    }

    /// The entry that made the object `id`.
    pub fn by_id(&self, id: &str) -> Option<&Arc<Entry>> {
        self.by_id.get(id)
    }

    /// The entry that was made under an idempotency key.
    pub fn by_key(&self, key: &str) -> Option<&Arc<Entry>> {
        self.by_key.get(key)
    }

    /// What of a charge has not been given back yet, in minor units.
    pub fn unrefunded(&self, charge: &Entry) -> i64 {
        charge.amount - self.refunded.get(&charge.id).copied().unwrap_or(0)
    }

    /// Whether `entry` can follow what is here.
    ///
    /// # Errors
    /// The contradiction, in words: an id or a key used twice, or a refund of what was never charged.
    pub fn admits(&self, entry: &Entry) -> Result<(), String> {
        if self.by_id.contains_key(&entry.id) {
            return Err(format!("{} is there already", entry.id));
        }
        if let Some(key) = &entry.idempotency_key
            && self.by_key.contains_key(key)
        {
            return Err(format!("idempotency key {key:?} is there already"));
        }
        let Kind::Refund { payment_intent, .. } = &entry.kind else {
            return Ok(());
        };
        match self.by_id(payment_intent) {
            Some(paid) if !matches!(paid.kind, Kind::Charge { .. }) => {
                Err(format!("{payment_intent} was never charged"))
            }
            Some(paid) if self.unrefunded(paid) < entry.amount => {
                Err(format!("{payment_intent} has less than that left"))
            }
            Some(_) => Ok(()),
            None => Err(format!("{payment_intent} is unknown")),
        }
    }

    /// Remembers an entry that is admitted.
    pub fn enter(&mut self, entry: Arc<Entry>) {
        if let Kind::Refund { payment_intent, .. } = &entry.kind {
            *self.refunded.entry(payment_intent.clone()).or_default() += entry.amount;
        }
        if let Some(key) = &entry.idempotency_key {
            self.by_key.insert(key.clone(), Arc::clone(&entry));
        }
        self.by_id.insert(entry.id.clone(), Arc::clone(&entry));
        self.entries.push(entry);
    }

    /// Forgets all but the oldest `kept` entries, as if the others had never been entered.
    pub fn take_back(&mut self, kept: usize) {
        for entry in self.entries.drain(kept..) {
            if let Kind::Refund { payment_intent, .. } = &entry.kind {
                *self.refunded.entry(payment_intent.clone()).or_default() -= entry.amount;
            }
            if let Some(key) = &entry.idempotency_key {
                self.by_key.remove(key);
            }
            self.by_id.remove(&entry.id);
        }
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::ids;

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
        let mut book = Book::default();
        for entry in entries {
            book.admits(entry).unwrap();
            book.enter(Arc::new(entry.clone()));
        }
        let admitted = book.admits(next);
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
    fn what_is_taken_back_never_was() {
        let kept = [charge("pi_1", "a", 100), refund("re_1", "b", "pi_1", 10)];
        let taken = [refund("re_2", "c", "pi_1", 60), charge("pi_2", "d", 100), refund("re_3", "e", "pi_2", 100)];
        let mut book = Book::default();
        for entry in kept.iter().chain(&taken) {
            book.enter(Arc::new(entry.clone()));
        }
        book.take_back(2);
        assert_eq!(book.entries(), kept.map(Arc::new));
        for entry in &taken {
            assert_eq!((book.by_id(&entry.id), book.by_key(entry.idempotency_key.as_ref().unwrap())), (None, None));
        }
        assert_eq!(book.unrefunded(book.by_id("pi_1").unwrap()), 90);
        for entry in taken {
            book.admits(&entry).unwrap();
            book.enter(Arc::new(entry));
        }
    }
}
