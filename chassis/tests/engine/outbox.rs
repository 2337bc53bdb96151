//! What the broker has not confirmed is published, and what it confirmed is kept, however it was said together, confirmed
//! together, lost and forgotten. The engine is held against a list of rows that knows nothing of chunks and groups.

use std::collections::{BTreeMap, BTreeSet};

use chassis::{Compared, MemoryDisk, Receipt};

use super::{
    forgetting::{KEEPING, at, forgetful, rang_at, stream},
    *,
};

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn up_to(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % (most + 1)
    }
}

/// A service with a broker, and what is to be true of its outbox.
struct House {
    disk: MemoryDisk,
    engine: Engine,
    second: i64,
    /// The second of what was heard last: the broker's clock.
    clock: i64,
    events: u64,
    published: u64,
    /// Rows that are not confirmed.
    queue: BTreeMap<u64, chassis::OutboxRow>,
    /// Rows that are, and no commit took the word along yet.
    told: BTreeMap<u64, chassis::OutboxRow>,
    /// Rows that are confirmed in the store, with the second.
    confirmed: BTreeMap<u64, i64>,
}

impl House {
    fn new() -> House {
        let disk = MemoryDisk::default();
        let engine = forgetful(&disk);
        let (queue, told, confirmed) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        House { disk, engine, second: 1, clock: 1, events: 0, published: 0, queue, told, confirmed }
    }

    fn committed(&mut self) {
        let told = std::mem::take(&mut self.told);
        self.confirmed.extend(told.into_keys().map(|row| (row, self.clock)));
    }

    /// One commit says so much, each of these as long.
    fn say(&mut self, many: u64, long: u64) {
        let inputs: Vec<_> = (0..many)
            .map(|_| {
                self.events += 1;
                let text = "x".repeat(usize::try_from(long).unwrap() + 1);
                rang_at(1, &format!("e-{}", self.events), &text, self.second, 0)
            })
            .collect();
        let released = self.engine.take(inputs).unwrap();
        self.queue.extend(released.said.into_iter().map(|row| (row.number, row)));
        if many > 0 {
            self.clock = self.second;
            self.committed();
        }
    }

    /// The broker confirms the first so many.
    fn publish(&mut self, many: u64) {
        let mut receipts = Vec::new();
        for _ in 0..many {
            let Some((number, row)) = self.queue.pop_first() else { break };
            self.published += 1;
            receipts.push(row.receipt(stream(), self.published));
            self.told.insert(number, row);
        }
        self.engine.take(vec![Input::Published { receipts, time: at(self.second) }]).unwrap();
    }

    /// The broker loses every row of these that it confirmed.
    fn lose(&mut self, lost: impl Fn(u64) -> bool) {
        let confirmed = self.confirmed.keys().chain(self.told.keys());
        let lost: Vec<_> = confirmed.copied().filter(|row| lost(*row)).collect();
        let again = self.engine.take(vec![Input::Gone(lost.clone())]).unwrap().said;
        let again: BTreeMap<_, _> = again.into_iter().map(|row| (row.number, row)).collect();
        for row in &lost {
            let since = self.confirmed.remove(row);
            let told = self.told.remove(row).is_some();
            let kept = told || since.is_some_and(|since| since > self.limit());
            assert!(again.contains_key(row) || !kept, "row {row} is kept, was lost and is not published again");
        }
        assert!(again.keys().all(|row| lost.contains(row)));
        self.queue.extend(again);
        if lost.iter().any(|row| self.queue.contains_key(row)) {
            // Where something was in the store, there was a commit.
            self.engine.tidy().unwrap();
            self.committed();
        }
    }

    fn start_again(&mut self) {
        self.queue.append(&mut self.told);
        self.engine = forgetful(&self.disk);
    }

    /// Writes the store as an older version did: a row for each mark, message and receipt.
    fn write_as_an_older_version(&mut self) {
        let mut batch = Batch::new();
        for pair in self.disk.scan(b"").map(Result::unwrap) {
            let (prefix, value) = (pair.0[..2].to_vec(), pair.1.as_slice());
            let last = || u64::from_be_bytes(*pair.0.last_chunk().unwrap());
            let parts: Vec<(Vec<u8>, Vec<u8>)> = match prefix.as_slice() {
                b"i/" => value.chunks(32).map(|mark| (mark[..16].to_vec(), mark[16..].to_vec())).collect(),
                b"o/" => {
                    let texts: Vec<_> = value.split(|byte| *byte == 0xFF).map(<[u8]>::to_vec).collect();
                    let first = last() + 1 - texts.len() as u64;
                    (first..).map(|number| number.to_be_bytes().to_vec()).zip(texts).collect()
                }
                b"p/" => {
                    let (stream, rest) = value.split_at(17);
                    let (places, time) = rest.split_at(rest.len() - 8);
                    let first = last() + 1 - places.len() as u64 / 24;
                    let receipts = places.chunks(24).map(|place| [stream, place, time].concat());
                    (first..).map(|number| number.to_be_bytes().to_vec()).zip(receipts).collect()
                }
                _ => continue,
            };
            batch.entry(pair.0.clone()).or_insert(None);
            batch.extend(parts.into_iter().map(|(key, value)| ([prefix.as_slice(), &key].concat(), Some(value))));
        }
        self.disk.commit(batch).unwrap();
    }

