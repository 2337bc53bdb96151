//! The connection to the broker, and the word when it was lost and found again.

use std::time::Duration;

use async_nats::{Client, ConnectOptions, Event, jetstream};
use tokio::sync::watch;

use super::{
    inbox,
    streams::{self, Streams},
};
use crate::{Error, Settings};

/// What is needed of the server: atomic batches (2.12), and what was tested (2.14).
const NEEDED: (u32, u32) = (2, 14);

/// How long the broker may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// A connection with the two streams behind it.
#[derive(Clone)]
pub(crate) struct Broker {
    pub client: Client,
    pub jetstream: jetstream::Context,
    /// Counts up each time the connection is there again: whoever listens checks what the broker remembers.
    pub connected: watch::Receiver<u64>,
}

impl Broker {
    /// Connects, checks what the server can do, and makes the streams where they are missing.
    pub async fn connect(service: &str, settings: &Settings) -> Result<Broker, Error> {
        let (connections, connected) = watch::channel(0);
        let client = options(settings)
            .name(format!("murmuration-{service}"))
            .custom_inbox_prefix(inbox(service))
            .ping_interval(Duration::from_secs(10))
            .request_timeout(Some(ANSWER_WITHIN))
            .reconnect_delay_callback(|attempt| Duration::from_millis((50 << attempt.min(5)) as u64))
            .event_callback(move |event| {
                let connections = connections.clone();
                async move { note(&event, &connections) }
            })
            .connect(settings.nats_servers())
            .await
            .map_err(|source| Error::NoBroker { url: settings.nats_address(), source })?;
        let server = client.server_info();
        if version(&server.version) < NEEDED {
            return Err(Error::OldBroker { url: settings.nats_address(), version: server.version, needed: "2.14" });
        }
        let jetstream = jetstream::ContextBuilder::new().timeout(ANSWER_WITHIN).ack_timeout(ANSWER_WITHIN);
        let jetstream = jetstream.build(client.clone());
        let broker = Broker { client, jetstream, connected };
        broker.streams().await?;
        Ok(broker)
    }

    /// The two streams as they are now; they are made where they are missing.
    pub async fn streams(&self) -> Result<Streams, Error> {
        streams::ensure(&self.jetstream, self.client.server_info().max_payload).await
    }
}

/// What every connection starts from: who it is, which the client library does not take from the URL.
pub(crate) fn options(settings: &Settings) -> ConnectOptions {
    match settings.nats_credentials() {
        Some((user, Some(password))) => ConnectOptions::with_user_and_password(user, password),
        Some((token, None)) => ConnectOptions::with_token(token),
        None => ConnectOptions::new(),
    }
}

fn note(event: &Event, connections: &watch::Sender<u64>) {
    match event {
        Event::Connected => connections.send_modify(|count| *count += 1),
        Event::Disconnected => tracing::warn!("the broker is gone: what is said waits in the outbox"),
        Event::ServerError(_) | Event::ClientError(_) | Event::SlowConsumer(_) => tracing::warn!("broker: {event}"),
        _ => {}
    }
}

/// Major and minor; what cannot be read is old.
fn version(text: &str) -> (u32, u32) {
    let mut numbers = text.split(['.', '-']).map(|part| part.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_number() {
        assert!(version("2.9.10") < NEEDED);
        assert!(version("2.14.0-RC.1") >= NEEDED);
        assert!(version("2.15.2") >= NEEDED);
        assert!(version("10.0") >= NEEDED);
        assert!(version("?") < NEEDED);
    }
}
