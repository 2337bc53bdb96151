//! A service's process: its engine, and what runs around it. What ends with the process is in here, what outlives it in
//! [`super::town`].
//!
//! The relay and the hearing follow `chassis/src/broker/{relay,consumer}.rs` step by step, on the model of the broker; what
//! they decide, they decide with the same code.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Arc, Weak},
};

use chassis::{
    Acknowledge, Compared, Delivery, Engine, Holding, Input, LastStanding, OutboxRow, Pending, Position, Receipt,
    Released, Reminder,
};
use events::{Arrival, DEAD_LETTERS, EVENTS, EventId, header};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::oneshot;

use super::faults::Reached;
use crate::jetstream::{ConsumerConfig, JetStream, Place, Refused, Stored, Stream, StreamInfo};

type Asked = oneshot::Receiver<Vec<Position>>;

/// As the relay has it.
const COMPARED_EVERY: SignedDuration = SignedDuration::from_secs(30);

/// As the broker has it.
const ACKNOWLEDGEMENT_WAIT: SignedDuration = SignedDuration::from_secs(30);

/// How far the relay is.
pub enum Relay {
    /// It has not compared what the broker holds with what it confirmed.
    New,
    /// It asked its store for that.
    Asked(oneshot::Receiver<Vec<Receipt>>),
    /// It publishes.
    Compared,
}

/// How far the hearing is.
pub enum Hearing {
    /// There is no session.
    None,
    /// It asked up to where the service heard.
    Asked(Asked),
    /// The service is told what it said itself.
    Remembering { said: VecDeque<Arc<Stored>>, stream: EventId, from: u64 },
    /// Messages come.
    Listening {
        expected: u64,
        backlog: Option<u64>,
        stream: EventId,
        session: Arc<()>,
        looked_at: Option<StreamInfo>,
        again: Option<Timestamp>,
    },
}

/// An effect that waits for its next attempt.
pub struct Waiting {
    pub effect: Pending,
    pub not_before: Timestamp,
}

/// What is lost when a process ends.
pub struct Process {
    name: &'static str,
    /// What it listens to.
    subjects: Vec<String>,
    pub engine: Engine,
    pub inputs: VecDeque<Input>,
    /// The broker's word and what the relay asks: it goes with the next batch, whatever waits.
    pub words: VecDeque<Input>,
    pub relay: Relay,
    /// Rows to be published, by number.
    pub queue: BTreeMap<u64, OutboxRow>,
    /// The last sequence that was new to the broker.
    pub highest: u64,
    /// When the relay compared last, and with which process of the broker.
    pub compared: (Timestamp, u64),
    pub hearing: Hearing,
    /// Whether it may be asked.
    pub ready: bool,
    pub effects: Vec<Waiting>,
    /// What came of attempts and is not known inside yet.
    pub results: Vec<Input>,
    pub reminders: BTreeSet<Reminder>,
}

impl Process {
    /// A process on what its store holds.
    pub fn start(name: &'static str, subjects: Vec<String>, engine: Engine) -> Process {
        let said = engine.unfinished().expect("a store in memory reads").said;
        let compared = engine.compared().expect("a store in memory reads");
        let server = compared.map_or(0, |(with, _)| with.server.parse().expect("servers have numbers here"));
        Process {
            name,
            subjects,
            engine,
            inputs: VecDeque::new(),
            words: VecDeque::new(),
            relay: Relay::New,
            queue: said.into_iter().map(|row| (row.number, row)).collect(),
            highest: 0,
            compared: (Timestamp::UNIX_EPOCH, server),
            hearing: Hearing::None,
            ready: false,
            effects: Vec::new(),
            results: Vec::new(),
            reminders: BTreeSet::new(),
        }
    }

    /// The connection broke: what the broker holds is looked at again, and hearing starts again.
    pub fn disconnect(&mut self) {
        self.relay = Relay::New;
        self.hearing = Hearing::None;
    }

    /// Takes a batch of `at_most` inputs, with all that the relay says.
    pub fn turn(&mut self, at_most: usize) -> (usize, Released) {
        let mut batch: Vec<_> = self.inputs.drain(..at_most.min(self.inputs.len())).collect();
        batch.extend(self.words.drain(..));
        (batch.len(), self.engine.take(batch).expect("a store in memory works"))
    }

    /// Hands on what a commit released, but for the answers and the acknowledgement.
    pub fn hand_on(&mut self, released: &mut Released, now: Timestamp) {
        self.queue.extend(released.said.drain(..).map(|row| (row.number, row)));
        for (name, key) in released.withdrawn.drain(..) {
            self.effects.retain(|it| (&it.effect.name, &it.effect.key) != (&name, &key));
        }
        for effect in released.asked.drain(..) {
            let same = |it: &Waiting| (&it.effect.name, &it.effect.key) == (&effect.name, &effect.key);
            if !self.effects.iter().any(same) {
                self.effects.push(Waiting { effect, not_before: now });
            }
        }
        self.reminders.append(&mut std::mem::take(&mut released.reminders).into_iter().collect());
    }

