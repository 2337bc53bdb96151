use jiff::SignedDuration;

use super::*;
use crate::{MemoryDisk, MemoryStore, engine::timed, store::Pair};

fn id(number: u64) -> EventId {
    EventId::derived(&[&number.to_string()])
}

fn at(second: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(second)
}

/// A mark that tells ids apart.
fn mark_of(number: u64) -> Mark {
    Mark::new(number.to_be_bytes(), at(number.try_into().unwrap()))
}

fn commit_marks(inbox: &mut Inbox, store: &mut dyn Store, marks: impl IntoIterator<Item = (EventId, Mark)>) {
    let mut writes = Batch::new();
    inbox.write(marks.into_iter().collect(), &mut writes);
    inbox.commit(store, writes).unwrap();
}

fn keys(store: &dyn Store) -> Vec<Vec<u8>> {
    store.scan(key::INBOX).map(|pair| pair.unwrap().0).collect()
}

/// What is known of `id` in a process that goes on, and in one that starts anew.
#[track_caller]
fn check(inbox: &Inbox, store: &MemoryStore, id: EventId, expected: Option<Mark>) {
    assert_eq!(inbox.find(store, id).unwrap(), expected);
    let mut copy = store.clone();
    assert_eq!(Inbox::open(&mut copy).unwrap().find(store, id).unwrap(), expected, "opened anew");
}

#[test]
fn each_of_many_marks_of_one_commit_is_known_and_they_are_few_rows() {
    let mut store = MemoryStore::default();
    let mut inbox = Inbox::open(&mut store).unwrap();
    commit_marks(&mut inbox, &mut store, (0..1000).map(|it| (id(it), mark_of(it))));
    assert_eq!(keys(&store).len(), 16);
    assert!(store.scan(key::INBOX).all(|pair| pair.unwrap().1.len() <= crate::store::MAX_ROW_BYTES - 10));
    let again = Inbox::open(&mut store.clone()).unwrap();
    for number in 0..1000 {
        assert_eq!(inbox.find(&store, id(number)).unwrap(), Some(mark_of(number)));
        assert_eq!(again.find(&store, id(number)).unwrap(), Some(mark_of(number)));
    }
    check(&inbox, &store, id(1000), None);
}

#[test]
fn of_an_id_that_was_marked_again_the_later_mark_counts() {
    let mut store = MemoryStore::default();
    let mut inbox = Inbox::open(&mut store).unwrap();
    for number in [7, 9, 8] {
        commit_marks(&mut inbox, &mut store, [(id(1), mark_of(number))]);
    }
    check(&inbox, &store, id(1), Some(mark_of(8)));
}

#[test]
fn a_page_that_is_removed_takes_its_own_marks_along_and_no_other() {
    let mut store = MemoryStore::default();
    let mut inbox = Inbox::open(&mut store).unwrap();
    commit_marks(&mut inbox, &mut store, [(id(1), mark_of(1)), (id(2), mark_of(2))]);
    commit_marks(&mut inbox, &mut store, [(id(2), mark_of(3)), (id(4), mark_of(4))]);
    inbox.commit(&mut store, [(key::page(0), None)].into()).unwrap();
    check(&inbox, &store, id(1), None);
    check(&inbox, &store, id(2), Some(mark_of(3)));
    assert!(inbox.index.pages(id(1), inbox.next).is_empty());
    assert_eq!(inbox.index.pages(id(2), inbox.next), [1]);
    // The next page is a new one.
    commit_marks(&mut inbox, &mut store, [(id(5), mark_of(5))]);
    assert_eq!(keys(&store), [key::page(1), key::page(2)]);
}

#[test]
fn ids_that_differ_in_few_bits_are_told_apart_without_a_look_into_pages() {
    let mut index = Index::default();
    let id = |number: u128| EventId::from_bytes(number.to_be_bytes());
    for number in 0..10_000 {
        index.insert(Entry::of(id(number), number.try_into().unwrap()));
    }
    let in_vain: usize = (10_000..20_000).map(|number| index.pages(id(number), 10_000).len()).sum();
    assert!(in_vain < 10, "{in_vain} of 10,000");
    assert!((0..10_000).all(|number| index.pages(id(number), 10_000).iter().any(|page| u128::from(*page) == number)));
}

#[test]
fn what_happened_on_different_days_is_forgotten_by_itself() {
    let mark = |number, second| (id(number), Mark::new([0; PRINT], at(second)));
    let day = 24 * 3600;
    let marks = [mark(1, 0), mark(2, 100 * day), mark(3, day), mark(4, day + 1), (id(5), Mark::for_good([0; PRINT]))];
    let pages = page::pages(marks.into());
    let latest: Vec<_> = pages.iter().map(|it| (page::entries(it), page::latest(it))).collect();
    assert_eq!(latest, [(2, Some(at(day))), (1, Some(at(day + 1))), (1, Some(at(100 * day))), (1, None)]);
}

/// A disk that takes so many more commits, and no other.
struct Ending {
    disk: MemoryDisk,
    left: u32,
}

impl Store for Ending {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.disk.get(key)
    }

    fn scan_from(&self, prefix: &[u8], from: &[u8]) -> Box<dyn Iterator<Item = Result<Pair, Error>> + '_> {
        self.disk.scan_from(prefix, from)
    }

    fn commit(&mut self, batch: Batch) -> Result<(), Error> {
        let ended = || Error::Stopped { why: "the process ends here".to_owned() };
        self.left = self.left.checked_sub(1).ok_or_else(ended)?;
        self.disk.commit(batch)
    }
}

#[test]
fn a_store_of_an_older_version_is_taken_over_wherever_it_is_cut_off() {
    let row = |id: EventId| [key::INBOX, id.as_bytes()].concat();
    // It sorts among the pages.
    let zero = EventId::from_bytes([0; 16]);
    let of_old =
        (0..10_000).map(|it| (row(id(it)), Some(timed(it.to_be_bytes().to_vec(), at(it.try_into().unwrap())))));
    let oldest = [(row(zero), Some(vec![7; PRINT])), (row(id(10_000)), Some(vec![8; PRINT]))];
    for commits in 0..4 {
        let mut disk = MemoryDisk::default();
        disk.commit(of_old.clone().chain(oldest.clone()).collect()).unwrap();
        let cut_off = Inbox::open(&mut Ending { disk: disk.clone(), left: commits });
        assert_eq!(cut_off.is_err(), commits < 3, "10,002 rows take three commits");
        let inbox = Inbox::open(&mut disk).unwrap();
        let store = disk.copy();
        for number in 0..10_000 {
            assert_eq!(inbox.find(&store, id(number)).unwrap(), Some(mark_of(number)), "{commits}, {number}");
        }
        check(&inbox, &store, zero, Some(Mark::for_good([7; PRINT])));
        check(&inbox, &store, id(10_000), Some(Mark::for_good([8; PRINT])));
        assert!(keys(&store).len() < 170 && keys(&store).iter().all(|key| page::number(key).is_some()));
    }
}
