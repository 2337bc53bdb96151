//! How far a part is: on a terminal one line that changes, elsewhere a line at its beginning and one at its end.

use std::{
    io::{self, IsTerminal, Write},
    time::{Duration, Instant},
};

use crate::record::Run;

/// A part that runs.
pub struct Progress {
    line: String,
    began: Instant,
    terminal: bool,
}

impl Progress {
    /// `last` is how long it took the last time.
    pub fn begin(place: &str, name: &str, about: &str, last: Option<&Run>) -> Progress {
        let last = last.filter(|run| run.passed).map_or(String::new(), |run| format!(", {} the last time", run.took()));
        let line = format!("{place} {name}: {about}{last}");
        let terminal = io::stderr().is_terminal();
        if !terminal {
            eprintln!("{line}");
        }
        Progress { line, began: Instant::now(), terminal }
    }

    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// It goes on; `figures` were left by now.
    pub fn show(&self, figures: usize) {
        if self.terminal {
            let seconds = self.began.elapsed().as_secs();
            let text = format!("\r\u{1b}[K{} … {}:{:02}, {figures} figures", self.line, seconds / 60, seconds % 60);
            let mut stderr = io::stderr().lock();
            // Where nobody looks, nobody is told.
            drop(stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush()));
        }
    }

    /// It has ended.
    pub fn end(&self, run: &Run) {
        let start = if self.terminal { format!("\r\u{1b}[K{}", self.line) } else { "    ".to_owned() };
        eprintln!("{start} … {} after {}", run.verdict(), run.took());
    }
}
