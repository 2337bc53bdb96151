//! The one place that reads the environment. Every knob has a variable, a default and a line here.

use std::{path::PathBuf, time::Duration};

use crate::{DiskStore, Error, Keeping};

/// The settings that every service has.
#[derive(Clone)]
pub struct Settings {
    /// `NATS_URL`: where the broker is; `nats://127.0.0.1:4222`. May carry credentials, so it is never logged.
    pub nats_url: String,
    /// `DATA_DIR`: the folder of all stores; `data`. A service's own is `<DATA_DIR>/<service>`.
    pub data_dir: PathBuf,
    /// `BATCH_SIZE`: how many inputs one commit takes at most; 256.
    pub batch_size: usize,
    /// `JOURNAL_KIB`: how long the journal of a store grows before its rows are carried into the tree; 16384.
    pub journal_bytes: u64,
    /// `SHUTDOWN_SECONDS`: how long a stopping service may take to finish; 10.
    pub shutdown: Duration,
    /// `OUTBOX_KEPT`: how long what the broker confirmed is kept, in case it forgets it; 10min. `HORIZON`: how long what
    /// was taken, said or answered is known, and rows of what has ended are kept; 7 days. What is older than the horizon is
    /// a dead letter.
    pub keeping: Keeping,
}

impl Settings {
    /// The defaults, with this broker.
    pub fn at(nats_url: &str) -> Settings {
        Settings {
            nats_url: nats_url.to_owned(),
            data_dir: PathBuf::from("data"),
            batch_size: 256,
            journal_bytes: DiskStore::JOURNAL,
            shutdown: Duration::from_secs(10),
            keeping: Keeping::DEFAULT,
        }
    }

    /// Reads the environment. A value that cannot be used is an error, never a silent default.
    pub fn from_env() -> Result<Settings, Error> {
        let keeping = Keeping {
            said: duration("OUTBOX_KEPT", Keeping::DEFAULT.said)?,
            known: duration("HORIZON", Keeping::DEFAULT.known)?,
        };
        if keeping.known < keeping.said {
            let why = "what is published again must still be known: make it longer than OUTBOX_KEPT".to_owned();
            return Err(Error::Setting { name: "HORIZON".to_owned(), value: text("HORIZON", "7 days"), why });
        }
        let at = Settings::at(&text("NATS_URL", "nats://127.0.0.1:4222"));
        Ok(Settings {
            data_dir: PathBuf::from(text("DATA_DIR", "data")),
            batch_size: number("BATCH_SIZE", at.batch_size as u64, 1, 500)? as usize,
            journal_bytes: 1024 * number("JOURNAL_KIB", at.journal_bytes / 1024, 1, 1024 * 1024)?,
            shutdown: Duration::from_secs(number("SHUTDOWN_SECONDS", at.shutdown.as_secs(), 1, 600)?),
            keeping,
            ..at
        })
    }

    /// The servers of the broker: `NATS_URL` may name several, separated by commas.
    pub(crate) fn nats_servers(&self) -> Vec<String> {
        self.nats_url.split(',').map(|url| url.trim().to_owned()).collect()
    }

    /// Who connects: a user with a password, or a token alone. They stand before the `@` of `NATS_URL`, and what is a
    /// delimiter there is written as `%40`.
    pub(crate) fn nats_credentials(&self) -> Option<(String, Option<String>)> {
        let servers = self.nats_servers();
        let named =
            servers.iter().find_map(|url| url.split_once("//").map_or(url.as_str(), |it| it.1).rsplit_once('@'));
        let (user, password) =
            named.map(|(who, _)| who.split_once(':').map_or((who, None), |it| (it.0, Some(it.1))))?;
        Some((decoded(user), password.map(decoded)))
    }

    /// The broker's address as it may be shown: without credentials.
    pub fn nats_address(&self) -> String {
        without_credentials(&self.nats_url)
    }
}

/// The variable `name`, or `default` where it is unset or empty.
#[expect(clippy::disallowed_methods, reason = "this is the place that reads the environment")]
pub fn text(name: &str, default: &str) -> String {
    std::env::var(name).ok().filter(|value| !value.is_empty()).unwrap_or_else(|| default.to_owned())
}

/// The variable `name` as a number between `least` and `most`.
pub fn number(name: &str, default: u64, least: u64, most: u64) -> Result<u64, Error> {
    let value = text(name, &default.to_string());
    match value.parse() {
        Ok(number) if (least..=most).contains(&number) => Ok(number),
        _ => Err(Error::Setting { name: name.to_owned(), value, why: format!("use a number from {least} to {most}") }),
    }
}

/// The variable `name` as a time that is longer than none: `90s`, `15 min`, `1h 30m`, or seconds as a number.
pub fn duration(name: &str, default: Duration) -> Result<Duration, Error> {
    let value = text(name, "");
    if value.is_empty() {
        return Ok(default);
    }
    parse_duration(&value).filter(|it| !it.is_zero()).ok_or_else(|| {
        let why = "use a time such as 90s, 15min or 1h 30m, or a number of seconds".to_owned();
        Error::Setting { name: name.to_owned(), value, why }
    })
}

/// A time as people write it; seconds where it is a number alone.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    match text.parse() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).ok(),
        Err(_) => Duration::try_from(text.parse::<jiff::SignedDuration>().ok()?).ok(),
    }
}

/// Text of a URL, where a byte may be written as `%` and two digits.
fn decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        match part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => bytes.extend([&[byte], &part.as_bytes()[2..]].concat()),
            None => bytes.extend([b"%", part.as_bytes()].concat()),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// `url` without what stands between `//` and `@`.
pub fn without_credentials(url: &str) -> String {
    let hide = |one: &str| match (one.find("//"), one.rfind('@')) {
        (Some(scheme), Some(at)) if scheme + 2 <= at => format!("{}{}", &one[..scheme + 2], &one[at + 1..]),
        (None, Some(at)) => one[at + 1..].to_owned(),
        _ => one.to_owned(),
    };
    url.split(',').map(hide).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_as_people_write_it() {
        for (text, seconds) in [
            ("5", Some(5.0)),
            ("0.25", Some(0.25)),
            ("90s", Some(90.0)),
            ("15 min", Some(900.0)),
            ("1h 30m", Some(5400.0)),
        ] {
            assert_eq!(parse_duration(text).map(|it| it.as_secs_f64()), seconds, "{text}");
        }
        for text in ["", "soon", "-5", "5 parsecs", "NaN", "1e400"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }

    #[test]
    fn credentials_are_read_from_the_url() {
        let some = |user: &str, password: Option<&str>| Some((user.to_owned(), password.map(str::to_owned)));
        for (url, credentials) in [
            ("nats://127.0.0.1:4222", None),
            ("nats://me:s3cret@host:4222", some("me", Some("s3cret"))),
            ("nats://one,nats://me:a%40b%3a%zz@two", some("me", Some("a@b:%zz"))),
            ("token@host", some("token", None)),
        ] {
            let settings = Settings::at(url);
            assert_eq!(settings.nats_credentials(), credentials, "{url}");
        }
    }

    #[test]
    fn credentials_are_not_shown() {
        for (url, shown) in [
            ("nats://127.0.0.1:4222", "nats://127.0.0.1:4222"),
            ("nats://me:s3cret@host:4222", "nats://host:4222"),
            ("token@host", "host"),
            ("nats://a:b@one,nats://c:d@two", "nats://one,nats://two"),
        ] {
            assert_eq!(without_credentials(url), shown);
        }
    }
}
