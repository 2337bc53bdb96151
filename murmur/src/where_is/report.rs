//! What is printed: the timeline, why the order is where it is, what helps, and what else is known.

use std::fmt::Write;

use serde_json::{Value, json};

use super::cause::{Cause, Names};
use crate::{
    Exit,
    timeline::{Entry, render},
};

/// The answer.
pub(super) struct Report {
    pub names: Names,
    pub timeline: Vec<Entry>,
    pub primary: Cause,
    pub further: Vec<Cause>,
}

impl Report {
    /// For people.
    pub fn text(&self) -> String {
        let mut text = match self.timeline.is_empty() {
            true => String::new(),
            false => format!("{}\n\n", render(&self.timeline)),
        };
        text += &self.primary.sentence(&self.names, true);
        if let Some(command) = self.primary.command(&self.names) {
            write!(text, "\n  try: {command}").expect("a String takes everything");
        }
        if !self.further.is_empty() {
            text += "\nalso:";
        }
        for cause in &self.further {
            write!(text, "\n  {}", cause.sentence(&self.names, false)).expect("a String takes everything");
        }
        text
    }

    /// For scripts.
    pub fn json(&self) -> Value {
        let further: Vec<_> = self.further.iter().map(|it| self.finding(it, false)).collect();
        json!({
            "order_id": self.names.order,
            "primary": self.finding(&self.primary, true),
            "further": further,
            "timeline": self.timeline,
        })
    }

    fn finding(&self, cause: &Cause, primary: bool) -> Value {
        let mut finding = json!(cause);
        finding["sentence"] = json!(cause.sentence(&self.names, primary));
        finding["command"] = json!(cause.command(&self.names));
        finding
    }

    /// The exit code that says it to a script.
    pub fn exit(&self) -> Exit {
        match self.primary {
            Cause::BrokerDown { .. } => Exit::NotThere,
            Cause::Unknown => Exit::Refused,
            Cause::Completed { .. } => Exit::Done,
            Cause::Cancelled { .. } => Exit::Cancelled,
            _ => Exit::NotInTime,
        }
    }
}