    fn limit(&self) -> i64 {
        self.clock - i64::try_from(KEEPING.said.as_secs()).unwrap()
    }

    #[track_caller]
    fn check(&mut self) {
        let left: Vec<_> = self.engine.unfinished().unwrap().said;
        let numbers: Vec<_> = left.iter().map(|it| it.number).collect();
        assert_eq!(numbers, self.queue.keys().copied().collect::<Vec<_>>(), "rows that are not confirmed");
        let known: Vec<_> = self.engine.what_was_confirmed().unwrap().iter().map(|it: &Receipt| it.row).collect();
        let rows: BTreeSet<_> = known.iter().copied().collect();
        assert_eq!(known.len(), rows.len(), "a row has one receipt");
        assert!(rows.iter().all(|row| !self.queue.contains_key(row)));
        let young = self.confirmed.iter().filter(|(_, since)| **since > self.limit()).map(|(row, _)| row);
        let kept: Vec<_> = young.chain(self.told.keys()).collect();
        assert!(kept.iter().all(|row| rows.contains(row)), "what is confirmed is known");
        let messages = self.messages();
        assert!(kept.iter().all(|row| messages.contains(row)), "what is confirmed can be published again");
        self.confirmed.retain(|row, _| rows.contains(row));
    }

    /// The rows whose messages stand in the store.
    fn messages(&self) -> BTreeSet<u64> {
        let numbers = |(key, chunk): Pair| {
            let last = u64::from_be_bytes(*key.last_chunk().unwrap());
            last - chunk.iter().filter(|byte| **byte == 0xFF).count() as u64..=last
        };
        self.disk.scan(b"o/").flat_map(|pair| numbers(pair.unwrap())).collect()
    }

    fn rows(&self) -> usize {
        self.disk.scan(b"o/").count() + self.disk.scan(b"p/").count()
    }
}

#[test]
fn what_is_said_is_confirmed_lost_and_forgotten_by_the_row_however_it_stands_together() {
    for seed in 0..6 {
        let (mut house, mut dice, mut is_away) = (House::new(), Dice(seed), false);
        for _ in 0..250 {
            house.second += i64::try_from(dice.up_to(12)).unwrap();
            is_away ^= dice.up_to(9) == 0;
            match dice.up_to(9) {
                0..=3 => house.say(dice.up_to(6), [3, 300, 1500][dice.up_to(2) as usize]),
                4..=6 if is_away => {}
                4..=6 => house.publish(dice.up_to(20)),
                7 if dice.up_to(3) == 0 => {
                    let last = house.confirmed.last_key_value().map_or(0, |(row, _)| *row);
                    let (modulus, from) = (1 + dice.up_to(4), last.saturating_sub(dice.up_to(30)));
                    house.lose(|row| row >= from && row % modulus == 0);
                }
                7 => {}
                8 => house.start_again(),
                _ => {
                    house.write_as_an_older_version();
                    house.start_again();
                }
            }
            house.check();
        }
        // All of it is forgotten, however it was cut: what is there is of the last minute.
        for _ in 0..100 {
            house.second += 10;
            house.say(1, 3);
            house.publish(100);
            house.check();
        }
        assert!(house.rows() < 30, "{} rows of what was said in seven seconds of ten each", house.rows());
    }
}

#[test]
fn a_store_of_an_older_version_is_taken_up() {
    let mut house = House::new();
    house.say(5, 3);
    house.publish(3);
    house.say(2, 3);
    house.write_as_an_older_version();
    assert_eq!(house.rows(), 7 + 3);
    house.start_again();
    house.check();
    for event in 1..=7 {
        check(&mut house.engine, rang_at(1, &format!("e-{event}"), "xxxx", 1, 0), &[]);
        let other = [("dead.house.street.rang.b-1", "id_reused")];
        check(&mut house.engine, rang_at(1, &format!("e-{event}"), "other", 1, 0), &other);
    }
    let again = house.engine.take(vec![Input::Gone(vec![1, 3])]).unwrap().said;
    assert_eq!(again.iter().map(|row| row.number).collect::<Vec<_>>(), [1, 3]);
}

#[test]
fn what_one_commit_says_and_what_is_confirmed_with_one_are_two_rows() {
    let mut house = House::new();
    house.say(5, 3);
    assert_eq!(house.rows(), 1);
    house.publish(5);
    house.say(1, 3);
    assert_eq!(house.rows(), 3);
    house.check();
}

#[test]
fn with_whom_the_broker_s_word_was_compared_is_known_no_later_than_what_was_confirmed_since() {
    let with = |server: &str| Compared { server: server.to_owned(), streams: [stream(), EventId::derived(&["dead"])] };
    let known = |house: &House| {
        let known = forgetful(&house.disk).compared().unwrap();
        known.map(|(with, furthest)| (with.server, furthest.iter().map(|it| it.place.sequence).collect::<Vec<_>>()))
    };
    let mut house = House::new();
    house.engine.take(vec![Input::Compared(with("one"))]).unwrap();
    // There is no commit for this alone.
    assert_eq!(known(&house), None);
    house.say(5, 1);
    assert_eq!(known(&house), Some(("one".to_owned(), vec![])));
    house.publish(2);
    house.engine.take(vec![Input::Compared(with("two"))]).unwrap();
    house.publish(2);
    house.engine.tidy().unwrap();
    assert_eq!(known(&house), Some(("two".to_owned(), vec![4])));
}
