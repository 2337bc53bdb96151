//! A store under load: `commits PATH` commits without end and prints the number of each commit that is on the disk;
//! `commits PATH look` prints the number of the last one, once all that it and those before it wrote is found.
//!
//! For the power cuts in `tests/tests/end_to_end`, which need a process to stop.

use std::{
    env,
    io::{self, Write},
    path::Path,
};

use anyhow::{Context, ensure};
use chassis::{Batch, DiskStore, Store};

/// The number of the last commit.
const LAST: &[u8] = b"last";

/// How many commits a row stays.
const STAYS: u64 = 400;

fn main() -> anyhow::Result<()> {
    let path = env::args_os().nth(1).context("commits PATH [look]")?;
    // A few of them fill the journal, so that the power goes while rows are carried, too.
    let mut store = DiskStore::open(Path::new(&path))?.carrying_after(64 * 1024);
    let mut last = number(&store)?;
    if env::args().nth(2).is_some_and(|what| what == "look") {
        for at in last.saturating_sub(STAYS) + 1..=last {
            ensure!(store.get(&key(at))? == Some(value(at)), "the row of commit {at} is gone, and {last} was the last");
        }
        return say(last);
    }
    loop {
        last += 1;
        let mut batch =
            Batch::from([(LAST.to_vec(), Some(last.to_be_bytes().to_vec())), (key(last), Some(value(last)))]);
        batch.extend(last.checked_sub(STAYS).map(|gone| (key(gone), None)));
        store.commit(batch)?;
        say(last)?;
    }
}

fn say(number: u64) -> anyhow::Result<()> {
    writeln!(io::stdout(), "{number}").context("nobody listens")
}

fn number(store: &DiskStore) -> anyhow::Result<u64> {
    let value = store.get(LAST)?;
    Ok(value.map_or(0, |bytes| bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))))
}

/// Spread over the whole tree.
fn key(number: u64) -> Vec<u8> {
    format!("{:016x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15)).into_bytes()
}

/// From a few bytes to as many as a row may have, and none like another.
fn value(number: u64) -> Vec<u8> {
    let length = 16 + (number * 7919 % 4000) as usize;
    number.to_be_bytes().into_iter().cycle().take(length).collect()
}
