//! sled's configuration file, whose checksum sled computes and does not insist on: a changed bit there would read as
//! another version, or as another size of its segments.

use std::{fs, io::ErrorKind, path::Path};

use super::files;
use crate::Error;

/// Fails with [`Error::StoreDamaged`] where the file is not what sled wrote. One that is missing or empty, as a power cut
/// leaves it, sled writes again.
pub(super) fn check(path: &Path) -> Result<(), Error> {
    let conf = match fs::read(path.join("conf")) {
        Ok(conf) => conf,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(files(path, source)),
    };
    match conf.split_last_chunk::<4>() {
        Some((text, sum)) if conf.len() > 8 && crc32(text) != u32::from_le_bytes(*sum) => Err(Error::StoreDamaged {
            path: path.to_owned(),
            why: "its configuration is not what was written".to_owned(),
        }),
        _ => Ok(()),
    }
}

/// The CRC of Ethernet and gzip.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg());
    !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}
