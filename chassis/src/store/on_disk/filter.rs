//! Which keys are surely not in the tree. Most rows that are asked for, and most that are carried there, are new; to say so
//! sled goes down to a leaf, which may be on the disk only.
//!
//! A Bloom filter whose keys each have one block, of one line of the processor's cache, with a bit in each of its words
//! (Putze, Sanders, Singler: Cache-, Hash- and Space-Efficient Bloom Filters, 2007).
//!
//! Invariant: a key that is in the tree is never absent here. One that was removed there stays: it is looked for in vain.

use std::{
    iter,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use super::print::print;

/// Four MiB: with three million keys one answer in two hundred is a look in vain, with ten million every second.
const BLOCKS: usize = 1 << 16;
const WORDS: usize = 8;

/// A block for each key, so many bits of its figure say which; six say which bit of a word.
const BLOCK_BITS: u32 = BLOCKS.trailing_zeros();
const BIT_BITS: u32 = u64::BITS.trailing_zeros();

/// Keys that may be in the tree.
pub(super) struct Filter {
    blocks: Box<[[AtomicU64; WORDS]]>,
}

impl Filter {
    /// One without keys.
    pub fn new() -> Filter {
        Filter { blocks: iter::repeat_with(Default::default).take(BLOCKS).collect() }
    }

    /// From here on `key` may be in the tree.
    pub fn add(&self, key: &[u8]) {
        for (word, bit) in self.bits(key) {
            word.fetch_or(bit, Relaxed);
        }
    }

    /// Whether `key` was never added. Whoever reads what another thread wrote has waited for that thread.
    pub fn is_absent(&self, key: &[u8]) -> bool {
        self.bits(key).any(|(word, bit)| word.load(Relaxed) & bit == 0)
    }

    fn bits(&self, key: &[u8]) -> impl Iterator<Item = (&AtomicU64, u64)> {
        let figure = print(key, b"");
        let block = &self.blocks[figure as usize % BLOCKS];
        let bit = move |word: u32| 1 << ((figure >> (BLOCK_BITS + word * BIT_BITS)) as u32 % u64::BITS);
        block.iter().zip((0..).map(bit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u32) -> Vec<u8> {
        format!("r/order/{number}").into_bytes()
    }

    #[test]
    fn a_key_that_was_added_is_not_absent_and_nearly_all_others_are() {
        let filter = Filter::new();
        (0..100_000).for_each(|number| filter.add(&key(number)));
        assert!((0..100_000).all(|number| !filter.is_absent(&key(number))));
        let in_vain = (100_000..200_000).filter(|number| !filter.is_absent(&key(*number))).count();
        assert!(in_vain < 100, "{in_vain}");
    }

    #[test]
    fn as_many_keys_as_a_large_store_has_leave_it_of_use() {
        let filter = Filter::new();
        (0..3_000_000).for_each(|number| filter.add(&key(number)));
        let in_vain = (3_000_000..3_100_000).filter(|number| !filter.is_absent(&key(*number))).count();
        assert!(in_vain < 2000, "{in_vain}");
    }
}
