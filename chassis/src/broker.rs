//! The broker's side of a running service: NATS JetStream. Only this module knows the client library.

pub(crate) mod commands;
mod connection;
pub(crate) mod consumer;
mod headers;
pub(crate) mod lease;
pub(crate) mod relay;
mod streams;

pub(crate) use connection::Broker;
pub(crate) use headers::{from_wire, to_wire};
pub use streams::stream_identity;

use crate::Error;

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
