//! Whether whatever was done can be undone: by its own service, and when something fails.

use std::collections::BTreeSet;

use events::Role;

use super::{Finding, Rule};
use crate::graph::Graph;

/// Steps that nobody takes back, or that are taken back on a way that no failure leads to.
pub(super) fn missing(graph: &Graph) -> impl Iterator<Item = Finding> {
    let taken = taken(graph);
    let steps = graph.events.values().filter(|it| it.role == Role::Step);
    let said = steps.flat_map(|step| services_that_say(graph, step.kind).into_iter().map(move |it| (step.kind, it)));
    said.filter_map(move |(step, service)| {
        let finding = |rule, problem, advice: &str| {
            let (about, advice) = (step.to_owned(), advice.to_owned());
            Some(Finding { rule, about, service: Some(service), problem, advice })
        };
        let undoes = |at: &usize| {
            let it = &graph.reactions[*at];
            it.service == service && it.declared.compensates.contains(&step)
        };
        let ways: Vec<_> = (0..graph.reactions.len()).filter(undoes).collect();
        match ways.first() {
            None => finding(
                Rule::WayBack,
                format!("{service} says {step}, a step, and has no way back from it"),
                "put compensates::<…> behind the reaction that takes it back, or write that reaction",
            ),
            Some(_) if ways.iter().any(|at| taken.contains(at)) => None,
            Some(way) => finding(
                Rule::WayBackIsReached,
                format!("{service} takes {step} back on {}, and no failure leads there", graph.reactions[*way].cause()),
                "let it react to what is said on the way back, or mark the event that starts the way back as a failure",
            ),
        }
    })
}

/// The reactions that may run because something failed.
fn taken(graph: &Graph) -> BTreeSet<usize> {
    let failures = graph.events.values().filter(|it| it.role == Role::Failure);
    graph.reached_from(failures.flat_map(|it| graph.heard_by(it.kind)).map(|it| graph.place(it)))
}

fn services_that_say(graph: &Graph, kind: &str) -> BTreeSet<&'static str> {
    graph.said_by(kind).map(|it| it.service).collect()
}
