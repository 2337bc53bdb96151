//! What a replay came to, for people and for programs.

use std::fmt;

use chassis::{Difference, Left, Replayed, Stored};
use serde_json::json;

use crate::timeline::{Entry, entries, render};

/// What a replay came to.
#[derive(Debug)]
pub struct Report {
    timeline: Vec<Entry>,
    /// What is taken to have been before the recording begins, in sentences.
    before: Vec<String>,
    replayed: Replayed,
}

impl Report {
    pub(super) fn new(recording: &[Stored], before: Vec<String>, replayed: Replayed) -> Report {
        Report { timeline: entries(recording), before, replayed }
    }

    /// Whether something is said now that was not said then, or the other way round.
    pub fn differs(&self) -> bool {
        !self.replayed.differences.is_empty()
    }

    /// The report as one JSON object.
    pub(super) fn json(&self) -> String {
        let Replayed { differences, would_follow, left } = &self.replayed;
        let with_sentence = |it: &Difference| {
            let mut shown = json!(it);
            shown["sentence"] = json!(it.to_string());
            shown
        };
        let all = |of: &[Difference]| of.iter().map(with_sentence).collect::<Vec<_>>();
        json!({
            "timeline": self.timeline,
            "before": self.before,
            "differences": all(differences),
            "would_follow": all(would_follow),
            "left": left,
        })
        .to_string()
    }
}

/// The timeline, then a section each for what there is to say, each line of it a sentence.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Replayed { differences, would_follow, left } = &self.replayed;
        writeln!(f, "{}", render(&self.timeline))?;
        section(f, "what was before", &self.before)?;
        match differences.is_empty() {
            true => writeln!(f, "\nnothing differs")?,
            false => section(f, "what differs", differences)?,
        }
        section(f, "what would follow", would_follow)?;
        section::<Left>(f, "what is waited for", left)
    }
}

fn section<T: fmt::Display>(f: &mut fmt::Formatter<'_>, title: &str, lines: &[T]) -> fmt::Result {
    if lines.is_empty() {
        return Ok(());
    }
    writeln!(f, "\n{title}")?;
    lines.iter().try_for_each(|line| writeln!(f, "  {line}"))
}
