//! Hearing the stream. The store's position is the truth: whenever anything is in doubt (a new connection, a missed
//! message, an error), the broker's consumer is made anew from it, and the inbox makes what comes again harmless.
//!
//! Invariant: what is handed on is contiguous within a session, so that acknowledging one message acknowledges nothing
//! that was not taken.

use std::{sync::Arc, time::Duration};

use async_nats::jetstream::{
    ErrorCode, Message,
    consumer::{AckPolicy, DeliverPolicy, ReplayPolicy, pull},
    message::StreamMessage,
    stream::{ConsumerError, ConsumerErrorKind, Stream},
};
use events::{Arrival, EVENTS, EventId};
use futures_util::StreamExt;
use jiff::Timestamp;
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::timeout,
};

use super::{Broker, headers, refused, streams};
use crate::{Acknowledge, Delivery, Error, Input, Position, ambient::pause, signal::stopped};

/// How long a message that is there may take to come.
const COMES_WITHIN: Duration = Duration::from_secs(20);

/// A durable consumer for one service.
pub(crate) struct Consumer {
    pub broker: Broker,
    pub service: &'static str,
    pub subjects: Vec<String>,
    /// Whether there are facts of its own to remember.
    pub remembers: bool,
    /// Counts up when everything was forgotten and has to be heard again.
    pub started_over: watch::Receiver<u32>,
    pub inputs: mpsc::Sender<Input>,
    /// Set when the service knows what an earlier self said: then it may be asked.
    pub remembered: watch::Sender<bool>,
}

/// Why a session ended.
enum End {
    /// The service stops.
    Stopped,
    /// The connection was lost and found: the broker may have forgotten something.
    Reconnected,
    /// Everything has to be heard again.
    StartedOver,
}

impl Consumer {
    /// Hears the stream until `stop`. The broker's absence ends a session, not the service.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) -> Result<(), Error> {
        let mut connected = self.broker.connected.clone();
        loop {
            connected.mark_unchanged();
            let session = self.session(&mut connected);
            let end = tokio::select! {
                end = session => end,
                () = stopped(&mut stop) => return Ok(()),
            };
            match end {
                Ok(End::Stopped) => return Ok(()),
                Ok(End::Reconnected) => tracing::info!("the broker is back: going on from the last commit"),
                Ok(End::StartedOver) => tracing::info!("everything is forgotten, and heard again"),
                Err(error) => {
                    tracing::warn!("hearing starts again from the last commit: {error}");
                    pause(Duration::from_millis(250)).await;
                }
            }
        }
    }

    async fn session(&mut self, connected: &mut watch::Receiver<u64>) -> Result<End, Error> {
        self.started_over.mark_unchanged();
        let stream = self.broker.jetstream.get_stream(EVENTS).await.map_err(refused("show the stream of events"))?;
        let identity = streams::identity(&stream);
        let Some(from) = self.first_unheard(&stream).await? else { return Ok(End::Stopped) };
        if !self.remember(&stream, identity, from).await? {
            return Ok(End::Stopped);
        }
        self.remembered.send_replace(true);
        crate::crash::point("hearing/remembered");
        // Made anew, so that nothing is delivered to what an earlier session, or a process that was killed, still waits for.
        remove(&stream, self.service).await?;
        crate::crash::point("hearing/removed-its-consumer");
        let consumer = stream.create_consumer(self.config(from)).await.map_err(refused("make its consumer"))?;
        crate::crash::point("hearing/made-its-consumer");
        // Where it was made in another stream meanwhile, it begins at the wrong place.
        let there = self.broker.jetstream.get_stream(EVENTS).await.map_err(refused("show the stream of events"))?;
        if streams::identity(&there) != identity {
            return Err(Error::Broker { doing: "keep the stream of events", why: "it was made anew".to_owned() });
        }
        let (mut expected, mut backlog) = (0, Some(consumer.cached_info().num_pending));
        let messages = consumer
            .stream()
            .max_messages_per_batch(500)
            .expires(Duration::from_secs(10))
            .heartbeat(Duration::from_secs(3))
            .messages();
        let mut messages = messages.await.map_err(refused("deliver messages"))?;
        let this_session = Arc::new(());
        loop {
            if backlog == Some(0) {
                backlog = None;
                if self.inputs.send(Input::CaughtUp).await.is_err() {
                    return Ok(End::Stopped);
                }
            }
            let message = tokio::select! {
                message = messages.next() => message,
                _ = connected.changed() => return Ok(End::Reconnected),
                Ok(()) = self.started_over.changed() => return Ok(End::StartedOver),
            };
            let message = message.ok_or_else(ended)?.map_err(refused("deliver messages"))?;
            let acknowledge = message
                .reply
                .as_ref()
                .map(|reply| Acknowledge { place: reply.to_string(), session: Arc::downgrade(&this_session) });
            let (mut delivery, place) = delivery(message, identity)?;
            delivery.acknowledge = acknowledge;
            expected += 1;
            contiguous(expected, place)?;
            crate::crash::point("hearing/delivered");
            if self.inputs.send(Input::Event(delivery)).await.is_err() {
                return Ok(End::Stopped);
            }
            backlog = backlog.map(|left| left - 1);
        }
    }

    /// Reads back what this service said at `from` and later, before it hears the rest: where an earlier self had a store
    /// that is gone, or newer than this one, its decisions stand, and nothing is charged, booked or mailed again for what
    /// is known to be done. Cut off anywhere, it starts again. Says whether the service goes on.
    async fn remember(&self, stream: &Stream, identity: EventId, from: u64) -> Result<bool, Error> {
        if self.remembers && from <= stream.cached_info().state.last_sequence {
            let name = remembering(self.service);
            // One of an earlier session would go on where that one was cut off.
            remove(stream, &name).await?;
            let config = pull::Config {
                name: Some(name),
                description: Some(format!("what {} said", self.service)),
                filter_subject: format!("{}.*.*", self.service),
                deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: from },
                ack_policy: AckPolicy::None,
                inactive_threshold: Duration::from_secs(60),
                memory_storage: true,
                num_replicas: 1,
                ..Default::default()
            };
            let consumer = stream.create_consumer(config).await.map_err(refused("show what the service said"))?;
            let (mut left, mut expected) = (consumer.cached_info().num_pending, 0);
            let mut messages = consumer.messages().await.map_err(refused("show what the service said"))?;
            while left > 0 {
                // What is counted may be gone meanwhile, too old or deleted: then it is counted anew.
                let message = timeout(COMES_WITHIN, messages.next()).await.map_err(|_| ended())?;
                let message = message.ok_or_else(ended)?.map_err(refused("deliver messages"))?;
                let (delivery, place) = delivery(message, identity)?;
                expected += 1;
                contiguous(expected, place)?;
                crate::crash::point("hearing/remembers");
                if self.inputs.send(Input::Remembered(delivery)).await.is_err() {
                    return Ok(false);
                }
                left -= 1;
            }
        }
        Ok(self.inputs.send(Input::AllRemembered { from }).await.is_ok())
    }

    /// The first message that the service may not have heard: the one behind its position, if what it heard there still
    /// stands; where the stream lost its end, the one behind the last place that stands; in another stream the first one.
    /// None where the service ends.
    async fn first_unheard(&self, stream: &Stream) -> Result<Option<u64>, Error> {
        let (answer, places) = oneshot::channel();
        let asked = self.inputs.send(Input::WhereHeard(answer)).await;
        let (Ok(()), Ok(places)) = (asked, places.await) else { return Ok(None) };
        let new = places.is_empty();
        let search = streams::last_standing(stream, places, heard).await?;
        let last = search.found();
        match new {
            true if stream.cached_info().state.last_sequence > 0 => {
                tracing::info!("the store is new: remembering what was said before, then hearing everything");
            }
            false if !search.all_stand() => {
                tracing::error!("the stream is not as it was heard: hearing it again from sequence {}", last + 1);
            }
            _ => {}
        }
        Ok(Some(last + 1))
    }

    fn config(&self, from: u64) -> pull::Config {
        pull::Config {
            durable_name: Some(self.service.to_owned()),
            description: Some(format!("what {} hears", self.service)),
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: from },
            replay_policy: ReplayPolicy::Instant,
            ack_policy: AckPolicy::All,
            ack_wait: Duration::from_secs(30),
            max_ack_pending: 10_000,
            filter_subjects: self.subjects.clone(),
            ..Default::default()
        }
    }
}

