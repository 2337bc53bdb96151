//! Comparing what the broker had confirmed with what it holds. What it lost comes back through the turns, to be published
//! again.
//!
//! A process of a server loses the end of a stream when it starts, and nothing after that. So with a server and streams that
//! all was compared with, by this process of the service or by an earlier one, one look in each stream is enough: whether what
//! was confirmed furthest still stands. In a cluster another server may lose something, and nobody is cut off from it: there a
//! process compares all when it starts.

use std::collections::{BTreeSet, HashMap};

use async_nats::{HeaderValue, jetstream::stream::Stream};
use events::{DEAD_LETTERS, EVENTS, EventId, header};
use tokio::sync::{mpsc, oneshot};

use super::{
    Broker,
    reading::{Reading, comparing},
    streams::{self, Streams},
};
use crate::{Compared, Delivery, Error, Holding, Input, Receipt, outbox::Furthest};

/// What the relay of one service knows of what the broker held.
pub(crate) struct Comparison {
    service: &'static str,
    /// With whom all was compared.
    known: Option<Compared>,
    /// What was confirmed furthest, by stream.
    furthest: Furthest,
}

impl Comparison {
    /// Goes on from what the store knows, as [`crate::Engine::compared`] says it.
    pub fn going_on(service: &'static str, known: Option<(Compared, Vec<Receipt>)>) -> Comparison {
        let ((known, receipts), mut furthest) = (known.unzip(), Furthest::default());
        furthest.extend(receipts.into_iter().flatten());
        Comparison { service, known, furthest }
    }

    /// The broker confirmed this.
    pub fn confirmed(&mut self, receipt: Receipt) {
        self.furthest.note(receipt);
    }

    /// The furthest place in `stream` that was confirmed and stands.
    pub fn furthest(&self, stream: &Stream) -> u64 {
        self.furthest.of(streams::identity(stream)).map_or(0, |it| it.place.sequence)
    }

    /// Compares the streams, which are made where they are missing, with what the broker confirmed: what it lost goes to the
    /// turns as [`Input::Gone`]. None where the connection changed meanwhile: part of it may have been another server's word.
    /// Cut off while it waits, it compares again the next time.
    pub async fn compare(
        &mut self,
        broker: &Broker,
        turns: &mpsc::UnboundedSender<Input>,
        is_same_connection: impl Fn() -> bool,
    ) -> Result<Option<Streams>, Error> {
        let streams = broker.streams().await?;
        let both = [(EVENTS, &streams.events), (DEAD_LETTERS, &streams.dead_letters)];
        let with = Compared {
            server: broker.client.server_info().server_id,
            streams: both.map(|(_, stream)| streams::identity(stream)),
        };
        let mut stands = self.known.as_ref() == Some(&with);
        for (_, stream) in both {
            let furthest: Vec<_> = self.furthest.of(streams::identity(stream)).into_iter().collect();
            stands = stands && self.lost(broker, stream, &furthest).await?.is_empty();
        }
        if !stands {
            self.known = None;
            let (answer, confirmed) = oneshot::channel();
            say(turns, Input::WhatWasConfirmed(answer))?;
            let confirmed = confirmed.await.map_err(|_| stopped())?;
            let mut gone = BTreeSet::new();
            for (name, stream) in both {
                let confirmed: Vec<_> = confirmed.iter().filter(|it| it.name == name).collect();
                gone.extend(self.lost(broker, stream, &confirmed).await?);
            }
            self.furthest = Furthest::default();
            self.furthest.extend(confirmed.iter().filter(|it| !gone.contains(&it.row)).copied());
            if !gone.is_empty() {
                tracing::error!(
                    "the broker lost {} messages that it had confirmed: they are published again, and whoever heard \
                     them knows them",
                    gone.len()
                );
                say(turns, Input::Gone(gone.into_iter().collect()))?;
            }
        }
        if !is_same_connection() {
            self.known = None;
            return Ok(None);
        }
        if !stands && both.iter().all(|(_, stream)| streams::is_on_one_server(stream)) {
            say(turns, Input::Compared(with.clone()))?;
        }
        self.known = Some(with);
        Ok(Some(streams))
    }

    /// The rows that `stream` does not hold any more, of those that were confirmed.
    async fn lost(&self, broker: &Broker, stream: &Stream, confirmed: &[&Receipt]) -> Result<Vec<u64>, Error> {
        let state = &stream.cached_info().state;
        let reach = (state.first_sequence, state.last_sequence);
        let mut holding = Holding { stream: streams::identity(stream), reach, marks: HashMap::new() };
        // One is asked for; many are read back.
        if confirmed.len() > 1 {
            let here = confirmed.iter().filter(|it| it.place.stream == holding.stream);
            if let Some(first) = here.map(|it| it.place.sequence).min() {
                holding.marks = self.read_back(broker, stream, confirmed[0].name, first.max(reach.0)).await?;
            }
        }
        for receipt in confirmed {
            let sequence = receipt.place.sequence;
            if holding.has(receipt) && (reach.0..=reach.1).contains(&sequence) && !holding.marks.contains_key(&sequence)
            {
                let stands = streams::message(stream, sequence).await?;
                holding
                    .marks
                    .extend(stands.map(|message| (sequence, message_id(message.headers.get(header::MESSAGE_ID)))));
            }
        }
        Ok(confirmed.iter().filter(|it| !holding.has(it)).map(|it| it.row).collect())
    }

    /// The message ids of what this service said, from a sequence on; of all dead letters, since they are few.
    async fn read_back(
        &self,
        broker: &Broker,
        stream: &Stream,
        name: &str,
        from: u64,
    ) -> Result<HashMap<u64, EventId>, Error> {
        let own = (name == EVENTS).then(|| format!("{}.*.*", self.service));
        let mut reading = Reading::begin(&broker.jetstream, stream, comparing(self.service), own, from).await?;
        let mut marks = HashMap::new();
        while let Some(Delivery { sequence, headers, .. }) = reading.next().await? {
            marks.insert(sequence, EventId::named(headers.get(header::MESSAGE_ID).unwrap_or_default()));
        }
        Ok(marks)
    }
}

/// What a message that was published is known by; one without an id is nobody's.
fn message_id(id: Option<&HeaderValue>) -> EventId {
    EventId::named(id.map_or("", HeaderValue::as_str))
}

fn say(turns: &mpsc::UnboundedSender<Input>, input: Input) -> Result<(), Error> {
    turns.send(input).map_err(|_| stopped())
}

fn stopped() -> Error {
    Error::Stopped { why: "the turns have ended".to_owned() }
}
