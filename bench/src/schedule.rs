//! When the orders of an open loop are due: at a steady rate, whatever becomes of those before.

use std::time::Duration;

/// Orders at a steady rate for a while.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    rate: f64,
    orders: u64,
}

impl Schedule {
    /// `rate` orders a second for `seconds`; at least one.
    pub fn new(rate: f64, seconds: f64) -> Schedule {
        Schedule { rate, orders: ((rate * seconds) as u64).max(1) }
    }

    /// How many there are.
    pub fn orders(&self) -> u64 {
        self.orders
    }

    /// When the order of that number is due, from 0 on.
    pub fn due(&self, number: u64) -> Duration {
        Duration::from_secs_f64(number as f64 / self.rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tally::Tally;

    #[test]
    fn orders_are_due_one_after_the_other() {
        let schedule = Schedule::new(100.0, 2.0);
        assert_eq!(schedule.orders(), 200);
        assert_eq!((schedule.due(0), schedule.due(1), schedule.due(199)), (ms(0), ms(10), ms(1990)));
        assert_eq!(Schedule::new(0.1, 1.0).orders(), 1);
    }

    #[test]
    fn a_system_that_stands_still_is_late_for_every_order_that_was_due_meanwhile() {
        // It answers at once, but not before the end of the second.
        let (schedule, mut tally) = (Schedule::new(100.0, 1.0), Tally::default());
        for number in 0..schedule.orders() {
            tally.answered(ms(1000) - schedule.due(number));
        }
        let times = tally.answer();
        assert!((499.0..=511.0).contains(&times.p50), "{times:?}");
        assert!((990.0..=1001.0).contains(&times.max), "{times:?}");
    }

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }
}
