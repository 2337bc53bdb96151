//! Standard error: sentences beside what was asked for, and how far a long command is.

use std::{
    io::{self, IsTerminal, Write},
    time::Duration,
};

use tokio::time::Instant;

/// How long a command may take before it says how far it is, and how often it then does.
const EVERY: Duration = Duration::from_millis(500);

/// How far a command is. Says so on standard error while that is a terminal, on one line that is gone in the end.
pub(crate) struct Progress {
    what: &'static str,
    count: usize,
    said: Instant,
    shown: bool,
    terminal: bool,
}

impl Progress {
    /// Nothing was done yet; `what` is done: `events read`.
    pub fn of(what: &'static str) -> Progress {
        Progress { what, count: 0, said: Instant::now(), shown: false, terminal: io::stderr().is_terminal() }
    }

    /// So many more are done.
    pub fn add(&mut self, count: usize) {
        self.count += count;
        if self.terminal && self.said.elapsed() >= EVERY {
            tell(&format!("\r{} {}…", self.count, self.what));
            self.said = Instant::now();
            self.shown = true;
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown {
            tell("\r\u{1b}[K");
        }
    }
}

/// A sentence beside what was asked for.
pub(crate) fn note(sentence: &str) {
    tell(&format!("{sentence}\n"));
}

/// Where standard error is closed there is nobody to tell.
fn tell(text: &str) {
    let mut stderr = io::stderr().lock();
    drop(stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush()));
}
