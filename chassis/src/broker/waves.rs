//! Commands that say something have their turn in waves where many come: those of one wave are one commit and one batch for the
//! broker, and so is what each service says after them, down the whole way of what they began. The wait is here once, and
//! nowhere later; where few come, none waits (`docs/decisions/waves.md`).

use std::time::Duration;

use tokio::time::Instant;

use super::relay::BATCH_AT_LEAST;

/// So many within `COUNTED` are many.
const MANY: u32 = 32;
const COUNTED: Duration = Duration::from_millis(100);

/// How long a wave is at most.
const WAVE: Duration = Duration::from_millis(50);

/// A wave ends when nobody came for so many times the usual: one in a thousand pauses is as long where everybody comes when he
/// likes. So those who came wait for their answers before they come again.
const PAUSES: f32 = 7.0;

/// Nobody waits for so long after a wave that was not worth the wait, since the relay makes no batch of so few.
const REST: Duration = Duration::from_millis(500);

/// Who waits for the wave to end.
pub(super) struct Waves<T> {
    waiting: Vec<T>,
    ends: Instant,
    ends_at_most: Instant,
    came: u32,
    since: Instant,
    /// The pause that ends a wave; none where few come.
    pause: Option<Duration>,
    rests_until: Instant,
}

impl<T> Waves<T> {
    pub fn new(now: Instant) -> Waves<T> {
        Waves { waiting: Vec::new(), ends: now, ends_at_most: now, came: 0, since: now, pause: None, rests_until: now }
    }

    /// Takes somebody who comes `now` into the wave; gives him back where he need not wait. While somebody waits nobody
    /// overtakes him.
    pub fn join(&mut self, who: T, now: Instant) -> Option<T> {
        self.count(now);
        if self.waiting.is_empty() {
            if self.pause.is_none() || now < self.rests_until {
                return Some(who);
            }
            self.ends_at_most = now + WAVE;
        }
        self.ends = self.pause.map_or(self.ends_at_most, |pause| self.ends_at_most.min(now + pause));
        self.waiting.push(who);
        None
    }

    /// When the wave ends; none where nobody waits.
    pub fn ends(&self) -> Option<Instant> {
        (!self.waiting.is_empty()).then_some(self.ends)
    }

    /// Whether somebody who is at the door by now still comes into the wave: where the service itself was busy, that nobody came
    /// says nothing.
    pub fn takes_more(&self, now: Instant) -> bool {
        now < self.ends_at_most
    }

    /// Ends the wave `now`: who was in it, in the order in which they came.
    pub fn end(&mut self, now: Instant) -> Vec<T> {
        if self.waiting.len() < BATCH_AT_LEAST {
            self.rests_until = now + REST;
        }
        std::mem::take(&mut self.waiting)
    }

    fn count(&mut self, now: Instant) {
        let counted = now - self.since;
        if counted >= COUNTED {
            // Longer ago than that says nothing of now.
            let many = self.came >= MANY && counted < 2 * COUNTED;
            self.pause = many.then(|| counted.div_f32(self.came as f32).mul_f32(PAUSES));
            (self.came, self.since) = (0, now);
        }
        self.came += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lets somebody come at each of these milliseconds, in ascending order: when who came went on.
    fn all(come: impl IntoIterator<Item = u64>) -> Vec<(u64, u64)> {
        let begin = Instant::now();
        let at = |millis| begin + Duration::from_millis(millis);
        let (mut waves, mut went) = (Waves::new(begin), Vec::new());
        // In the end nobody comes any more.
        for comes in come.into_iter().map(Some).chain([None]) {
            let now = at(comes.unwrap_or(1_000_000));
            if let Some(ends) = waves.ends().filter(|ends| *ends <= now) {
                let went_at = (ends - begin).as_millis() as u64;
                went.extend(waves.end(ends).into_iter().map(|came| (came, went_at)));
            }
            went.extend(comes.and_then(|came| waves.join(came, now)).map(|came| (came, came)));
        }
        went.sort_unstable();
        went
    }

    fn longest_wait(went: &[(u64, u64)]) -> Option<u64> {
        went.iter().map(|(came, went)| went - came).max()
    }

    #[test]
    fn where_few_come_none_waits() {
        assert_eq!(longest_wait(&all((0..1000).step_by(4))), Some(0));
        assert_eq!(longest_wait(&all(vec![7; 1000])), Some(0), "they came at once, and are one commit anyway");
    }

    #[test]
    fn where_many_come_those_of_one_wave_go_on_together() {
        let went_at = |came: u64| if came < 100 { came } else { came / 50 * 50 + 50 };
        assert_eq!(all(0..1000), (0..1000).map(|came| (came, went_at(came))).collect::<Vec<_>>());
        // And where nobody comes any more, seven of the usual pauses later.
        assert_eq!(all(0..110)[100..], [100, 101, 102, 103, 104, 105, 106, 107, 108, 109].map(|came| (came, 116)));
    }

    #[test]
    fn who_waits_for_his_answer_before_he_comes_again_is_hardly_held_up() {
        // One caller, answered within two milliseconds, and again, and again.
        let begin = Instant::now();
        let (mut now, mut answered, mut waves) = (begin, 0_u32, Waves::new(begin));
        while now < begin + Duration::from_secs(3) {
            if waves.join((), now).is_none() {
                now = waves.ends().expect("he waits");
                assert_eq!(waves.end(now).len(), 1);
            }
            now += Duration::from_millis(2);
            answered += 1;
        }
        assert!(answered > 1440, "{answered} in place of 1500");
    }

    #[test]
    fn who_is_late_since_the_service_was_busy_still_comes_along_until_the_wave_is_as_long_as_it_may_be() {
        let begin = Instant::now();
        let at = |millis| begin + Duration::from_millis(millis);
        let mut waves = Waves::new(begin);
        let waiting = (0..=100).filter_map(|millis| waves.join(millis, at(millis))).count();
        assert_eq!((waiting, waves.ends()), (100, Some(at(107))));
        assert!(waves.takes_more(at(140)) && !waves.takes_more(at(150)));
        assert_eq!((waves.join(140, at(140)), waves.ends()), (None, Some(at(147))));
        assert_eq!(waves.end(at(147)), [100, 140]);
    }

    #[test]
    fn nobody_overtakes_who_waits() {
        let times = (0..100).chain((100..400).step_by(7)).chain([401, 650, 651]);
        let went = all(times);
        assert!(went.is_sorted_by_key(|it| it.1), "{went:?}");
        // From 200 on few come, and one of before still waits.
        let went = all((0..116).chain([199, 200, 201]));
        assert_eq!(went[116..], [199, 200, 201].map(|came| (came, 249)));
    }

    #[test]
    fn who_comes_after_many_and_a_long_time_does_not_wait() {
        let went = all((0..200).chain([400, 2000]));
        assert_eq!(went[200..], [(400, 400), (2000, 2000)]);
    }
}
