//! What a run found, as one document. Tables and charts are made of it by pure functions.

mod chart;
#[cfg(test)]
mod example;
mod table;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use self::{chart::chart, table::table};
use crate::{growth::Growth, limit::Limit, machine::Machine, phase::Phase, plan::Plan};

/// What a run found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Where it ran, and on what.
    pub machine: Machine,
    /// The sources.
    pub commit: String,
    /// What was done.
    pub plan: Plan,
    /// The broker alone.
    pub limit_a: Option<Limit>,
    /// The broker and the stores.
    pub limit_b: Option<Limit>,
    /// The system: once for each share of orders that fail.
    pub systems: Vec<Measured>,
    /// With many orders in the stores.
    pub growth: Option<Growth>,
    /// The best rates as parts of the limits, and the rate with many orders in the stores as a part of that with few.
    pub ratios: BTreeMap<String, f64>,
}

impl Report {
    /// Makes the ratios of what was measured.
    pub fn compare(&mut self) {
        for system in &self.systems {
            let Some(best) = system.best() else { continue };
            for (name, limit) in [("limit A", &self.limit_a), ("limit B", &self.limit_b)] {
                let part = ratio(best.per_second, limit.as_ref());
                self.ratios.extend(part.map(|it| (format!("{name}, {} % fail", system.failing), it)));
            }
        }
        self.ratios.extend(self.growth.as_ref().map(|it| ("growth".to_owned(), it.ratio())));
    }
}

/// The system under all loads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// How many orders of a hundred fail.
    pub failing: u32,
    /// With so many customers.
    pub closed: Vec<Phase>,
    /// At steady rates.
    pub open: Vec<Phase>,
    /// Bytes for one order on each disk.
    pub disk: BTreeMap<String, f64>,
    /// Bytes in memory of each process: in the end, and at most.
    pub memory: BTreeMap<String, (u64, u64)>,
    /// Charges and refunds that were made twice.
    pub doubled: u64,
    /// Messages that nobody could take.
    pub dead_letters: u64,
}

impl Measured {
    /// The closed loop that did most.
    pub fn best(&self) -> Option<&Phase> {
        self.closed.iter().max_by(|one, other| one.per_second.total_cmp(&other.per_second))
    }
}

/// A rate as a part of a limit; none where there is no limit to compare it with.
pub fn ratio(per_second: f64, limit: Option<&Limit>) -> Option<f64> {
    limit.filter(|it| it.per_second > 0.0).map(|it| per_second / it.per_second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_the_rate_to_that_of_the_limit() {
        let report = example::report();
        assert_eq!(ratio(500.0, report.limit_a.as_ref()), Some(0.1));
        assert_eq!(ratio(500.0, report.limit_b.as_ref()), Some(0.25));
        assert_eq!(ratio(500.0, None), None);
        assert_eq!(report.systems[0].best().map(|it| it.per_second), Some(800.0));
    }

    #[test]
    fn a_report_reads_as_it_was_written() {
        let mut report = example::report();
        report.compare();
        assert_eq!(report.ratios["limit B, 0 % fail"], 0.4);
        assert_eq!(report.ratios["growth"], 0.75);
        let text = serde_json::to_string(&report).unwrap();
        assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), report);
    }
}
