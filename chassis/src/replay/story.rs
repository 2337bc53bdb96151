//! A recording as the services hear it: each event with its envelope, found by its id, and why its service said it.

use std::collections::{BTreeSet, HashMap, HashSet};

use events::{Arrival, Envelope, EventId, Headers, Key, Role, Subject, header};
use jiff::Timestamp;

use super::{
    Moment, Said,
    typed::{id_from_what_followed, is_said_by_reaction, names_an_id},
};
use crate::{Delivery, Service, Stored};

/// How many events of one reaction are looked for: what a reaction says is numbered.
pub(super) const SAID_AT_ONCE: u32 = 64;

/// When the broker took a message, where it was read back.
const TAKEN_AT: &str = "Nats-Time-Stamp";

/// An event of the recording.
pub(super) struct Recorded {
    /// Its number in the timeline; what stands there twice has one.
    pub number: usize,
    pub envelope: Envelope,
    /// Whether a service said it, or said it again: what somebody typed under its key is less than whole.
    pub is_whole: bool,
    stored: Stored,
    arrival: Arrival,
}

/// Why a service said an event of its own kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// Its reaction to a recorded event said it: now it has to say it by itself.
    Reaction(EventId),
    /// An effect ended that a recorded event had led to.
    Effect,
    /// A command, or a reminder: nobody sends it now.
    Outside,
    /// It did not: somebody else typed it.
    Foreign,
}

/// A recording.
pub(super) struct Story {
    pub events: Vec<Recorded>,
    /// Where the event of an id stands under its key, first.
    places: HashMap<EventId, usize>,
}

impl Story {
    pub fn of(recording: &[Stored]) -> Story {
        let mut numbers = HashMap::new();
        let mut known = HashSet::new();
        let mut places = HashMap::new();
        let mut events: Vec<Recorded> = Vec::new();
        // What has no time happened when the event before it did.
        let mut time = Timestamp::constant(1_767_225_600, 0);
        for (place, stored) in recording.iter().enumerate() {
            let Ok(subject) = stored.subject.parse::<Subject>() else { continue };
            let arrival = arrival(recording, place, time);
            let envelope = Envelope::read(subject.clone(), &stored.headers, arrival)
                // Each service that hears it says why it cannot be taken.
                .or_else(|_| Envelope::read(subject, &Headers::new(), arrival));
            let Ok(envelope) = envelope else { continue };
            time = envelope.time;
            // The outbox sends again what it is not sure of: every service knows it by then.
            if !known.insert((envelope.id, &stored.subject)) {
                continue;
            }
            let next = numbers.len() + 1;
            let number = *numbers.entry(envelope.id).or_insert(next);
            if envelope.subject.key().is_some() {
                places.entry(envelope.id).or_insert(events.len());
            }
            let is_whole = stored.headers.contains_key(header::TYPE);
            events.push(Recorded { number, envelope, is_whole, stored: stored.clone(), arrival });
        }
        Story { events, places }
    }

    /// The event of that id, under its key.
    pub fn event(&self, id: EventId) -> Option<&Recorded> {
        self.place(id).map(|at| &self.events[at])
    }

    pub fn place(&self, id: EventId) -> Option<usize> {
        self.places.get(&id).copied()
    }

    /// Why `service` said the event at this place, which is of its own kind.
    pub fn origin(&self, service: &Service, at: usize) -> Origin {
        let event = &self.events[at].envelope;
        let name = service.name();
        if event.source != format!("/services/{name}") || event.subject.key().is_none() {
            return Origin::Foreign;
        }
        let cause = event.causation.and_then(|id| self.event(id)).map(|it| &it.envelope);
        let Some(cause) = cause.filter(|it| service.events.contains_key(it.subject.kind())) else {
            return Origin::Outside;
        };
        match is_said_by_reaction(name, cause.id, cause.subject.kind(), event.id) {
            true => Origin::Reaction(cause.id),
            false => Origin::Effect,
        }
    }

    /// The sagas of which the recording holds the end.
    pub fn ended(&self, services: &[Service]) -> BTreeSet<Key> {
        let is_end = |kind: &str| {
            let role = |it: &Service| it.kinds.get(kind).map(|(_, role)| *role);
            services.iter().filter_map(role).any(|role| role == Role::End)
        };
        let events = self.events.iter().map(|it| &it.envelope);
        events.filter(|it| is_end(it.subject.kind())).filter_map(|it| it.correlation.clone()).collect()
    }
}

/// What the broker knew about the event at `place`: its time stands beside the headers, or else it is taken to be `time`.
fn arrival(recording: &[Stored], place: usize, time: Timestamp) -> Arrival {
    let Stored { sequence, headers, .. } = &recording[place];
    let stamp = [TAKEN_AT, header::TIME].iter().find_map(|name| headers.get(name)?.parse().ok());
    let inferred = if names_an_id(headers) { None } else { id_from_what_followed(recording, place) };
    let id = inferred.unwrap_or_else(|| EventId::derived(&["sequence", &sequence.to_string()]));
    Arrival { id, time: stamp.unwrap_or(time) }
}

impl Recorded {
    pub fn delivery(&self) -> Delivery {
        let Stored { sequence, subject, headers, body } = self.stored.clone();
        let stream = EventId::derived(&["recording"]);
        Delivery { subject, headers, body, arrival: self.arrival, stream, sequence, acknowledge: None }
    }

    pub fn moment(&self) -> Moment {
        Moment { number: self.number, kind: self.envelope.subject.kind().to_owned() }
    }

    pub fn said(&self) -> Said {
        let saga = self.envelope.correlation.clone();
        let said = Said::new(self.envelope.id, &self.stored.subject, saga, &self.stored.body);
        Said { number: Some(self.number), ..said }
    }
}
