//! A circuit breaker: after several failures in a row it lets nothing through for a while, then one attempt as a probe
//! (Nygard, "Release It!", 2nd ed., chapter 5). It holds no clock: time is given to it.

use std::time::Duration;

use super::desk::Pace;

/// Whether attempts are let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Breaker {
    /// All of them.
    Closed { failures: u32 },
    /// None, until then.
    Open { until: Duration, trips: u32 },
    /// One is on its way; its end decides.
    Probing { trips: u32 },
}

impl Breaker {
    pub const NEW: Breaker = Breaker::Closed { failures: 0 };

    /// Whether all attempts are let through.
    pub fn is_closed(&self) -> bool {
        matches!(self, Breaker::Closed { .. })
    }

    /// When the next attempt may start; never while a probe is on its way.
    pub fn opens_at(&self, now: Duration) -> Option<Duration> {
        match *self {
            Breaker::Closed { .. } => Some(now),
            Breaker::Open { until, .. } => Some(until.max(now)),
            Breaker::Probing { .. } => None,
        }
    }

    /// An attempt starts.
    pub fn started(&mut self) {
        if let Breaker::Open { trips, .. } = *self {
            *self = Breaker::Probing { trips };
        }
    }

    /// An attempt succeeded. Says whether that closed the breaker.
    pub fn succeeded(&mut self) -> bool {
        let closes = !self.is_closed();
        *self = Breaker::NEW;
        closes
    }

    /// An attempt failed. Says for how long the breaker is open from now on, where this opened it. A probe with something
    /// that had failed before says little about the rest, so only a `fresh` one makes the pause longer.
    pub fn failed(&mut self, now: Duration, pace: &Pace, fresh: bool) -> Option<Duration> {
        let trips = match *self {
            Breaker::Closed { failures } if failures + 1 < pace.breaks_after => {
                *self = Breaker::Closed { failures: failures + 1 };
                return None;
            }
            Breaker::Closed { .. } => 0,
            Breaker::Probing { trips } => trips + u32::from(fresh),
            // Attempts that were on their way when it opened tell nothing new.
            Breaker::Open { .. } => return None,
        };
        let pause = pace.open_at_first.saturating_mul(1 << trips.min(16)).min(pace.open_at_most);
        *self = Breaker::Open { until: now + pause, trips };
        Some(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace::DEFAULT;

    fn opened() -> Breaker {
        let mut breaker = Breaker::NEW;
        for _ in 1..PACE.breaks_after {
            assert_eq!(breaker.failed(Duration::ZERO, &PACE, true), None);
        }
        assert_eq!(breaker.failed(Duration::ZERO, &PACE, true), Some(PACE.open_at_first));
        breaker
    }

    #[test]
    fn failures_in_a_row_open_it() {
        assert_eq!(opened().opens_at(Duration::ZERO), Some(PACE.open_at_first));
    }

    #[test]
    fn a_success_between_them_starts_the_count_again() {
        let mut breaker = Breaker::Closed { failures: PACE.breaks_after - 1 };
        assert!(!breaker.succeeded());
        assert_eq!(breaker.failed(Duration::ZERO, &PACE, true), None);
    }

    #[test]
    fn a_single_probe_decides() {
        let mut breaker = opened();
        breaker.started();
        assert_eq!(breaker.opens_at(PACE.open_at_first), None);
        let mut other = breaker;
        assert_eq!(breaker.failed(PACE.open_at_first, &PACE, true), Some(PACE.open_at_first * 2));
        assert!(other.succeeded());
        assert_eq!(other, Breaker::NEW);
    }
}
