//! Ways through the graph: which reactions and which events may follow from which.
//!
//! A way goes through events, effects and reminders. It never goes through an adoption: that a lost store is filled again
//! says nothing about how a saga goes on.

use std::collections::{BTreeMap, BTreeSet};

use super::{Graph, Reaction};
use crate::Trigger;

impl Graph {
    /// Which events may be said because an event of this type was heard, with nothing else said between.
    pub fn follows(&self, kind: &str) -> BTreeSet<&'static str> {
        self.said_from(self.heard_by(kind).map(|it| self.place(it)).collect())
    }

    /// For each event, which may be said next because of it.
    pub fn next_events(&self) -> BTreeMap<&'static str, BTreeSet<&'static str>> {
        self.events.keys().map(|kind| (*kind, self.follows(kind))).collect()
    }

    /// What is said by these reactions, and by those that settle what they ask for.
    fn said_from(&self, mut open: Vec<usize>) -> BTreeSet<&'static str> {
        let (mut seen, mut said) = (BTreeSet::new(), BTreeSet::new());
        while let Some(at) = open.pop() {
            if seen.insert(at) {
                said.extend(self.reactions[at].declared.says.iter().copied());
                open.extend(self.inside(at));
            }
        }
        said
    }

    /// Every reaction that may run because these did, and they themselves.
    pub(crate) fn reached_from(&self, start: impl Iterator<Item = usize>) -> BTreeSet<usize> {
        let mut open: Vec<_> = start.collect();
        let mut reached = BTreeSet::new();
        while let Some(at) = open.pop() {
            if reached.insert(at) {
                open.extend(self.after(at));
            }
        }
        reached
    }

    /// The reactions that the one at `at` leads to.
    pub(crate) fn after(&self, at: usize) -> Vec<usize> {
        let says = self.reactions[at].declared.says.iter();
        let hearers = says.flat_map(|kind| self.heard_by(kind)).map(|it| self.place(it));
        hearers.chain(self.inside(at)).collect()
    }

    /// The reactions of the same service that the one at `at` leads to, through an effect or a reminder.
    pub(crate) fn inside(&self, at: usize) -> Vec<usize> {
        let asking = &self.reactions[at];
        let follows = |it: &Reaction| {
            it.service == asking.service
                && match it.declared.trigger {
                    Trigger::Outcome | Trigger::Attempt => asking.declared.performs.contains(&it.hears()),
                    Trigger::Reminder => asking.declared.reminds.contains(&it.hears()),
                    Trigger::Event | Trigger::OwnFact | Trigger::Command => false,
                }
        };
        self.reactions.iter().enumerate().filter(|(_, it)| follows(it)).map(|(at, _)| at).collect()
    }

    /// Where a reaction of this graph stands in it.
    pub(crate) fn place(&self, reaction: &Reaction) -> usize {
        let found = self.reactions.iter().position(|it| std::ptr::eq(it, reaction));
        found.expect("a reaction of this graph")
    }
}
