//! What a person asks of the read side. Every answer says up to which place in the stream it has heard.

pub mod order;
pub mod orders;
pub mod rebuild;
pub mod stats;

use std::str::FromStr;

use chassis::{Refusal, Turn};

/// Up to where the stream is heard; 0 while nothing is.
fn up_to(turn: &Turn<'_>) -> u64 {
    turn.heard().unwrap_or_default()
}

/// The field `name` of a command, read from its text; `example` is what would do.
fn read<T: FromStr>(name: &str, text: Option<&str>, example: &str) -> Result<Option<T>, Refusal> {
    let read = |text: &str| {
        let shown: String = text.chars().take(40).collect();
        text.parse().map_err(|_| Refusal::unprocessable(format!("{name} is {shown:?}: use {example}")))
    };
    text.map(read).transpose()
}
