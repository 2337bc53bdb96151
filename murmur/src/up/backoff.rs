//! How long a program that ended by itself waits before it is started again.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(30);
/// A program that ran this long was well: its next end counts as the first.
const WELL: Duration = Duration::from_secs(60);

/// The waits of one program: each twice as long as the one before, up to a limit.
pub(crate) struct Backoff {
    next: Duration,
}

impl Backoff {
    pub fn new() -> Backoff {
        Backoff { next: FIRST }
    }

    /// The wait after a run of `lasted`.
    pub fn after(&mut self, lasted: Duration) -> Duration {
        if lasted >= WELL {
            self.next = FIRST;
        }
        let wait = self.next;
        self.next = (wait * 2).min(LONGEST);
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_limit() {
        let mut backoff = Backoff::new();
        let waits: Vec<_> = (0..9).map(|_| backoff.after(Duration::ZERO).as_millis()).collect();
        assert_eq!(waits, [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000]);
    }

    #[test]
    fn a_minute_of_health_starts_anew() {
        let mut backoff = Backoff::new();
        for _ in 0..5 {
            backoff.after(Duration::from_secs(59));
        }
        assert_eq!(backoff.after(Duration::from_secs(60)), FIRST);
        assert_eq!(backoff.after(Duration::from_secs(1)), FIRST * 2);
    }
}
