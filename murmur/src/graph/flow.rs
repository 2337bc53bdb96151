//! Which event follows from which, as it is drawn: a line is left out where a longer way leads to the same place, for a
//! service that waits for two facts would be drawn twice.

use std::collections::{BTreeMap, BTreeSet};

use chassis::graph::Graph;
use events::Role;

/// An event and one that may follow from it.
pub(super) type Edge = (&'static str, &'static str);

/// The side of the picture that a line belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Side {
    Forward,
    Backward,
    News,
}

/// The lines that are drawn.
pub(super) fn edges(graph: &Graph) -> BTreeSet<Edge> {
    let next = graph.next_events();
    let all = || next.iter().flat_map(|(from, to)| to.iter().map(move |to| (*from, *to)));
    let mut kept: BTreeSet<Edge> = all().filter(|(from, to)| from != to).collect();
    for edge in all() {
        // The longer way to a step leads over steps, and the one to a failure as well: what went wrong explains neither.
        let most = match graph.role(edge.1) {
            Role::Step | Role::Answer | Role::Failure => Role::Answer,
            Role::Undo | Role::End | Role::News => Role::Undo,
        };
        let among = |kept: &BTreeSet<Edge>| {
            kept.iter().filter(|it| it.1 == edge.1 || graph.role(it.1) <= most).copied().collect()
        };
        if kept.remove(&edge) && !leads(&among(&kept), edge.0, edge.1) {
            kept.insert(edge);
        }
    }
    kept
}

/// Whether something that went wrong turns out to be done after all: such a line runs against the others.
fn runs_back(graph: &Graph, (from, to): Edge) -> bool {
    graph.role(from).is_backward() && graph.role(to) == Role::Step
}

/// Which side an edge is on.
pub(super) fn side(graph: &Graph, (from, to): Edge) -> Side {
    match (graph.role(from), graph.role(to)) {
        (_, Role::News) => Side::News,
        (_, Role::Failure | Role::Undo) | (Role::Failure | Role::Undo, Role::End) => Side::Backward,
        _ => Side::Forward,
    }
}

/// In whose lane an event stands: of the service that says it.
pub(super) fn lane(graph: &Graph, kind: &str) -> Option<&'static str> {
    let named = || graph.services.iter().map(|it| it.name).find(|name| kind.split('.').next() == Some(name));
    graph.said_by(kind).next().map(|it| it.service).or_else(named)
}

/// For each event its column: after everything that it follows from, and as near as can be to what follows from it.
pub(super) fn columns(graph: &Graph, edges: &BTreeSet<Edge>) -> BTreeMap<&'static str, usize> {
    let mut columns: BTreeMap<_, usize> = graph.events.keys().map(|kind| (*kind, 0)).collect();
    // A circle would push its events to the right for ever: as many rounds as there are events are enough without one.
    let edges: &BTreeSet<Edge> = &edges.iter().filter(|edge| !runs_back(graph, **edge)).copied().collect();
    for _ in 0..columns.len() {
        for (from, to) in edges.iter().filter(|(from, to)| !leads(edges, to, from)) {
            columns.insert(to, columns[to].max(columns[from] + 1));
        }
    }
    // What does not follow from where most of it starts stands just before what follows from it.
    let starts = graph.events.keys().filter(|kind| !edges.iter().any(|(_, to)| to == *kind));
    let main = starts.max_by_key(|start| graph.events.keys().filter(|kind| leads(edges, start, kind)).count()).copied();
    let mut aside: Vec<_> =
        graph.events.keys().filter(|kind| !main.is_some_and(|main| leads(edges, main, kind))).collect();
    aside.retain(|kind| Some(**kind) != main);
    aside.sort_by_key(|kind| std::cmp::Reverse(columns[*kind]));
    for kind in aside {
        if let Some(next) = edges.iter().filter(|(from, _)| from == kind).map(|(_, to)| columns[to]).min() {
            columns.insert(kind, next.saturating_sub(1));
        }
    }
    columns
}

fn leads(edges: &BTreeSet<Edge>, from: &str, to: &str) -> bool {
    let mut open = vec![from];
    let mut seen = BTreeSet::new();
    while let Some(at) = open.pop() {
        for (_, next) in edges.iter().filter(|(from, _)| *from == at) {
            if *next == to {
                return true;
            }
            if seen.insert(next) {
                open.push(next);
            }
        }
    }
    false
}
