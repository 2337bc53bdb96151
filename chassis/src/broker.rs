//! The broker's side of a running service: NATS JetStream. Only this module knows the client library.

pub(crate) mod commands;
pub(crate) mod comparison;
mod connection;
pub(crate) mod consumer;
mod headers;
pub(crate) mod lease;
mod permissions;
mod reading;
pub(crate) mod relay;
mod streams;
mod waves;

pub(crate) use connection::{Broker, options};
pub(crate) use headers::{from_wire, to_wire};
pub use permissions::{Permissions, authorization};
pub use streams::stream_identity;

use async_nats::{Client, jetstream};

use crate::Error;

/// Where answers to `service` go: an inbox that nobody else may listen to.
pub(crate) fn inbox(service: &str) -> String {
    format!("_INBOX_{service}")
}

/// Makes the streams and the bucket of leases where they are missing.
pub(crate) async fn make_streams(client: &Client) -> Result<(), Error> {
    let jetstream = jetstream::new(client.clone());
    streams::ensure(&jetstream, client.server_info().max_payload).await?;
    lease::bucket(&jetstream).await.map(drop)
}

/// A refusal of the broker, as an error of ours.
pub(crate) fn refused<E: std::error::Error>(doing: &'static str) -> impl Fn(E) -> Error {
    move |error| {
        let mut why = error.to_string();
        if let Some(source) = error.source().map(ToString::to_string).filter(|source| !why.ends_with(source)) {
            why = format!("{why}: {source}");
        }
        Error::Broker { doing, why }
    }
}
