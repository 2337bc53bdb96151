//! The two streams, as the contract describes them.

use std::time::Duration;

use async_nats::jetstream::{
    Context, ErrorCode,
    context::{GetStreamError, GetStreamErrorKind},
    message::StreamMessage,
    stream::{Config, DirectGetErrorKind, RetentionPolicy, StorageType, Stream},
};
use events::{DEAD_LETTERS, EVENTS, EventId};

use super::refused;
use crate::{Error, LastStanding, Position};

/// The streams that a service speaks to.
pub(crate) struct Streams {
    pub events: Stream,
    pub dead_letters: Stream,
}

/// Makes the streams where they are missing. One that is there keeps what its operator set (replicas, age, size); only
/// what the contract needs is added.
pub(crate) async fn ensure(jetstream: &Context, max_payload: usize) -> Result<Streams, Error> {
    let producers = ["order", "inventory", "payment", "shipping", "customer", "notification"];
    let subjects = producers.map(|producer| format!("{producer}.>")).to_vec();
    let events = ensure_one(jetstream, EVENTS, subjects, max_payload).await?;
    let dead_letters = ensure_one(jetstream, DEAD_LETTERS, vec!["dead.>".to_owned()], max_payload).await?;
    if !takes_batches(&events) {
        tracing::warn!("the broker takes no atomic batches: events are published one by one, which is slower");
    }
    Ok(Streams { events, dead_letters })
}

/// Whether the stream takes atomic batches.
pub(crate) fn takes_batches(stream: &Stream) -> bool {
    stream.cached_info().config.allow_atomic_publish
}

/// Whether no other server has a part in the stream.
pub(crate) fn is_on_one_server(stream: &Stream) -> bool {
    stream.cached_info().cluster.as_ref().is_none_or(|cluster| cluster.name.is_none())
}

/// Which stream this is.
pub(crate) fn identity(stream: &Stream) -> EventId {
    let info = stream.cached_info();
    stream_identity(&info.config.name, info.created.unix_timestamp_nanos())
}

/// The search for the last of `places` that still stands in `stream`, when it has come to its end.
pub(crate) async fn last_standing(
    stream: &Stream,
    places: Vec<Position>,
    mark_of: fn(&StreamMessage) -> EventId,
) -> Result<LastStanding, Error> {
    let state = &stream.cached_info().state;
    let mut search = LastStanding::among(places, identity(stream), state.first_sequence, state.last_sequence);
    while let Some(place) = search.ask() {
        search.answer(message(stream, place.sequence).await?.as_ref().map(mark_of));
    }
    Ok(search)
}

/// The message at a place; none where it was deleted.
pub(crate) async fn message(stream: &Stream, sequence: u64) -> Result<Option<StreamMessage>, Error> {
    match stream.direct_get(sequence).await {
        Ok(message) => Ok(Some(message)),
        Err(error) if matches!(error.kind(), DirectGetErrorKind::NotFound) => Ok(None),
        Err(error) => Err(refused("show a message")(error)),
    }
}

async fn ensure_one(
    jetstream: &Context,
    name: &str,
    subjects: Vec<String>,
    max_payload: usize,
) -> Result<Stream, Error> {
    // What the server accepts, the stream stores: nothing vanishes between the two.
    let max_message_size = i32::try_from(max_payload).unwrap_or(i32::MAX);
    let needed = |config: Config| Config {
        subjects: subjects.clone(),
        allow_direct: true,
        allow_atomic_publish: true,
        max_message_size: config.max_message_size.max(max_message_size),
        ..config
    };
    let config = match jetstream.get_stream(name).await {
        Ok(stream) => {
            let there = stream.cached_info().config.clone();
            if needed(there.clone()) == there {
                return Ok(stream);
            }
            there
        }
        Err(error) if !is_missing(&error) => return Err(refused("show its streams")(error)),
        Err(_) => Config {
            name: name.to_owned(),
            retention: RetentionPolicy::Limits,
            storage: StorageType::File,
            duplicate_window: Duration::from_secs(120),
            num_replicas: 1,
            ..Config::default()
        },
    };
    jetstream.create_or_update_stream(needed(config)).await.map_err(refused("make its streams"))?;
    jetstream.get_stream(name).await.map_err(refused("show its streams"))
}

/// Only a stream that is not there is made: after any other failure its operator's settings would be lost.
fn is_missing(error: &GetStreamError) -> bool {
    matches!(error.kind(), GetStreamErrorKind::JetStream(error) if error.error_code() == ErrorCode::STREAM_NOT_FOUND)
}

/// What tells a stream from one that was made anew under its name: sequences mean something only within one of them.
pub fn stream_identity(name: &str, created_nanos: i128) -> EventId {
    EventId::derived(&["stream", name, &created_nanos.to_string()])
}
