//! The desk where effects wait: which one starts next, and when. Retry with backoff and jitter, a circuit breaker, a
//! bulkhead, and a bounded rate at which what piled up behind an open breaker is worked off.
//!
//! It does no I/O and holds no clock, so a simulation drives the same code. Times are counted from the start of the
//! process. What waits is in the store: the desk forgets with the process, and the next one starts with attempts that
//! are due at once.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use events::EventId;

use super::{Pending, breaker::Breaker};

/// How an effect's attempts are spaced.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// The pause after the first failure; it doubles with each further one.
    pub backoff_at_first: Duration,
    /// The longest pause between two attempts at one effect.
    pub backoff_at_most: Duration,
    /// How many attempts may be on their way at once (the bulkhead).
    pub at_once: usize,
    /// How many failures in a row open the breaker.
    pub breaks_after: u32,
    /// For how long the breaker is open at first; it doubles with each probe that fails.
    pub open_at_first: Duration,
    /// The longest time for which the breaker is open.
    pub open_at_most: Duration,
    /// The least time between two starts while what piled up is worked off.
    pub spacing: Duration,
}

impl Pace {
    /// What fits a service in the same region.
    pub const DEFAULT: Pace = Pace {
        backoff_at_first: Duration::from_millis(100),
        backoff_at_most: Duration::from_secs(30),
        at_once: 32,
        breaks_after: 5,
        open_at_first: Duration::from_secs(1),
        open_at_most: Duration::from_secs(10),
        spacing: Duration::from_millis(10),
    };
}

/// What came of a failed attempt.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failed {
    /// How often the effect was tried so far.
    pub attempts: u32,
    /// For how long the breaker is open from now on, where this failure opened it.
    pub opened: Option<Duration>,
}

/// The effects of one name.
pub(crate) struct Desk {
    pace: Pace,
    waiting: HashMap<String, Pending>,
    /// Never tried, with the time since when.
    fresh: BTreeSet<(Duration, String)>,
    /// Tried in vain, with the time of the next attempt.
    retries: BTreeSet<(Duration, String)>,
    on_their_way: usize,
    breaker: Breaker,
    /// While what piled up is worked off: when the next attempt may start.
    next_start: Option<Duration>,
}

impl Desk {
    pub fn new(pace: Pace) -> Desk {
        Desk {
            pace,
            waiting: HashMap::new(),
            fresh: BTreeSet::new(),
            retries: BTreeSet::new(),
            on_their_way: 0,
            breaker: Breaker::NEW,
            next_start: None,
        }
    }

    /// An effect to perform. One that waits already is not performed twice.
    pub fn add(&mut self, now: Duration, effect: Pending) {
        if !self.waiting.contains_key(&effect.key) {
            let queue = if effect.attempts == 0 { &mut self.fresh } else { &mut self.retries };
            queue.insert((now, effect.key.clone()));
            self.waiting.insert(effect.key.clone(), effect);
        }
    }

    /// An effect is not wanted any more. An attempt that is on its way comes to its end, and is the last.
    pub fn withdraw(&mut self, key: &str) {
        if self.waiting.remove(key).is_some() {
            self.fresh.retain(|(_, it)| it != key);
            self.retries.retain(|(_, it)| it != key);
        }
    }

    /// When there is something to start, if nothing else happens.
    pub fn wakes_at(&self, now: Duration) -> Option<Duration> {
        if self.on_their_way >= self.pace.at_once {
            return None;
        }
        let first = |queue: &BTreeSet<(Duration, String)>| queue.first().map(|(at, _)| *at);
        let due = first(&self.fresh).into_iter().chain(first(&self.retries)).min()?;
        let opens = self.breaker.opens_at(now)?;
        Some(due.max(opens).max(self.next_start.unwrap_or_default()))
    }

    /// The next effect to start now.
    pub fn start(&mut self, now: Duration) -> Option<&Pending> {
        if self.wakes_at(now).is_none_or(|at| at > now) {
            return None;
        }
        let key = self.pick(now)?;
        self.breaker.started();
        self.on_their_way += 1;
        self.next_start = self.next_start.map(|_| now + self.pace.spacing);
        self.waiting.get(&key)
    }

    /// Takes the effect that starts next. What was never tried goes before what failed: a few effects that always fail
    /// must not keep all others waiting. As a probe it is the newest, for the older ones came when nothing went through.
    fn pick(&mut self, now: Duration) -> Option<String> {
        let fresh = match self.breaker.is_closed() {
            true => self.fresh.pop_first(),
            false => self.fresh.pop_last(),
        };
        if let Some((_, key)) = fresh {
            return Some(key);
        }
        let due = self.retries.first().is_some_and(|(at, _)| *at <= now);
        due.then(|| self.retries.pop_first()).flatten().map(|(_, key)| key)
    }

    /// An attempt came to an outcome. Says whether that closed the breaker.
    pub fn succeeded(&mut self, now: Duration, key: &str) -> bool {
        self.on_their_way -= 1;
        self.waiting.remove(key);
        let closes = self.breaker.succeeded();
        match (closes, self.fresh.is_empty() && self.retries.is_empty()) {
            (true, false) => self.next_start = Some(now + self.pace.spacing),
            (_, true) => self.next_start = None,
            (false, false) => {}
        }
        closes
    }

    /// Nothing came of an attempt. The effect waits for its next one.
    pub fn failed(&mut self, now: Duration, key: &str, why: &str) -> Failed {
        self.on_their_way -= 1;
        let fresh = self.waiting.get(key).is_some_and(|effect| effect.attempts == 0);
        let opened = self.breaker.failed(now, &self.pace, fresh);
        let Some(effect) = self.waiting.get_mut(key) else { return Failed { attempts: 0, opened } };
        effect.attempts += 1;
        effect.last_error = Some(why.to_owned());
        let attempts = effect.attempts;
        self.retries.insert((now + self.backoff(key, attempts), key.to_owned()));
        Failed { attempts, opened }
    }

