//! Which letters are meant.

use std::time::Duration;

use chassis::Start;
use clap::Args;
use events::Key;
use jiff::{SignedDuration, Timestamp};

use super::letter::Letter;
use crate::when;

/// Which letters are meant: those that fit all that is given.
#[derive(Debug, Default, Args)]
#[group(id = "filters", multiple = true)]
pub(super) struct Filters {
    /// Those that this service could not take
    #[arg(long, value_name = "NAME", value_parser = token)]
    service: Option<String>,

    /// Those with this reason: malformed, invalid, contradicts, unknown_type, …
    #[arg(long, value_name = "WORD")]
    reason: Option<String>,

    /// Those about this order, or another key
    #[arg(long, value_name = "ID")]
    order: Option<String>,

    /// Those that were parked longer ago than this, such as 10m
    #[arg(long, value_name = "SPAN", value_parser = when::duration)]
    older_than: Option<Duration>,

    /// Those that were parked since then: 2h (ago), or an RFC 3339 time
    #[arg(long, value_name = "WHEN", value_parser = when::moment)]
    since: Option<Timestamp>,
}

impl Filters {
    /// Whether none is given.
    pub fn none(&self) -> bool {
        let Filters { service, reason, order, older_than, since } = self;
        service.is_none() && reason.is_none() && order.is_none() && older_than.is_none() && since.is_none()
    }

    /// Whether `letter` is meant.
    pub fn take(&self, letter: &Letter, now: Timestamp) -> bool {
        let fits = |wanted: &Option<String>, is: &str| wanted.as_ref().is_none_or(|wanted| wanted == is);
        let age = now.duration_since(letter.parked);
        let old = |least: &Duration| SignedDuration::try_from(*least).is_ok_and(|least| age >= least);
        fits(&self.service, &letter.letter.service)
            && fits(&self.reason, &letter.letter.reason)
            && self.order.as_ref().is_none_or(|order| letter.is_about(order))
            && self.older_than.as_ref().is_none_or(old)
            && self.since.is_none_or(|since| letter.parked >= since)
    }

    /// The subjects of letters that may be meant.
    pub fn subjects(&self) -> String {
        format!("dead.{}.>", self.service.as_deref().unwrap_or("*"))
    }

    /// Where the first letter is that may be meant.
    pub fn start(&self) -> Start {
        self.since.map_or(Start::Sequence(1), Start::Time)
    }
}

/// A service's name is one token of a subject.
fn token(text: &str) -> Result<String, String> {
    Key::try_from(text).map(|key| key.to_string()).map_err(|_| format!("{text:?} is not the name of a service"))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::{super::letter::tests::letter, *};

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        filters: Filters,
    }

    /// Whether the filters take a letter of `payment`, parked at 03:04:05, ten minutes later.
    #[track_caller]
    fn check(line: &str, taken: bool) {
        let filters = Line::try_parse_from(["dead"].into_iter().chain(line.split_whitespace())).unwrap().filters;
        let letter = letter(1, "payment.failed.o-1", Some(3), "{}");
        assert_eq!(filters.take(&letter, "2026-01-02T03:14:05Z".parse().unwrap()), taken, "{line:?}");
        assert_eq!(filters.none(), line.is_empty());
    }

    #[test]
    fn a_letter_fits_all_filters_or_is_left_out() {
        check("", true);
        check("--service payment --reason contradicts --order o-1", true);
        check("--service order", false);
        check("--service payment --reason malformed", false);
        check("--order o-2", false);
        check("--older-than 10m", true);
        check("--older-than 11m", false);
        check("--older-than 0s", true);
        check("--since 2026-01-02T03:04:05Z", true);
        check("--since 2026-01-02T03:04:06Z", false);
    }

    #[test]
    fn a_service_cannot_smuggle_a_wildcard_into_the_subject() {
        for bad in ["*", ">", "a.b", ""] {
            assert!(Line::try_parse_from(["dead", "--service", bad]).is_err(), "{bad:?} was taken");
        }
    }
}