/// The consumer by which a service remembers what it said: made anew whenever it does.
pub(super) fn remembering(service: &str) -> String {
    format!("{service}-remembers")
}

/// Removes a consumer, with all that waits for its messages. One that is not there is no error.
async fn remove(stream: &Stream, consumer: &str) -> Result<(), Error> {
    match stream.delete_consumer(consumer).await {
        Err(error) if !is_missing(&error) => Err(refused("remove its consumer")(error)),
        _ => Ok(()),
    }
}

fn is_missing(error: &ConsumerError) -> bool {
    matches!(error.kind(), ConsumerErrorKind::JetStream(error) if error.error_code() == ErrorCode::CONSUMER_NOT_FOUND)
}

fn ended() -> Error {
    Error::Stopped { why: "the broker ended the delivery of messages".to_owned() }
}

fn contiguous(expected: u64, place: u64) -> Result<(), Error> {
    if place == expected {
        return Ok(());
    }
    let why = format!("message {expected} of the session is missing, {place} came");
    Err(Error::Broker { doing: "deliver messages without a gap", why })
}

/// What a message that was heard is known by.
fn heard(message: &StreamMessage) -> EventId {
    Position::heard(&message.subject, timestamp(message.time.unix_timestamp_nanos()))
}

fn timestamp(nanos: i128) -> Timestamp {
    Timestamp::from_nanosecond(nanos).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// A message as an input, with its place in the session.
fn delivery(message: Message, stream: EventId) -> Result<(Delivery, u64), Error> {
    let unread =
        |error: async_nats::Error| Error::Broker { doing: "say where a message stands", why: error.to_string() };
    let info = message.info().map_err(unread)?;
    let (sequence, place) = (info.stream_sequence, info.consumer_sequence);
    let published = timestamp(info.published.unix_timestamp_nanos());
    let delivery = Delivery {
        headers: headers::from_wire(message.headers.as_ref()),
        arrival: Arrival {
            id: EventId::derived(&["message", &stream.to_string(), &sequence.to_string()]),
            time: published,
        },
        stream,
        sequence,
        acknowledge: None,
        subject: message.subject.to_string(),
        body: message.payload.to_vec(),
    };
    Ok((delivery, place))
}
