//! What a run does, as data: the settings that stand beside its figures.

use serde::{Deserialize, Serialize};

use crate::{Arguments, Error, system::GARBAGE};

/// More customers than this would measure the load.
const TOGETHER_AT_MOST: usize = 10_000;

/// Fewer orders than this in the stores are no growth.
const GROWTH_AT_LEAST: u64 = 100;

/// What a run does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// How long each load is kept up.
    pub seconds: f64,
    /// The numbers of customers of the closed loops.
    pub together: Vec<usize>,
    /// The rates of the open loops, in per cent of the best closed loop.
    pub shares: Vec<u32>,
    /// How many orders of a hundred fail: once for each.
    pub failing: Vec<u32>,
    /// How many orders' messages go through the limits.
    pub limit_orders: u64,
    /// How many orders are in the stores in the end, and how many of them at first.
    pub growth: Option<(u64, u64)>,
    /// How many articles the orders spread over.
    pub skus: u64,
    /// How many customers have an address to which mails go.
    pub customers: u64,
    /// How the broker, the stores and the logs are set.
    pub system: String,
}

impl Plan {
    /// What these arguments ask for.
    pub fn of(arguments: &Arguments) -> Result<Plan, Error> {
        let quick = arguments.quick;
        // With many orders some of the work comes every minute or so.
        let lasting = if quick {
            1.5
        } else if arguments.only_growth {
            30.0
        } else {
            10.0
        };
        let seconds = arguments.seconds.unwrap_or(lasting);
        if !(0.5..=3600.0).contains(&seconds) {
            return refuse(format!("--seconds {seconds} makes no run: use 0.5 to 3600"));
        }
        let mut together = arguments.together.clone();
        if together.is_empty() {
            together = if quick { vec![1, 64] } else { vec![1, 64, 256, 1024, 2048] };
        }
        if let Some(wrong) = together.iter().find(|it| !(1..=TOGETHER_AT_MOST).contains(*it)) {
            return refuse(format!("--together {wrong} makes no run: use 1 to {TOGETHER_AT_MOST} customers"));
        }
        if arguments.name.is_empty() || arguments.name.contains(['/', '\\']) || arguments.name.starts_with('.') {
            return refuse(format!("--name {:?} is no name of a file: --out says in which folder", arguments.name));
        }
        let growth = arguments.growth.map(|orders| ((orders / 10).min(10_000), orders));
        if let Some((_, orders)) = growth.filter(|(_, orders)| *orders < GROWTH_AT_LEAST) {
            return refuse(format!("--growth {orders} shows no growth: use {GROWTH_AT_LEAST} orders or more"));
        }
        let measured = !arguments.only_growth;
        Ok(Plan {
            seconds,
            together,
            shares: vec![10, 50, 80],
            failing: if measured { vec![0, 20] } else { Vec::new() },
            limit_orders: if quick { 2000 } else { 20_000 },
            growth,
            skus: 16,
            customers: 100,
            system: format!(
                "broker: nats.conf, sync_interval always, {}; stores: synced with each commit; RUST_LOG=warn",
                GARBAGE.map(|(name, value)| format!("{name}={value}")).join(" ")
            ),
        })
    }
}

fn refuse(why: String) -> Result<Plan, Error> {
    Err(Error::Arguments(why))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn plan(line: &str) -> Result<Plan, String> {
        let words = ["bench"].into_iter().chain(line.split_whitespace());
        let line = Line::try_parse_from(words).map_err(|error| error.to_string())?;
        Plan::of(&line.arguments).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_not_said_is_as_the_help_says() {
        let all = plan("").unwrap();
        assert_eq!((all.seconds, all.together, all.growth), (10.0, vec![1, 64, 256, 1024, 2048], None));
        let quick = plan("--quick").unwrap();
        assert_eq!((quick.seconds, quick.together), (1.5, vec![1, 64]));
        assert_eq!(plan("--together 3,5").unwrap().together, [3, 5]);
    }

    #[test]
    fn growth_is_to_a_million_from_ten_thousand_or_a_tenth() {
        assert_eq!(plan("--growth").unwrap().growth, Some((10_000, 1_000_000)));
        assert_eq!(plan("--growth 5000").unwrap().growth, Some((500, 5000)));
        let only = plan("--growth 5000 --only-growth").unwrap();
        assert!(only.failing.is_empty());
        assert_eq!((only.seconds, plan("--growth --only-growth --quick").unwrap().seconds), (30.0, 1.5));
    }

    #[test]
    fn what_makes_no_run_is_refused_with_a_sentence() {
        for (line, part) in [
            ("--seconds 0", "use 0.5 to 3600"),
            ("--seconds NaN", "use 0.5 to 3600"),
            ("--together 0", "use 1 to 10000"),
            ("--growth 7", "use 100 orders or more"),
            ("--name ../x", "no name of a file"),
            ("--only-growth", "--growth"),
        ] {
            let why = plan(line).unwrap_err();
            assert!(why.contains(part), "{line}: {why}");
        }
    }
}
