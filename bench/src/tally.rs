//! Times of many orders, as histograms: from when an order was placed, or due, to its answer and to its end.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// What is longer counts as this long.
const LONGEST: Duration = Duration::from_secs(600);

/// Times by how many of a thousand orders were faster, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Times {
    /// Half of them were.
    pub p50: f64,
    /// 99 of a hundred.
    pub p99: f64,
    /// 999 of a thousand.
    pub p999: f64,
    /// All of them.
    pub max: f64,
}

/// Times, to three digits.
#[derive(Debug)]
pub struct Tally {
    answer: Histogram<u64>,
    completed: Histogram<u64>,
    cancelled: Histogram<u64>,
    /// How often the service was too busy to take an order, which then came again.
    pub busy: u64,
    /// Orders to which no answer came in time.
    pub unanswered: u64,
}

impl Default for Tally {
    fn default() -> Tally {
        let times = || {
            Histogram::new_with_bounds(1, LONGEST.as_micros() as u64, 3).expect("the bounds are those of a histogram")
        };
        Tally { answer: times(), completed: times(), cancelled: times(), busy: 0, unanswered: 0 }
    }
}

impl Tally {
    /// An order was answered.
    pub fn answered(&mut self, after: Duration) {
        self.answer.saturating_record(after.as_micros() as u64);
    }

    /// An order came to its end, and this is it.
    pub fn ended(&mut self, after: Duration, completed: bool) {
        let times = if completed { &mut self.completed } else { &mut self.cancelled };
        times.saturating_record(after.as_micros() as u64);
    }

    /// From the placing to the answer.
    pub fn answer(&self) -> Times {
        times(&self.answer)
    }

    /// From the placing to `order.completed`.
    pub fn completed(&self) -> Times {
        times(&self.completed)
    }

    /// From the placing to `order.cancelled`.
    pub fn cancelled(&self) -> Times {
        times(&self.cancelled)
    }

    /// How many were completed and cancelled.
    pub fn counts(&self) -> (u64, u64) {
        (self.completed.len(), self.cancelled.len())
    }
}

fn times(histogram: &Histogram<u64>) -> Times {
    if histogram.is_empty() {
        return Times::default();
    }
    let ms = |quantile| histogram.value_at_quantile(quantile) as f64 / 1000.0;
    Times { p50: ms(0.5), p99: ms(0.99), p999: ms(0.999), max: histogram.max() as f64 / 1000.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn completed_and_cancelled_orders_are_counted_apart() {
        let mut tally = Tally::default();
        for ms in 1..=1000 {
            tally.ended(Duration::from_millis(ms), true);
        }
        tally.ended(Duration::from_secs(7), false);
        assert_eq!(tally.counts(), (1000, 1));
        let times = tally.completed();
        for (found, expected) in [(times.p50, 500.0), (times.p99, 990.0), (times.p999, 999.0), (times.max, 1000.0)] {
            assert!((found - expected).abs() <= expected * 0.001 + 1.0, "{times:?}");
        }
        assert_eq!(tally.answer(), Times::default());
    }

    #[test]
    fn what_takes_longer_than_can_be_told_counts_as_the_longest() {
        let mut tally = Tally::default();
        tally.answered(Duration::from_secs(100_000));
        assert!(tally.answer().max >= 599_000.0);
    }
}
