//! Values as they stand in the tree: large ones compressed (LZ4, block format), where that makes them smaller. An order's row
//! says the same few words for each of its events, and sled keeps thousands of leaves in memory.

use std::borrow::Cow;

use crate::store::MAX_ROW_BYTES;

/// A value that stands as it is.
const AS_IT_IS: u8 = 0;

/// One that is compressed; its size comes first, in two bytes.
const COMPRESSED: u8 = 1;

/// Smaller values are not worth it.
const WORTH_IT: usize = 200;

/// How the values of a tree stand there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    /// As they are: in a tree that was made by an older version.
    None,
    /// Each behind a byte that says whether it is compressed.
    Lz4,
}

impl Packing {
    /// As the value stands in the tree.
    pub fn pack(self, value: &[u8]) -> Cow<'_, [u8]> {
        if self == Packing::None {
            return value.into();
        }
        if (WORTH_IT..=MAX_ROW_BYTES).contains(&value.len()) {
            let size = u16::try_from(value.len()).expect("a row is smaller than that").to_be_bytes();
            let most = lz4_flex::block::get_maximum_output_size(value.len());
            let mut packed = [&[COMPRESSED], size.as_slice()].concat();
            let begin = packed.len();
            packed.resize(begin + most, 0);
            let end = lz4_flex::block::compress_into(value, &mut packed[begin..]);
            packed.truncate(begin + end.expect("there is room for the most that it may take"));
            if packed.len() <= value.len() {
                return packed.into();
            }
        }
        [&[AS_IT_IS], value].concat().into()
    }

    /// The value that stands in the tree like this; none where no value stands like that.
    pub fn unpack(self, packed: &[u8]) -> Option<Vec<u8>> {
        match (self, packed) {
            (Packing::None, value) | (Packing::Lz4, [AS_IT_IS, value @ ..]) => Some(value.to_vec()),
            (Packing::Lz4, [COMPRESSED, s0, s1, block @ ..]) => {
                let size = usize::from(u16::from_be_bytes([*s0, *s1]));
                let value = lz4_flex::block::decompress(block, size).ok()?;
                (value.len() == size).then_some(value)
            }
            (Packing::Lz4, _) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &[u8], at_most: usize) {
        for packing in [Packing::None, Packing::Lz4] {
            assert_eq!(packing.unpack(&packing.pack(value)).as_deref(), Some(value));
        }
        assert!(Packing::Lz4.pack(value).len() <= at_most, "{} bytes", Packing::Lz4.pack(value).len());
    }

    #[test]
    fn what_is_packed_is_unpacked_and_takes_one_byte_more_at_most() {
        check(b"", 1);
        check(b"{\"times\":1}", 12);
        check(&[7; WORTH_IT - 1], WORTH_IT);
        check(&br#"{"kind":"order.paid","by":"order"},"#.repeat(10), 70);
        check(&vec![b'x'; MAX_ROW_BYTES], 100);
        check(&vec![b'x'; MAX_ROW_BYTES + 1], MAX_ROW_BYTES + 2);
        let mut rng = fastrand::Rng::with_seed(1);
        for size in [WORTH_IT, 1000, MAX_ROW_BYTES] {
            let noise: Vec<u8> = std::iter::repeat_with(|| rng.u8(..)).take(size).collect();
            check(&noise, size + 1);
        }
    }

    #[test]
    fn what_nobody_packed_is_no_value() {
        let packed = Packing::Lz4.pack(&[7; 1000]).into_owned();
        for odd in [&[][..], &[2, 0], &[COMPRESSED, 0], &packed[..packed.len() - 1], &[&packed[..], &[0]].concat()] {
            assert_eq!(Packing::Lz4.unpack(odd), None, "{odd:?}");
        }
    }
}
