//! A process may end between any two commits: what its position has passed was taken, with all that follows from it.

use chassis::{Batch, Delivery, Engine, Error, Input, MemoryDisk, Pair, Store};
use events::{Arrival, EventId, Headers};
use jiff::Timestamp;

const ORDERS: u64 = 12;

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
        match self.left.checked_sub(1) {
            None => Err(Error::Stopped { why: "the process ends here".to_owned() }),
            Some(left) => {
                self.left = left;
                self.disk.commit(batch)
            }
        }
    }
}

fn order(sequence: u64) -> Delivery {
    let body = format!(
        r#"{{"order_id":"o-{sequence}","customer_id":"alice","items":[{{"sku":"widget","quantity":1,"unit_price":1999}}]}}"#
    );
    Delivery {
        subject: format!("order.created.o-{sequence}"),
        headers: Headers::new(),
        body: body.into_bytes(),
        arrival: Arrival { id: EventId::derived(&["order", &sequence.to_string()]), time: Timestamp::UNIX_EPOCH },
        stream: EventId::derived(&["stream"]),
        sequence,
        acknowledge: None,
    }
}

/// The rows, and what was said.
type Known = (Vec<(String, String)>, Vec<String>);

/// Hears what it has not heard, until all is heard or the disk takes no more.
fn hear(disk: &MemoryDisk, commits: u32) -> Result<Known, Error> {
    let store = Box::new(Ending { disk: disk.clone(), left: commits });
    let mut engine = Engine::open(inventory::inventory(), store, EventId::derived(&["store"]))?;
    let from = engine.position().map_or(1, |position| position.sequence + 1);
    engine.take(vec![Input::AllRemembered { from }, Input::CaughtUp])?;
    for sequence in from..=ORDERS {
        engine.take(vec![Input::Event(order(sequence))])?;
    }
    let said = engine.unfinished()?.said.into_iter().map(|row| row.message.subject + &row.message.body);
    Ok((engine.rows()?, said.collect()))
}

#[test]
fn a_process_that_ends_between_any_two_commits_has_taken_all_that_its_position_passed() {
    let undisturbed = hear(&MemoryDisk::default(), u32::MAX).unwrap();
    assert_eq!(undisturbed.1.len() as u64, ORDERS);
    for commits in 1..=ORDERS as u32 {
        let disk = MemoryDisk::default();
        hear(&disk, commits).unwrap_err();
        assert_eq!(hear(&disk, u32::MAX).unwrap(), undisturbed, "after {commits} commits");
    }
}
