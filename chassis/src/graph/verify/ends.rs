//! Whether every way comes to an end: no branch that stops halfway, no circle that nobody can leave.

use std::collections::{BTreeMap, BTreeSet};

use events::Role;

use super::{Finding, Rule};
use crate::graph::Graph;

/// Events of a saga from which no way leads to its end. One that nobody hears is found elsewhere.
pub(super) fn dead_ends(graph: &Graph) -> Vec<Finding> {
    let next = graph.next_events();
    let open = graph.events.values().filter(|it| !it.role.is_terminal() && graph.is_answered(it.kind));
    let stuck = open.filter(|it| !reachable(&next, it.kind).iter().any(|kind| graph.role(kind) == Role::End));
    let finding = |kind: &'static str, problem: String| Finding {
        rule: Rule::ComesToAnEnd,
        about: kind.to_owned(),
        service: graph.said_by(kind).next().map(|it| it.service),
        problem,
        advice: "declare what its reactions say with says::<…>, until an event is said that is marked as an end"
            .to_owned(),
    };
    let mut findings: Vec<_> =
        stuck.map(|it| finding(it.kind, format!("from {} no way leads to an end of the saga", it.kind))).collect();
    // Where a branch stops, everything before it on the same branch is stuck as well: the last one is the one to mend.
    let all: BTreeSet<_> = findings.iter().map(|it| it.about.clone()).collect();
    let before_another = |about: &str| {
        let later = reachable(&next, about);
        let round = |kind: &str| reachable(&next, kind).contains(about);
        later.iter().any(|kind| *kind != about && all.contains(*kind) && !round(kind))
    };
    findings.retain(|it| !before_another(&it.about));
    findings
}

/// Circles on which every reaction can do one thing only. A circle with a reminder on it is a clock: it takes its time.
pub(super) fn circles(graph: &Graph) -> Vec<Finding> {
    let next: BTreeMap<usize, Vec<usize>> =
        (0..graph.reactions.len()).filter_map(|at| Some((at, without_a_choice(graph, at)?))).collect();
    let mut findings = Vec::new();
    for (&start, after) in &next {
        let Some(mut circle) = after.iter().find_map(|first| way(&next, *first, start)) else { continue };
        // Each circle is told once, from its first reaction on.
        if circle.iter().any(|at| *at < start) {
            continue;
        }
        circle.insert(0, start);
        let steps: Vec<_> = circle
            .iter()
            .map(|at| format!("{} on {}", graph.reactions[*at].service, graph.reactions[*at].cause()))
            .collect();
        findings.push(Finding {
            rule: Rule::NoEndlessCircle,
            about: graph.reactions[start].hears().to_owned(),
            service: Some(graph.reactions[start].service),
            problem: format!("nobody can leave this circle: {}", steps.join(", then ")),
            advice: "let one of these reactions say something else when it is enough, and declare it with says::<…>"
                .to_owned(),
        });
    }
    findings
}

/// Where a reaction that can do one thing only leads to. None for one that can do more, nothing, or that asks for a
/// reminder.
fn without_a_choice(graph: &Graph, at: usize) -> Option<Vec<usize>> {
    let it = &graph.reactions[at].declared;
    let things: BTreeSet<_> = it.says.iter().map(|it| (0, it)).chain(it.performs.iter().map(|it| (1, it))).collect();
    (things.len() == 1 && it.reminds.is_empty() && !graph.reactions[at].is_adoption()).then(|| graph.after(at))
}

/// The reactions from `from` to the one before `to`, along the edges of `next`.
fn way(next: &BTreeMap<usize, Vec<usize>>, from: usize, to: usize) -> Option<Vec<usize>> {
    let mut open = vec![vec![from]];
    let mut seen = BTreeSet::new();
    while let Some(path) = open.pop() {
        let at = *path.last().expect("a path has a last place");
        if at == to {
            return Some(path[..path.len() - 1].to_vec());
        }
        if seen.insert(at) {
            open.extend(next.get(&at).into_iter().flatten().map(|to| [path.as_slice(), &[*to]].concat()));
        }
    }
    None
}

fn reachable<'a>(next: &BTreeMap<&'static str, BTreeSet<&'static str>>, from: &'a str) -> BTreeSet<&'a str> {
    let mut open: Vec<&str> = vec![from];
    let mut reached = BTreeSet::new();
    while let Some(kind) = open.pop() {
        if reached.insert(kind) {
            open.extend(next.get(kind).into_iter().flatten());
        }
    }
    reached
}
