//! Standard output: what was asked for, and nothing else.

use std::io::{self, Write};

use crate::Error;

/// Prints `text` and a line end, at once: whoever reads a pipe sees a line when it is there.
pub(crate) fn print(text: &str) -> Result<(), Error> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{text}").and_then(|()| stdout.flush()).map_err(Error::Output)
}

/// Bytes of somebody else as text.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A value as JSON that people read too.
pub(crate) fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).expect("what is printed is made of text and numbers")
}
