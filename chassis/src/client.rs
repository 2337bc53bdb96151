//! The outside's view: what the `nats` CLI does, for programs. Sends commands, types events, reads the streams.

mod streams;

use std::time::Duration;

use async_nats::{Client as Nats, RequestError, RequestErrorKind};
use events::{EVENTS, Headers, Key};
use tokio::time::timeout;

pub use streams::{ConsumerState, Pages, Start, StreamState};

use crate::{
    Answer, Error, Refusal, Settings,
    broker::{make_streams, options, refused, to_wire},
};

/// How long an answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// A message as it stands in the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its place in the stream.
    pub sequence: u64,
    /// The subject.
    pub subject: String,
    /// All headers.
    pub headers: Headers,
    /// The body.
    pub body: Vec<u8>,
}

/// A connection for asking and telling.
#[derive(Clone)]
pub struct Client {
    nats: Nats,
}

impl Client {
    /// Connects to the broker of `settings`.
    pub async fn connect(settings: &Settings) -> Result<Client, Error> {
        let options = options(settings).name("murmuration-client").request_timeout(Some(ANSWER_WITHIN));
        let nats = options.connect(settings.nats_servers()).await;
        Ok(Client { nats: nats.map_err(|source| Error::NoBroker { url: settings.nats_address(), source })? })
    }

    /// Makes the streams and the bucket of leases where they are missing, as an operator does for services that may not.
    pub async fn make_streams(&self) -> Result<(), Error> {
        make_streams(&self.nats).await
    }

    /// Whether `service` answers: then it is ready.
    pub async fn is_ready(&self, service: &str) -> bool {
        let ping = self.nats.request(format!("$SRV.PING.{service}"), "".into());
        matches!(timeout(Duration::from_secs(1), ping).await, Ok(Ok(_)))
    }

    /// Sends a command to `svc.<service>.<command>`. A refusal is the service's own; 503 where nobody answers.
    pub async fn command(&self, subject: &str, body: Vec<u8>) -> Answer {
        let nobody = |error: RequestError| {
            let why = error.kind();
            Refusal::unavailable(format!("nobody answers {subject} ({why}): is the service running?"))
        };
        let answer = self.nats.request(subject.to_owned(), body.into()).await.map_err(nobody)?;
        let header = |name| answer.headers.as_ref().and_then(|headers| headers.get(name)).map(|it| it.as_str());
        match header("Nats-Service-Error-Code").and_then(|code| code.parse().ok()) {
            Some(code) => {
                Err(Refusal { code, message: header("Nats-Service-Error").unwrap_or("it says no more").to_owned() })
            }
            None => Ok(answer.payload.to_vec()),
        }
    }

    /// Publishes an event as it is typed, and returns its place in the stream once the broker has it on its disk.
    pub async fn publish(&self, subject: &str, headers: &Headers, body: Vec<u8>) -> Result<u64, Error> {
        let request = self.nats.request_with_headers(subject.to_owned(), to_wire(headers), body.into());
        let answer = request.await.map_err(|error| match error.kind() {
            RequestErrorKind::NoResponders => Error::Broker {
                doing: "store the event",
                why: format!("no stream takes {subject}: is that an event, and did a service ever run here?"),
            },
            _ => refused("store the event")(error),
        })?;
        let answer: serde_json::Value = serde_json::from_slice(&answer.payload).unwrap_or_default();
        match (answer["seq"].as_u64(), answer["error"]["description"].as_str()) {
            (Some(sequence), None) => Ok(sequence),
            (_, why) => Err(Error::Broker {
                doing: "store the event",
                why: why.unwrap_or("its answer is not one of JetStream").to_owned(),
            }),
        }
    }

    /// The last event of each kind about `key`, in the order of the stream: an order's whole timeline.
    pub async fn events_about(&self, key: &Key) -> Result<Vec<Stored>, Error> {
        self.last_of(EVENTS, &[format!("*.*.{key}")], None).await
    }
}