    /// The relay's next step before it publishes: it asks its store, and compares.
    pub fn compare(&mut self, broker: &JetStream, (now, server): (Timestamp, u64), reached: &mut Reached) {
        let Relay::Asked(asked) = &mut self.relay else {
            let (answer, confirmed) = oneshot::channel();
            self.words.push_back(Input::WhatWasConfirmed(answer));
            self.relay = Relay::Asked(confirmed);
            return;
        };
        let Ok(confirmed) = asked.try_recv() else { return };
        let (mut gone, mut all_looked_at) = (Vec::new(), true);
        let streams = [EVENTS, DEAD_LETTERS].map(|name| (name, broker.stream(name).expect("it was made")));
        for (name, stream) in streams {
            let confirmed: Vec<_> = confirmed.iter().filter(|it| it.name == name).collect();
            let last: Vec<_> = confirmed.iter().copied().max_by_key(|it| it.place.sequence).into_iter().collect();
            let same_stream = confirmed.iter().all(|it| it.place.stream == stream.identity());
            if self.compared.1 == server && same_stream && lost(stream, &last).is_empty() {
                reached.note("one look is enough where the server did not start again");
                all_looked_at = false;
                continue;
            }
            gone.extend(lost(stream, &confirmed));
        }
        if !gone.is_empty() {
            reached.note("the relay notices that what was confirmed is gone");
            self.words.push_back(Input::Gone(gone));
        }
        if all_looked_at {
            let streams = streams.map(|(_, stream)| stream.identity());
            self.words.push_back(Input::Compared(Compared { server: server.to_string(), streams }));
        }
        (self.relay, self.highest, self.compared) = (Relay::Compared, 0, (now, server));
    }

    /// When the relay looks again by itself what the broker holds.
    pub fn compares_at(&self) -> Timestamp {
        self.compared.0 + COMPARED_EVERY
    }

    /// The rows that the relay publishes next, `at_most` so many: all for one stream.
    pub fn next_rows(&self, at_most: usize) -> Vec<OutboxRow> {
        let stream = self.queue.values().next().map(|row| row.message.stream());
        let same = |row: &&OutboxRow| Some(row.message.stream()) == stream;
        self.queue.values().take(at_most).take_while(same).cloned().collect()
    }

    /// The broker confirmed rows; `new` is the last sequence that it had not given before.
    pub fn confirmed(&mut self, receipts: Vec<Receipt>, new: Option<u64>, time: Timestamp, reached: &mut Reached) {
        if new.is_some_and(|new| new <= self.highest) {
            reached.note("a sequence goes back while nobody was cut off");
            self.relay = Relay::New;
            return;
        }
        self.highest = new.unwrap_or(self.highest);
        for receipt in &receipts {
            self.queue.remove(&receipt.row);
        }
        self.words.push_back(Input::Published { receipts, time });
    }

    /// The next step of hearing: up to `at_most` messages.
    pub fn hear(&mut self, broker: &mut JetStream, at_most: usize, now: Timestamp, reached: &mut Reached) {
        self.hearing = match std::mem::replace(&mut self.hearing, Hearing::None) {
            Hearing::None => {
                let (answer, places) = oneshot::channel();
                self.inputs.push_back(Input::WhereHeard(answer));
                Hearing::Asked(places)
            }
            Hearing::Asked(mut asked) => match asked.try_recv() {
                Ok(places) => begin(self.name, broker, places, reached),
                Err(oneshot::error::TryRecvError::Empty) => Hearing::Asked(asked),
                Err(oneshot::error::TryRecvError::Closed) => Hearing::None,
            },
            Hearing::Remembering { mut said, stream, from } if !said.is_empty() => {
                for stored in said.drain(..at_most.min(said.len())) {
                    self.inputs.push_back(Input::Remembered(delivery(&stored, stream, None)));
                }
                Hearing::Remembering { said, stream, from }
            }
            Hearing::Remembering { stream, from, .. } => {
                self.inputs.push_back(Input::AllRemembered { from });
                self.ready = true;
                self.listen(broker, stream, from, reached)
            }
            listening => self.fetch(listening, broker, at_most, now, reached),
        };
    }

    /// The last message that was delivered did not get here.
    pub fn miss_one(&mut self, now: Timestamp, reached: &mut Reached) {
        if let Hearing::Listening { expected, again, .. } = &mut self.hearing
            && matches!(self.inputs.back(), Some(Input::Event(_)))
        {
            self.inputs.pop_back();
            *expected -= 1;
            // Nobody acknowledges it: the broker delivers it again.
            *again = Some(now + ACKNOWLEDGEMENT_WAIT);
            reached.note("a message is lost between the broker and a service");
        }
    }