    /// The pause before the next attempt: half of it is fixed, the other half differs from key to key and from attempt
    /// to attempt, so that what failed together does not come back together. It is derived, not random: the same run
    /// gives the same pauses.
    fn backoff(&self, key: &str, attempts: u32) -> Duration {
        let doubled = self.pace.backoff_at_first.saturating_mul(1 << (attempts - 1).min(16));
        let whole = doubled.min(self.pace.backoff_at_most);
        let spread = EventId::derived(&["backoff", key, &attempts.to_string()]).as_bytes()[0];
        whole / 2 + whole / 2 * u32::from(spread) / 255
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn effect(key: &str) -> Pending {
        Pending {
            name: "charge".to_owned(),
            key: key.to_owned(),
            request: serde_json::value::to_raw_value(&1).unwrap(),
            cause: EventId::derived(&[key]),
            saga: None,
            traceparent: String::new(),
            asked: jiff::Timestamp::UNIX_EPOCH,
            attempts: 0,
            last_error: None,
        }
    }

    fn desk(count: usize) -> Desk {
        let mut desk = Desk::new(Pace { at_once: 2, ..Pace::DEFAULT });
        for number in 0..count {
            desk.add(Duration::ZERO, effect(&format!("o-{number}")));
        }
        desk
    }

    fn start(desk: &mut Desk, now: Duration) -> Option<String> {
        desk.start(now).map(|it| it.key.clone())
    }

    #[test]
    fn the_bulkhead_bounds_what_is_on_its_way() {
        let mut desk = desk(3);
        let first = start(&mut desk, MS).unwrap();
        start(&mut desk, MS).unwrap();
        assert_eq!(start(&mut desk, MS), None);
        desk.succeeded(MS, &first);
        assert!(start(&mut desk, MS).is_some());
    }

    #[test]
    fn an_effect_that_waits_is_not_performed_twice() {
        let mut desk = desk(1);
        desk.add(MS, effect("o-0"));
        assert!(start(&mut desk, MS).is_some());
        desk.add(MS, effect("o-0"));
        assert_eq!(start(&mut desk, MS), None);
    }

    #[test]
    fn a_failed_attempt_comes_back_later_each_time() {
        let mut desk = desk(1);
        let mut now = Duration::ZERO;
        let mut pauses = Vec::new();
        for attempts in 1..5 {
            let key = start(&mut desk, now).unwrap();
            assert_eq!(desk.failed(now, &key, "503").attempts, attempts);
            let next = desk.wakes_at(now).unwrap();
            pauses.push(next - now);
            now = next;
        }
        assert!(pauses[0] >= 50 * MS && pauses[0] <= 100 * MS, "{pauses:?}");
        assert!(pauses[3] >= 400 * MS && pauses[3] <= 800 * MS, "{pauses:?}");
    }

    #[test]
    fn an_open_breaker_keeps_all_and_a_closed_one_works_them_off_at_a_bounded_rate() {
        let mut desk = desk(20);
        let mut now = Duration::ZERO;
        let opened = loop {
            let Some(key) = start(&mut desk, now) else { panic!("nothing to start at {now:?}") };
            if let Some(pause) = desk.failed(now, &key, "refused").opened {
                break pause;
            }
        };
        assert_eq!(start(&mut desk, now), None);
        now += opened;
        let probe = start(&mut desk, now).unwrap();
        assert_eq!(start(&mut desk, now), None, "one probe at a time");
        assert!(desk.succeeded(now, &probe));
        let mut ends = Vec::new();
        while let Some(at) = desk.wakes_at(now) {
            now = at;
            let key = start(&mut desk, now).unwrap();
            desk.succeeded(now, &key);
            ends.push(now);
        }
        assert_eq!(ends.len(), 19);
        assert!(ends.windows(2).all(|pair| pair[1] - pair[0] >= PACE_SPACING), "{ends:?}");
    }

    #[test]
    fn a_healthy_effect_is_the_next_probe_however_many_failing_ones_wait() {
        for attempts in [0, 7] {
            let mut desk = desk(0);
            for number in 0..50 {
                desk.add(Duration::ZERO, Pending { attempts, ..effect(&format!("stuck-{number}")) });
            }
            let mut now = Duration::ZERO;
            while let Some(key) = start(&mut desk, now) {
                desk.failed(now, &key, "503");
            }
            desk.add(now + MS, effect("healthy"));
            now = desk.wakes_at(now + MS).unwrap();
            assert!(now <= PACE_OPEN, "{now:?}");
            assert_eq!(start(&mut desk, now).as_deref(), Some("healthy"));
        }
    }

    #[test]
    fn effects_that_failed_before_do_not_keep_the_breaker_open_for_longer() {
        let mut desk = desk(0);
        for number in 0..10 {
            desk.add(Duration::ZERO, Pending { attempts: 7, ..effect(&format!("stuck-{number}")) });
        }
        let mut now = Duration::ZERO;
        for _ in 0..40 {
            now = desk.wakes_at(now).unwrap();
            let key = start(&mut desk, now).unwrap();
            let opened = desk.failed(now, &key, "503").opened;
            assert!(opened.is_none_or(|pause| pause == PACE_OPEN), "{opened:?}");
        }
    }

    const PACE_OPEN: Duration = Pace::DEFAULT.open_at_first;

    const PACE_SPACING: Duration = Pace::DEFAULT.spacing;
}
