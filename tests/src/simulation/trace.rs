//! What happened in a run, line by line. The same seed gives the same lines, byte for byte.

use jiff::Timestamp;

/// The lines, where somebody wants them.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// None where nobody does.
    pub lines: Option<Vec<String>>,
}

impl Trace {
    /// A trace whose lines are kept.
    pub fn kept() -> Trace {
        Trace { lines: Some(Vec::new()) }
    }

    /// One line.
    pub fn tell(&mut self, now: Timestamp, line: impl FnOnce() -> String) {
        if let Some(lines) = &mut self.lines {
            lines.push(format!("{} {}", now.strftime("%d. %H:%M:%S%.3f"), line()));
        }
    }
}