    fn listen(&mut self, broker: &mut JetStream, stream: EventId, from: u64, reached: &mut Reached) -> Hearing {
        let Ok(events) = broker.stream_mut(EVENTS) else { return Hearing::None };
        if events.identity() != stream {
            reached.note("the stream is made anew while a session begins");
            return Hearing::None;
        }
        match events.delete_consumer(self.name) {
            Ok(()) | Err(Refused::ConsumerNotFound) => {}
            Err(_) => return Hearing::None,
        }
        match events.create_consumer(ConsumerConfig::durable(self.name, &self.subjects, from)) {
            Ok(info) => {
                let backlog = Some(info.num_pending).filter(|left| *left > 0);
                if backlog.is_none() {
                    self.inputs.push_back(Input::CaughtUp);
                }
                Hearing::Listening { expected: 0, backlog, stream, session: Arc::new(()), looked_at: None, again: None }
            }
            Err(_) => Hearing::None,
        }
    }

    fn fetch(
        &mut self,
        listening: Hearing,
        broker: &mut JetStream,
        at_most: usize,
        now: Timestamp,
        reached: &mut Reached,
    ) -> Hearing {
        let Hearing::Listening { mut expected, mut backlog, stream, session, again, .. } = listening else {
            return Hearing::None;
        };
        let Ok(delivered) = broker.fetch(EVENTS, self.name, at_most, now) else { return Hearing::None };
        let looked_at = broker.stream(EVENTS).map(Stream::info).ok().filter(|_| delivered.len() < at_most);
        for it in delivered {
            expected += 1;
            if it.place.consumer != expected {
                reached.note("a gap ends a session");
                return Hearing::None;
            }
            if it.deliveries > 1 {
                reached.note("a message is delivered again while the first is on its way");
            }
            let place = format!("{}.{}", it.place.consumer, it.place.stream);
            let acknowledge = Acknowledge { place, session: Arc::downgrade(&session) };
            self.inputs.push_back(Input::Event(delivery(&it.stored, stream, Some(acknowledge))));
            backlog = backlog.map(|left| left - 1);
            if backlog == Some(0) {
                backlog = None;
                self.inputs.push_back(Input::CaughtUp);
            }
        }
        let again = again.filter(|at| *at > now);
        Hearing::Listening { expected, backlog, stream, session, looked_at, again }
    }
}

/// Finds out from where to hear, and what the service said from there on.
fn begin(service: &str, broker: &JetStream, places: Vec<Position>, reached: &mut Reached) -> Hearing {
    let Ok(events) = broker.stream(EVENTS) else { return Hearing::None };
    let new = places.is_empty();
    let search = last_standing(events, places, |stored| Position::heard(&stored.message.subject, stored.time));
    let from = search.found() + 1;
    if !new && !search.all_stand() {
        reached.note(if from > 1 {
            "hearing goes on before a lost end"
        } else {
            "hearing starts again in another stream"
        });
    }
    let own = format!("{service}.*.*");
    let said = events.from(from).filter(|it| crate::jetstream::matches(&own, &it.message.subject)).cloned().collect();
    Hearing::Remembering { said, stream: events.identity(), from }
}

fn last_standing(stream: &Stream, places: Vec<Position>, mark_of: fn(&Stored) -> EventId) -> LastStanding {
    let info = stream.info();
    let mut search = LastStanding::among(places, stream.identity(), info.first_sequence, info.last_sequence);
    while let Some(place) = search.ask() {
        search.answer(stream.get(place.sequence).ok().map(|stored| mark_of(stored)));
    }
    search
}

/// The rows that `stream` does not hold any more.
fn lost(stream: &Stream, confirmed: &[&Receipt]) -> Vec<u64> {
    let info = stream.info();
    let there = |it: &&&Receipt| stream.get(it.place.sequence).ok().map(|stored| (stored.sequence, message_id(stored)));
    let marks = confirmed.iter().filter_map(|it| there(&it)).collect();
    let holding = Holding { stream: stream.identity(), reach: (info.first_sequence, info.last_sequence), marks };
    confirmed.iter().filter(|it| !holding.has(it)).map(|it| it.row).collect()
}

fn message_id(stored: &Stored) -> EventId {
    EventId::named(stored.message.headers.get(header::MESSAGE_ID).unwrap_or_default())
}

fn delivery(stored: &Stored, stream: EventId, acknowledge: Option<Acknowledge>) -> Delivery {
    let id = EventId::derived(&["message", &stream.to_string(), &stored.sequence.to_string()]);
    Delivery {
        subject: stored.message.subject.clone(),
        headers: stored.message.headers.clone(),
        body: stored.message.body.clone().into_bytes(),
        arrival: Arrival { id, time: stored.time },
        stream,
        sequence: stored.sequence,
        acknowledge,
    }
}

/// Where an acknowledgement goes; none when its session has ended.
pub fn place(acknowledge: &Acknowledge) -> Option<Place> {
    let ended = |session: &Weak<()>| session.upgrade().is_none();
    let (consumer, stream) = acknowledge.place.split_once('.').filter(|_| !ended(&acknowledge.session))?;
    Some(Place { consumer: consumer.parse().ok()?, stream: stream.parse().ok()? })
}
