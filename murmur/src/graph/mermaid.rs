//! The choreography as a Mermaid flowchart: services as nodes, events as lines.

use std::collections::{BTreeMap, BTreeSet};

use chassis::{
    Trigger,
    graph::{Graph, Reaction},
};
use events::Role;

use super::flow::{self, Side};

/// A flowchart. Solid lines go forward, dotted ones lead back; a circle is an end; a cylinder is the outside.
pub(crate) fn mermaid(graph: &Graph) -> String {
    let mut lines = vec!["flowchart LR".to_owned()];
    lines.extend(people(graph));
    lines.extend(between(graph));
    lines.extend(ends(graph));
    lines.extend(outside(graph));
    lines.iter().enumerate().map(|(at, line)| format!("{}{line}\n", if at == 0 { "" } else { "    " })).collect()
}

/// The commands that let something happen.
fn people(graph: &Graph) -> impl Iterator<Item = String> {
    let does = |it: &&Reaction| !it.declared.says.is_empty() || !it.declared.performs.is_empty();
    graph.services.iter().filter_map(move |service| {
        let commands = graph.reactions.iter().filter(|it| it.service == service.name);
        let commands = commands.filter(|it| it.declared.trigger == Trigger::Command).filter(does);
        let commands: Vec<_> = commands.map(Reaction::hears).collect();
        let label = commands.join(", ");
        (!commands.is_empty()).then(|| format!("people([people]) -- \"{label}\" --> {}", service.name))
    })
}

/// What one service says and another one then does something about, one line for each two of them and each side.
fn between(graph: &Graph) -> Vec<String> {
    let mut lines: BTreeMap<(usize, usize, Side), BTreeSet<&str>> = BTreeMap::new();
    let place = |name: &str| graph.services.iter().position(|it| it.name == name);
    for edge in flow::edges(graph) {
        let speaker = graph.said_by(edge.0).find_map(|it| place(it.service));
        let hearer = graph.said_by(edge.1).find_map(|it| place(it.service));
        let (Some(speaker), Some(hearer)) = (speaker, hearer) else { continue };
        // The line is the event that is heard, and it leads back where that event does.
        let side = if graph.role(edge.0).is_backward() { Side::Backward } else { Side::Forward };
        lines.entry((speaker, hearer, side)).or_default().insert(edge.0);
    }
    let line = |((speaker, hearer, side), kinds): (&(usize, usize, Side), &BTreeSet<&str>)| {
        let label = kinds.iter().copied().collect::<Vec<_>>().join("<br>");
        let arrow = if *side == Side::Backward { ("-.", ".->") } else { ("--", "-->") };
        let name = |at: usize| graph.services[at].name;
        format!("{} {} \"{label}\" {} {}", name(*speaker), arrow.0, arrow.1, name(*hearer))
    };
    lines.iter().map(line).collect()
}

fn ends(graph: &Graph) -> impl Iterator<Item = String> {
    graph.events.values().filter(|it| it.role == Role::End).filter_map(|it| {
        let service = graph.said_by(it.kind).next()?.service;
        Some(format!("{service} ==> {}((\"{}\"))", it.kind.replace('.', "_"), it.kind))
    })
}

fn outside(graph: &Graph) -> impl Iterator<Item = String> {
    graph.services.iter().filter_map(|service| {
        let own = graph.reactions.iter().filter(|it| it.service == service.name);
        let effects: BTreeSet<_> = own.flat_map(|it| it.declared.performs.iter().copied()).collect();
        let label = effects.iter().copied().collect::<Vec<_>>().join(", ");
        let name = service.name;
        (!effects.is_empty()).then(|| format!("{name} <== \"{label}\" ==> outside_{name}[(outside)]"))
    })
}
