//! The choreography as a value: who hears what, what is then said, asked of the outside and looked at again later.
//!
//! It is made of what the services declare, and a service that does anything else is refused where it runs: what is drawn
//! and verified here is what happens.

mod paths;
mod verify;

use std::collections::{BTreeMap, BTreeSet};

use events::{Event, Role};
use serde::Serialize;

pub use verify::{Finding, Rule};

use crate::{Declared, Service, Trigger};

/// Who hears what, and what follows.
#[derive(Clone, Debug, Serialize)]
pub struct Graph {
    /// In the order in which they were given.
    pub services: Vec<ServiceNode>,
    /// Every event that a table speaks of, by its type.
    pub events: BTreeMap<&'static str, EventNode>,
    /// Every reaction of every service.
    pub reactions: Vec<Reaction>,
}

/// A service.
#[derive(Clone, Debug, Serialize)]
pub struct ServiceNode {
    /// Its name.
    pub name: &'static str,
    /// Whether it says nothing and asks nothing of the outside: nobody notices whether it listens.
    pub only_reads: bool,
}

/// An event.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct EventNode {
    /// Its type, `order.created`.
    pub kind: &'static str,
    /// The version that is written.
    pub version: u32,
    /// What it is to its saga.
    pub role: Role,
    /// Whether it may come from somebody who is none of the services.
    pub from_outside: bool,
}

/// What one service does about one input.
#[derive(Clone, Debug, Serialize)]
pub struct Reaction {
    /// Whose it is.
    pub service: &'static str,
    /// What is declared about it.
    #[serde(flatten)]
    pub declared: Declared,
}

impl Graph {
    /// The graph of all that `services` declare.
    pub fn of(services: &[Service]) -> Graph {
        let reaction = |service: &'static str| move |it: &Declared| Reaction { service, declared: it.clone() };
        let mut events = BTreeMap::new();
        for (&kind, &(version, role)) in services.iter().flat_map(|service| &service.kinds) {
            events.insert(kind, EventNode { kind, version, role, from_outside: false });
        }
        Graph {
            services: services.iter().map(ServiceNode::of).collect(),
            events,
            reactions: services.iter().flat_map(|it| it.reactions().map(reaction(it.name()))).collect(),
        }
    }

    /// Declares that `E` may come from somebody who is none of the services: a device, say, or another system.
    pub fn given<E: Event>(mut self) -> Graph {
        let node = EventNode { kind: E::TYPE, version: E::VERSION, role: E::ROLE, from_outside: true };
        self.events.insert(E::TYPE, node);
        self
    }

    /// The same graph with nothing in it but `kind` and what may follow from it, however far away.
    pub fn from_event(&self, kind: &str) -> Graph {
        let reached = self.reached_from(self.heard_by(kind).map(|it| self.place(it)));
        let mut there: BTreeSet<&str> =
            reached.iter().flat_map(|at| self.reactions[*at].declared.says.clone()).collect();
        there.insert(kind);
        let keep = |at: &usize, it: &Reaction| {
            reached.contains(at) || it.declared.says.contains(&kind) || (it.is_adoption() && there.contains(it.hears()))
        };
        let reactions: Vec<_> =
            self.reactions.iter().enumerate().filter(|(at, it)| keep(at, it)).map(|(_, it)| it.clone()).collect();
        Graph {
            services: self
                .services
                .iter()
                .filter(|it| reactions.iter().any(|r| r.service == it.name))
                .cloned()
                .collect(),
            events: self
                .events
                .iter()
                .filter(|(it, _)| there.contains(*it))
                .map(|(kind, node)| (*kind, *node))
                .collect(),
            reactions,
        }
    }

    /// The reactions that may say an event of this type.
    pub fn said_by<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Reaction> {
        self.reactions.iter().filter(move |it| it.declared.says.contains(&kind))
    }

    /// The reactions to an event of this type. That a service takes a fact of its own back in is not one.
    pub fn heard_by<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Reaction> {
        self.reactions.iter().filter(move |it| it.declared.trigger == Trigger::Event && it.hears() == kind)
    }

    /// Whether a service hears it that does something about what it hears, and does not only read.
    pub fn is_answered(&self, kind: &str) -> bool {
        let only_reads = |name| self.services.iter().any(|it| it.name == name && it.only_reads);
        self.heard_by(kind).any(|it| !only_reads(it.service))
    }

    /// The role of an event; one that no table speaks of is news.
    pub fn role(&self, kind: &str) -> Role {
        self.events.get(kind).map_or(Role::News, |it| it.role)
    }
}

impl ServiceNode {
    fn of(service: &Service) -> ServiceNode {
        let only_reads = service.reactions().all(|it| it.says.is_empty() && it.performs.is_empty());
        ServiceNode { name: service.name(), only_reads }
    }
}

impl Reaction {
    /// What it reacts to: an event's type, or the name of a command, an effect or a reminder.
    pub fn hears(&self) -> &str {
        &self.declared.hears
    }

    /// Whether it takes a fact of its service's own kind back in.
    pub fn is_adoption(&self) -> bool {
        self.declared.trigger == Trigger::OwnFact
    }

    /// What moves it, for people: `order.created`, `command place`, `outcome of charge`.
    pub fn cause(&self) -> String {
        match self.declared.trigger {
            Trigger::Event => self.hears().to_owned(),
            Trigger::OwnFact => format!("{} that it did not say", self.hears()),
            Trigger::Command => format!("command {}", self.hears()),
            Trigger::Outcome => format!("outcome of {}", self.hears()),
            Trigger::Attempt => format!("{} in vain", self.hears()),
            Trigger::Reminder => format!("reminder {}", self.hears()),
        }
    }
}
