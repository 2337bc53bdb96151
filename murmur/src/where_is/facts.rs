//! What is known about an order at one moment, from everybody who was asked.

use std::collections::BTreeMap;

use chassis::{ConsumerState, Stored, Waits, graph::Graph};
use events::Key;
use jiff::Timestamp;

use crate::{dead::letter::Letter, timeline};

/// Everything that was found out.
pub(super) struct Facts {
    pub order: Key,
    pub now: Timestamp,
    pub graph: Graph,
    /// In the order of the stream.
    pub events: Vec<Stored>,
    /// Every service of the graph.
    pub services: BTreeMap<&'static str, Asked>,
    /// Those about the order, in the order in which they were parked.
    pub letters: Vec<Letter>,
}

/// What a service says, and what the broker says of it.
pub(super) struct Asked {
    /// What it waits for; or why there is no answer.
    pub waits: Result<Waits, String>,
    /// How far it has acknowledged the stream; none where it never listened on this broker.
    pub consumer: Option<ConsumerState>,
}

impl Facts {
    /// The events that count: what its owner refused is not one, although it stands in the stream.
    pub fn believed(&self) -> Vec<&Stored> {
        self.events.iter().filter(|event| !self.is_refused(event)).collect()
    }

    /// Whether the service whose fact it is did not take it.
    pub fn is_refused(&self, event: &Stored) -> bool {
        let owner = event.subject.split('.').next();
        self.letters.iter().any(|it| it.is_of(event) && Some(it.letter.service.as_str()) == owner)
    }

    /// The events that `service` listens to and has not heard.
    pub fn unheard(&self, service: &str) -> Vec<&Stored> {
        let heard = self.services.get(service).and_then(Asked::heard).unwrap_or(0);
        let hears = |event: &Stored| self.graph.heard_by(timeline::kind(event)).any(|it| it.service == service);
        self.events.iter().filter(|event| event.sequence > heard && hears(event)).collect()
    }
}

impl Asked {
    /// The place up to which it has heard: its own word counts, and the broker's where it gives none.
    pub fn heard(&self) -> Option<u64> {
        match &self.waits {
            Ok(waits) => waits.heard,
            Err(_) => self.consumer.map(|it| it.heard),
        }
    }
}

/// When the broker took it.
pub(super) fn taken(event: &Stored) -> Option<Timestamp> {
    event.headers.get("Nats-Time-Stamp")?.parse().ok()
}
