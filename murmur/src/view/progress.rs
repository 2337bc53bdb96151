//! How far a rebuild is: a bar where standard error is a terminal, a line now and then where it is not.

use std::{
    io::{self, IsTerminal, Write},
    time::Duration,
};

use tokio::time::Instant;

/// How often a line is written where nobody watches.
const A_LINE_EVERY: Duration = Duration::from_secs(2);

/// How wide the bar is.
const WIDTH: usize = 30;

/// How far it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reached {
    /// The place in the stream up to which it has heard.
    pub heard: u64,
    /// Where the stream ended when it was asked.
    pub last: u64,
    /// Orders that it knows again.
    pub orders: u64,
    /// Since it began.
    pub elapsed: Duration,
}

/// Where progress is shown.
pub(super) struct Progress {
    terminal: bool,
    shown: Option<Instant>,
}

impl Progress {
    pub fn new() -> Progress {
        Progress { terminal: io::stderr().is_terminal(), shown: None }
    }

    /// Shows how far it is. Where standard error is closed, nobody wants to see it.
    pub fn show(&mut self, reached: &Reached) {
        if self.terminal {
            drop(write!(io::stderr(), "\r{} {}\x1b[K", bar(reached), sentence(reached)));
        } else if self.shown.is_none_or(|shown| shown.elapsed() >= A_LINE_EVERY) {
            drop(writeln!(io::stderr(), "{}", sentence(reached)));
            self.shown = Some(Instant::now());
        }
    }

    /// Leaves the last state standing.
    pub fn end(self) {
        if self.terminal {
            drop(writeln!(io::stderr()));
        }
    }
}

fn bar(reached: &Reached) -> String {
    let share = match reached.last {
        0 => 1.0,
        last => (reached.heard as f64 / last as f64).min(1.0),
    };
    let done = (share * WIDTH as f64) as usize;
    format!("[{}{}]", "#".repeat(done), ".".repeat(WIDTH - done))
}

fn sentence(reached: &Reached) -> String {
    let Reached { heard, last, orders, elapsed } = reached;
    let a_second = |count: &u64| (*count as f64 / elapsed.as_secs_f64().max(0.001)).round();
    format!("{heard} of {last} messages ({:.0}/s), {orders} orders ({:.0}/s)", a_second(heard), a_second(orders))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(heard: u64, last: u64, expected: &str) {
        let reached = Reached { heard, last, orders: heard / 7, elapsed: Duration::from_secs(2) };
        assert_eq!(format!("{} {}", bar(&reached), sentence(&reached)), expected);
    }

    #[test]
    fn a_bar_fills_up_and_names_numbers() {
        check(0, 0, "[##############################] 0 of 0 messages (0/s), 0 orders (0/s)");
        check(0, 700, "[..............................] 0 of 700 messages (0/s), 0 orders (0/s)");
        check(350, 700, "[###############...............] 350 of 700 messages (175/s), 50 orders (25/s)");
        // More was said meanwhile.
        check(707, 700, "[##############################] 707 of 700 messages (354/s), 101 orders (51/s)");
    }
}
