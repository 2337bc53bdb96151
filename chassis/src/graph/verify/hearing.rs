//! Whether what is said is heard, and what is heard is said.

use std::collections::BTreeSet;

use super::{Finding, Rule};
use crate::graph::Graph;

/// Events that somebody has to react to, and nobody does. A service that only reads does not count: nothing follows.
pub(super) fn unheard(graph: &Graph) -> impl Iterator<Item = Finding> {
    let open = graph.events.values().filter(|it| !it.role.is_terminal());
    open.filter(move |it| !graph.is_answered(it.kind)).filter_map(|it| {
        let service = graph.said_by(it.kind).next()?.service;
        Some(Finding {
            rule: Rule::Heard,
            about: it.kind.to_owned(),
            service: Some(service),
            problem: format!("{service} says {}, and no service does anything about it", it.kind),
            advice: format!(
                "let one react to it with on::<…>, or mark it as news where nothing has to follow (it is marked as {})",
                it.role
            ),
        })
    })
}

/// Events that are waited for, and nobody says.
pub(super) fn unsaid(graph: &Graph) -> impl Iterator<Item = Finding> {
    let unsaid = graph.events.values().filter(|it| !it.from_outside && graph.said_by(it.kind).next().is_none());
    unsaid.filter_map(|it| {
        let hearers: BTreeSet<_> = graph.heard_by(it.kind).map(|hearer| hearer.service).collect();
        let first = *hearers.first()?;
        let hearers: Vec<_> = hearers.into_iter().collect();
        Some(Finding {
            rule: Rule::Said,
            about: it.kind.to_owned(),
            service: Some(first),
            problem: format!("{} waits for {}, and nobody says it", hearers.join(" and "), it.kind),
            advice:
                "declare it with says::<…> behind the reaction that does, add the service that does, or name it as \
                     given from outside"
                    .to_owned(),
        })
    })
}
