//! What the broker that was started says about itself: whether what it acknowledges is on the disk.

use std::{io, time::Duration};

use serde::Deserialize;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::Error;

/// How long the broker may take to answer.
const WITHIN: Duration = Duration::from_secs(2);

/// The part of `/varz` that is looked at. What the server leaves out is off.
#[derive(Debug, Deserialize)]
pub(crate) struct Varz {
    #[serde(default)]
    jetstream: JetStream,
}

#[derive(Debug, Default, Deserialize)]
struct JetStream {
    config: Option<Config>,
}

#[derive(Debug, Deserialize)]
struct Config {
    store_dir: String,
    #[serde(default)]
    sync_always: bool,
    /// Nanoseconds.
    #[serde(default)]
    sync_interval: u64,
}

/// A broker that keeps events.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    /// The folder of its streams.
    pub store: String,
    /// What a power cut would cost, where it would cost something.
    pub warning: Option<String>,
}

impl Varz {
    /// What the broker at `address`, its monitoring port, says. None while it does not answer.
    pub async fn ask(address: &str) -> Option<Varz> {
        let answer = timeout(WITHIN, get(address, "/varz")).await.ok()?.ok()?;
        let start = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n")? + 4;
        serde_json::from_slice(&answer[start..]).ok()
    }

    /// Whether it keeps what it is told, and how well.
    ///
    /// # Errors
    /// [`Error::NoJetStream`]
    pub fn check(self) -> Result<Kept, Error> {
        let Config { store_dir, sync_always, sync_interval } = self.jetstream.config.ok_or(Error::NoJetStream)?;
        let seconds = Duration::from_nanos(sync_interval).as_secs();
        let warning = format!(
            "the broker syncs its disk every {seconds} s only: a power cut loses events that were acknowledged since; \
             `sync_interval: always` in nats.conf keeps them"
        );
        Ok(Kept { store: store_dir, warning: (!sync_always).then_some(warning) })
    }
}

/// The whole answer to a plain GET, headers and body.
async fn get(address: &str, path: &str) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(varz: &str) -> Result<Kept, Error> {
        serde_json::from_str::<Varz>(varz).unwrap().check()
    }

    #[test]
    fn a_broker_that_always_syncs_loses_nothing() {
        // As nats-server 2.15.2 answers, shortened.
        let varz = r#"{"version":"2.15.2","jetstream":{"config":{"max_memory":67108864,"store_dir":"data/nats/jetstream",
            "sync_interval":120000000000,"sync_always":true,"strict":true},"stats":{"api":{"level":5}}}}"#;
        assert_eq!(check(varz).unwrap(), Kept { store: "data/nats/jetstream".to_owned(), warning: None });
    }

    #[test]
    fn a_broker_that_syncs_now_and_then_is_told_of() {
        let varz = r#"{"jetstream":{"config":{"store_dir":"x","sync_interval":120000000000}}}"#;
        let warning = check(varz).unwrap().warning.unwrap();
        assert!(warning.contains("every 120 s") && warning.contains("sync_interval: always"), "{warning}");
    }

    #[test]
    fn a_broker_without_jetstream_will_not_do() {
        for varz in ["{}", r#"{"jetstream":{}}"#] {
            assert!(matches!(check(varz), Err(Error::NoJetStream)));
        }
    }
}
