//! Spans of time and moments as they are typed and shown: `10m`, `2h`, `2026-01-02T03:04:05Z`.

use std::time::Duration;

use chassis::ambient;
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};

/// A span of time: `90` (seconds), `10m`, `1h30m`, `2 days`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let how = || format!("{text:?} is not a span of time: use 90 (seconds), 10m, 2h or 1d");
    if let Ok(seconds) = text.parse::<u32>() {
        return Ok(Duration::from_secs(seconds.into()));
    }
    let span: Span = text.parse().map_err(|_| how())?;
    let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| how())?;
    Duration::try_from(duration).map_err(|_| how())
}

/// A moment: a span of time ago, or RFC 3339.
pub(crate) fn moment(text: &str) -> Result<Timestamp, String> {
    moment_at(text, ambient::now())
}

fn moment_at(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    let how = || format!("{text:?} is not a moment: use 10m or 2h (ago), or 2026-01-02T03:04:05Z");
    if let Ok(moment) = text.parse() {
        return Ok(moment);
    }
    let ago = SignedDuration::try_from(duration(text).map_err(|_| how())?).map_err(|_| how())?;
    now.checked_sub(ago).map_err(|_| how())
}

/// How long ago `then` was, in its largest unit: `12m`. What lies in the future (clocks differ) was just now.
pub(crate) fn age(then: Timestamp, now: Timestamp) -> String {
    match now.duration_since(then).as_secs().max(0) {
        seconds @ ..60 => format!("{seconds}s"),
        seconds @ ..3600 => format!("{}m", seconds / 60),
        seconds @ ..86_400 => format!("{}h", seconds / 3600),
        seconds => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_typed_in_words_or_in_seconds() {
        for (text, seconds) in [
            ("90", 90),
            ("0", 0),
            ("0s", 0),
            ("10m", 600),
            ("2h", 7200),
            ("1h30m", 5400),
            ("1d", 86_400),
            ("2 weeks", 1_209_600),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for bad in ["", "soon", "-10m", "10m ago", "1.2.3", "1 month", "99999999999999999999"] {
            assert!(duration(bad).is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn a_moment_is_a_span_ago_or_a_time() {
        let now: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        for (text, moment) in [
            ("10m", "2026-01-02T02:54:05Z"),
            ("65", "2026-01-02T03:03:00Z"),
            ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
            ("2026-01-01T02:00:00+02:00", "2026-01-01T00:00:00Z"),
        ] {
            assert_eq!(moment_at(text, now), Ok(moment.parse().unwrap()), "{text}");
        }
        for bad in ["", "yesterday", "2026-01-01", "-1h", "99999 weeks 99999 weeks"] {
            assert!(moment_at(bad, now).is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn an_age_is_shown_in_its_largest_unit() {
        let then: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        for (seconds, shown) in [(-5, "0s"), (59, "59s"), (60, "1m"), (7199, "1h"), (86_400, "1d"), (900_000, "10d")] {
            assert_eq!(age(then, then + SignedDuration::from_secs(seconds)), shown);
        }
    }
}
