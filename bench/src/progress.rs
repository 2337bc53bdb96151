//! How far a long part is: on a terminal a bar on one line that changes, elsewhere a line at its beginning.

use std::{
    io::{self, IsTerminal, Write},
    time::Duration,
};

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

/// How fast it goes, with `done` of `all` after `elapsed`, and how long the rest takes if it goes on so.
pub fn pace(done: u64, all: u64, elapsed: Duration) -> String {
    let rate = done as f64 / elapsed.as_secs_f64().max(0.001);
    let left = if rate > 0.0 { (all.saturating_sub(done) as f64 / rate) as u64 } else { 0 };
    format!("{rate:.0} a second, {}:{:02} left", left / 60, left % 60)
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

    #[test]
    fn the_rest_takes_as_long_as_it_did_so_far() {
        assert_eq!(pace(0, 100, Duration::ZERO), "0 a second, 0:00 left");
        assert_eq!(pace(300, 1000, Duration::from_secs(30)), "10 a second, 1:10 left");
        assert_eq!(pace(12, 10, Duration::from_secs(1)), "12 a second, 0:00 left");
    }
}
