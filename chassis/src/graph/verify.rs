//! What can be wrong with a choreography, found before it runs.
//!
//! A finding is a sentence that says what is missing, where, and what to do. No finding does not mean that a reaction
//! decides well; it means that whatever it decides is heard, can be undone and comes to an end.

mod asked;
mod ends;
mod hearing;
mod way_back;

use std::fmt;

use serde::Serialize;

use super::Graph;

/// What a choreography keeps to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// What is said is heard by a service that does something about it, or nothing has to follow.
    Heard,
    /// What is heard is said by somebody.
    Said,
    /// Whatever was done that may have to be undone has a way back, in its own service.
    WayBack,
    /// The way back is taken when something fails.
    WayBackIsReached,
    /// From everywhere in a saga there is a way to its end.
    ComesToAnEnd,
    /// Nobody goes round in a circle on which nobody has a choice.
    NoEndlessCircle,
    /// The outcome of an effect that is asked for is settled.
    Settled,
    /// What is settled, or struggles, is asked for.
    Performed,
    /// A reminder that is asked for has a reaction.
    Answered,
    /// A reminder that has a reaction is asked for.
    Asked,
}

/// Something that is wrong with a choreography.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// What it breaks.
    pub rule: Rule,
    /// The event, the effect or the reminder.
    pub about: String,
    /// In which service, where it is in one.
    pub service: Option<&'static str>,
    /// What is wrong.
    pub problem: String,
    /// What to do.
    pub advice: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.problem, self.advice)
    }
}

impl Graph {
    /// Everything that is wrong with the choreography, sorted.
    pub fn verify(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        findings.extend(hearing::unheard(self));
        findings.extend(hearing::unsaid(self));
        findings.extend(way_back::missing(self));
        findings.extend(ends::dead_ends(self));
        findings.extend(ends::circles(self));
        findings.extend(asked::effects(self));
        findings.extend(asked::reminders(self));
        findings.sort();
        findings.dedup();
        findings
    }
}
