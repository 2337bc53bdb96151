//! How far a long part is: on a terminal a bar on one line that changes, elsewhere a line at its beginning.

use std::io::{self, IsTerminal, Write};

/// How many characters a bar has.
const WIDTH: usize = 24;

/// A part that runs.
pub struct Progress {
    what: String,
    terminal: bool,
}

impl Progress {
    /// `what` begins.
    pub fn begin(what: impl Into<String>) -> Progress {
        let progress = Progress { what: what.into(), terminal: io::stderr().is_terminal() };
        if !progress.terminal {
            tell(&format!("{}\n", progress.what));
        }
        progress.show(0.0, "");
        progress
    }

    /// `part` of it is done, from 0 to 1; `beside` says more.
    pub fn show(&self, part: f64, beside: &str) {
        if self.terminal {
            tell(&format!("\r\u{1b}[K{} {} {beside}", bar(part), self.what));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.terminal {
            tell("\r\u{1b}[K");
        }
    }
}

fn bar(part: f64) -> String {
    let part = part.clamp(0.0, 1.0);
    let full = (part * WIDTH as f64) as usize;
    format!("[{}{}] {:>3.0} %", "#".repeat(full), "-".repeat(WIDTH - full), part * 100.0)
}

/// Where nobody looks, nobody is told.
fn tell(text: &str) {
    let mut stderr = io::stderr().lock();
    drop(stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_whatever_is_done() {
        assert_eq!(bar(0.0), "[------------------------]   0 %");
        assert_eq!(bar(0.5), "[############------------]  50 %");
        assert_eq!(bar(7.0), "[########################] 100 %");
    }
}
