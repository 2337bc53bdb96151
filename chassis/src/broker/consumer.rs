//! Hearing the stream. The store's position is the truth: whenever anything is in doubt (a new connection, a missed
//! message, an error), the broker's consumer is made anew from it, and the inbox makes what comes again harmless.
//!
//! Invariant: what is handed on is contiguous within a session, so that acknowledging one message acknowledges nothing
//! that was not taken.

use std::{ops::ControlFlow, pin::pin, sync::Arc, time::Duration};

use async_nats::jetstream::{
    ErrorCode, Message,
    consumer::{AckPolicy, DeliverPolicy, PullConsumer, ReplayPolicy, pull},
    message::StreamMessage,
    stream::{ConsumerError, ConsumerErrorKind, Stream},
};
use events::{Arrival, EVENTS, EventId};
use futures_util::StreamExt;
use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot, watch};

use super::{
    Broker, headers,
    reading::{Reading, catching_up, remembering},
    refused, streams,
};
use crate::{Acknowledge, Delivery, Error, Input, Position, ambient::pause, listening::listens, signal::stopped};

/// With fewer messages to catch up with, a service makes its consumer and reads them before it begins; and fewer that are
/// not for it are not worth a commit.
const LITTLE: u64 = 1000;

/// How often a service looks whether much stands in the stream that is not for it.
const LOOKS_EVERY: Duration = Duration::from_secs(30);

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
            // Whatever the session waits for: nobody answers what was asked before the connection was lost.
            let end = tokio::select! {
                end = self.session() => end,
                Ok(()) = connected.changed() => Ok(End::Reconnected),
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

    /// Hears until it ends. Cut off at any place, the next session begins where the store is.
    async fn session(&mut self) -> Result<End, Error> {
        self.started_over.mark_unchanged();
        let stream = self.stream(None).await?;
        let identity = streams::identity(&stream);
        let Some(from) = self.first_unheard(&stream).await? else { return Ok(End::Stopped) };
        if !self.remember(&stream, from).await? {
            return Ok(End::Stopped);
        }
        self.remembered.send_replace(true);
        crate::crash::point("hearing/remembered");
        let mut from = from;
        loop {
            let stream = self.stream(Some(identity)).await?;
            let last = stream.cached_info().state.last_sequence;
            if last < from + LITTLE {
                break;
            }
            from = match self.catch_up(&stream, from, last).await? {
                ControlFlow::Continue(next) => next,
                ControlFlow::Break(end) => return Ok(end),
            };
        }
        // Made anew, so that nothing is delivered to what an earlier session, or a process that was killed, still waits for.
        remove(&stream, self.service).await?;
        crate::crash::point("hearing/removed-its-consumer");
        let consumer = stream.create_consumer(self.config()).await.map_err(refused("make its consumer"))?;
        crate::crash::point("hearing/made-its-consumer");
        // Where it was made in another stream meanwhile, it begins at the wrong place.
        let stream = self.stream(Some(identity)).await?;
        let before_it = consumer.cached_info().delivered.stream_sequence;
        if let ControlFlow::Break(end) = self.catch_up(&stream, from, before_it).await? {
            return Ok(end);
        }
        if self.inputs.send(Input::CaughtUp).await.is_err() {
            return Ok(End::Stopped);
        }
        self.hear(consumer, identity, before_it).await
    }

    /// Hands on what comes behind the place `heard`, and how it is acknowledged.
    async fn hear(&mut self, mut consumer: PullConsumer, identity: EventId, mut heard: u64) -> Result<End, Error> {
        let messages = consumer
            .stream()
            .max_messages_per_batch(500)
            .expires(Duration::from_secs(10))
            .heartbeat(Duration::from_secs(3))
            .messages();
        let mut messages = messages.await.map_err(refused("deliver messages"))?;
        let (this_session, mut expected) = (Arc::new(()), 0);
        let (mut look, mut end) = (pin!(pause(LOOKS_EVERY)), None);
        loop {
            let message = tokio::select! {
                message = messages.next() => message,
                () = &mut look, if !self.subjects.is_empty() => {
                    look.set(pause(LOOKS_EVERY));
                    let passed = self.passed(&mut consumer, identity, heard, &mut end).await;
                    let passed = passed.inspect_err(|error| tracing::debug!("what was passed over is not known: {error}"));
                    if let Ok(Some((position, time))) = passed {
                        heard = position.sequence;
                        if self.inputs.send(Input::Passed { position, time }).await.is_err() {
                            return Ok(End::Stopped);
                        }
                    }
                    continue;
                }
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
            heard = delivery.sequence;
            crate::crash::point("hearing/delivered");
            if self.inputs.send(Input::Event(delivery)).await.is_err() {
                return Ok(End::Stopped);
            }
        }
    }

    /// That nothing for the service stands behind `heard` up to `end`, which was the end of the stream a while ago, where that
    /// is much. All of it was delivered and taken then, or was not for this service.
    async fn passed(
        &self,
        consumer: &mut PullConsumer,
        identity: EventId,
        heard: u64,
        end: &mut Option<(Position, Timestamp)>,
    ) -> Result<Option<(Position, Timestamp)>, Error> {
        let mut passed = end.take().filter(|(end, _)| end.sequence >= heard + LITTLE);
        if passed.is_some() {
            let info = consumer.info().await.map_err(refused("show its consumer"))?;
            passed = passed.filter(|_| info.num_pending == 0 && info.num_ack_pending == 0);
        }
        let stream = self.stream(Some(identity)).await?;
        let last = stream.cached_info().state.last_sequence;
        if last >= heard + LITTLE {
            let standing = streams::message(&stream, last).await?;
            *end = standing.map(|it| {
                let position = Position { stream: identity, sequence: last, mark: self::heard(&it) };
                (position, timestamp(it.time.unix_timestamp_nanos()))
            });
        }
        Ok(passed)
    }

    /// The stream of events as it stands, which has to be the one of this identity where one is given.
    async fn stream(&self, identity: Option<EventId>) -> Result<Stream, Error> {
        let stream = self.broker.jetstream.get_stream(EVENTS).await.map_err(refused("show the stream of events"))?;
        if identity.is_some_and(|identity| streams::identity(&stream) != identity) {
            return Err(Error::Broker { doing: "keep the stream of events", why: "it was made anew".to_owned() });
        }
        Ok(stream)
    }

    /// Reads back what this service said at `from` and later, before it hears the rest: where an earlier self had a store
    /// that is gone, or newer than this one, its decisions stand, and nothing is charged, booked or mailed again for what
    /// is known to be done. Cut off anywhere, it starts again. Says whether the service goes on.
    async fn remember(&self, stream: &Stream, from: u64) -> Result<bool, Error> {
        if self.remembers && from <= stream.cached_info().state.last_sequence {
            let said = format!("{}.*.*", self.service);
            let mut reading =
                Reading::begin(&self.broker.jetstream, stream, remembering(self.service), Some(said), from).await?;
            while let Some(delivery) = reading.next().await? {
                crate::crash::point("hearing/remembers");
                if self.inputs.send(Input::Remembered(delivery)).await.is_err() {
                    return Ok(false);
                }
            }
        }
        Ok(self.inputs.send(Input::AllRemembered { from }).await.is_ok())
    }

    /// Hears what stands from the place `from` to the place `until`: the place behind it. None of it is acknowledged, since no
    /// consumer waits for that.
    async fn catch_up(&mut self, stream: &Stream, from: u64, until: u64) -> Result<ControlFlow<End, u64>, Error> {
        if from > until {
            return Ok(ControlFlow::Continue(from));
        }
        let mut reading = Reading::begin(&self.broker.jetstream, stream, catching_up(self.service), None, from).await?;
        let mut passed = None;
        loop {
            let delivery = tokio::select! {
                delivery = reading.next() => delivery?,
                Ok(()) = self.started_over.changed() => return Ok(ControlFlow::Break(End::StartedOver)),
            };
            let Some(delivery) = delivery.filter(|it| it.sequence <= until) else { break };
            if !listens(&self.subjects, &delivery.subject) {
                passed = Some(delivery);
                continue;
            }
            passed = None;
            crate::crash::point("hearing/catches-up");
            if self.inputs.send(Input::Event(delivery)).await.is_err() {
                return Ok(ControlFlow::Break(End::Stopped));
            }
        }
        drop(reading);
        let passed = passed.filter(|it| it.sequence >= from + LITTLE);
        if let Some(Delivery { stream, sequence, subject, arrival, .. }) = passed {
            let position = Position { stream, sequence, mark: Position::heard(&subject, arrival.time) };
            if self.inputs.send(Input::Passed { position, time: arrival.time }).await.is_err() {
                return Ok(ControlFlow::Break(End::Stopped));
            }
        }
        remove(stream, &catching_up(self.service)).await?;
        Ok(ControlFlow::Continue(until + 1))
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

    /// A consumer that begins behind the end of the stream.
    fn config(&self) -> pull::Config {
        pull::Config {
            durable_name: Some(self.service.to_owned()),
            description: Some(format!("what {} hears", self.service)),
            deliver_policy: DeliverPolicy::New,
            replay_policy: ReplayPolicy::Instant,
            ack_policy: AckPolicy::All,
            ack_wait: Duration::from_secs(30),
            max_ack_pending: 10_000,
            filter_subjects: self.subjects.clone(),
            ..Default::default()
        }
    }
}

/// Removes a consumer, with all that waits for its messages. One that is not there is no error.
pub(super) async fn remove(stream: &Stream, consumer: &str) -> Result<(), Error> {
    match stream.delete_consumer(consumer).await {
        Err(error) if !is_missing(&error) => Err(refused("remove its consumer")(error)),
        _ => Ok(()),
    }
}

fn is_missing(error: &ConsumerError) -> bool {
    matches!(error.kind(), ConsumerErrorKind::JetStream(error) if error.error_code() == ErrorCode::CONSUMER_NOT_FOUND)
}

pub(super) fn ended() -> Error {
    Error::Stopped { why: "the broker ended the delivery of messages".to_owned() }
}

pub(super) fn contiguous(expected: u64, place: u64) -> Result<(), Error> {
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
pub(super) fn delivery(message: Message, stream: EventId) -> Result<(Delivery, u64), Error> {
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
