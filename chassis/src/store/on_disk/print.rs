//! A figure that stands for bytes. It has to tell damage, not an attack.

const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013B;
const ODD: u128 = 0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835;

/// A figure for a key with its value: sixteen bytes at a time, mixed by multiplication.
pub(super) fn print(key: &[u8], value: &[u8]) -> u128 {
    // The lengths tell where the key ends.
    let begun = mix(PRIME, (key.len() as u128) << 64 | value.len() as u128);
    mix(all(all(begun, key), value), PRIME)
}

fn all(figure: u128, bytes: &[u8]) -> u128 {
    let (words, rest) = bytes.as_chunks::<16>();
    let figure = words.iter().fold(figure, |figure, word| mix(figure, u128::from_le_bytes(*word)));
    if rest.is_empty() {
        return figure;
    }
    let mut word = [0; 16];
    word[..rest.len()].copy_from_slice(rest);
    mix(figure, u128::from_le_bytes(word))
}

fn mix(figure: u128, word: u128) -> u128 {
    let mixed = (figure ^ word).wrapping_mul(ODD);
    mixed ^ (mixed >> 64)
}
