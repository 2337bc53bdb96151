//! How a command ends, for scripts.

use std::process::ExitCode;

/// The exit codes, as every `--help` shows them.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0  done; an order that was followed is completed
  1  it failed: the system does not start, or something broke
  2  refused: the answer is no, or the command line cannot be understood
  3  not there: the broker or the service does not answer
  4  not in time: the order that was followed has not come to its end, the read side has not caught up
  5  the order that was followed is cancelled: everything about it is undone";

/// How a command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// What was asked is done.
    Done = 0,
    /// It failed, and not because of what was asked.
    Failed = 1,
    /// The answer is no.
    Refused = 2,
    /// The broker or the service does not answer.
    NotThere = 3,
    /// The order has not come to its end, or the read side has not caught up.
    NotInTime = 4,
    /// The order came to its end and is undone.
    Cancelled = 5,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}
