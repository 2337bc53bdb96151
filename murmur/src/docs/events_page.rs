//! `docs/events.md`: every event, who says it, who hears it and what then happens; commands, effects, reminders; and what
//! each service may do on the broker.

use std::fmt::Write;

use chassis::{
    Service, Trigger, authorization,
    graph::{Graph, Reaction},
};
use events::{CATALOGUE, OLDER, Role, Schema, TYPED};

use super::{
    bodies::Bodies,
    tables::{codes, markdown},
};
use crate::graph::does;

const INTRO: &str = "\
<!-- Written by `just docs` from the code. Change the code, not this page. -->

# Events

Who says what, who hears it, and what then happens. The same for programs: [asyncapi.json](asyncapi.json), AsyncAPI 3.0.
The envelope is CloudEvents 1.0 in binary mode: what is about an event is in its headers, the body is the bare event.

![Who hears what, and what follows](graph.svg)

An event is said under `<event>.<key>`, such as `order.created.7f9c…`. What an event is to its saga is one word:

";

/// The page.
pub(super) fn page(graph: &Graph, shop: &[Service]) -> String {
    let bodies = Bodies::new();
    let mut page = INTRO.to_owned();
    let roles: Vec<_> = Role::ALL.iter().map(|it| [it.to_string(), it.meaning().to_owned()]).collect();
    page.push_str(&markdown(["word", "meaning"], &roles));
    for schema in CATALOGUE {
        event(&mut page, graph, &bodies, schema);
    }
    parts(&mut page, &bodies);
    page.push_str("\n# Commands\n\nSent with `nats req svc.<service>.<command>`. The answer comes after the change is durable.\n\n");
    page.push_str(&commands(graph));
    page.push_str("\n# Effects\n\nWhat is asked of the outside, until it answers.\n\n");
    page.push_str(&asked(graph, "effect", |it| &it.declared.performs, &[Trigger::Outcome, Trigger::Attempt]));
    page.push_str("\n# Reminders\n\n");
    page.push_str(&asked(graph, "reminder", |it| &it.declared.reminds, &[Trigger::Reminder]));
    page.push_str(
        "\n# Permissions\n\nWhat each service may do on the broker, and nothing else: `murmur verify --permissions` ",
    );
    page.push_str("prints it for nats-server.\nUnder it services make no streams: `murmur streams` does, as the operator, once.\n\n");
    write(&mut page, format_args!("```\n{}```\n", authorization(shop)));
    page
}

fn event(page: &mut String, graph: &Graph, bodies: &Bodies, schema: &Schema) {
    let Schema { kind, version, role, example, .. } = schema;
    write(page, format_args!("\n## {kind}\n\n{}\n\n", bodies.meaning(schema)));
    let older = OLDER.iter().filter(|it| it.kind == *kind);
    let also: String = older.clone().map(|it| format!("; version {} is still taken", it.version)).collect();
    write(page, format_args!("Version {version}{also}. To its saga it is: **{role}**, {}.\n\n", role.meaning()));
    let said: Vec<_> = graph
        .said_by(kind)
        .filter(|it| !it.is_adoption())
        .map(|it| [it.service.to_owned(), "says it".to_owned(), format!("on {}", it.cause())])
        .collect();
    let hears =
        |it: &&Reaction| it.hears() == *kind && matches!(it.declared.trigger, Trigger::Event | Trigger::OwnFact);
    let heard = graph.reactions.iter().filter(hears).map(|it| match it.is_adoption() {
        true => [it.service.to_owned(), "takes it back in".to_owned(), "where it did not say it itself".to_owned()],
        false => [it.service.to_owned(), "hears it".to_owned(), does(it).join("; ")],
    });
    let rows: Vec<_> = said.into_iter().chain(heard).collect();
    match rows.is_empty() {
        true => page.push_str("No service says it or hears it yet.\n"),
        false => page.push_str(&markdown(["service", "", ""], &rows)),
    }
    body(page, bodies, schema);
    write(page, format_args!("\n```json\n{}\n```\n", example.trim()));
    for old in older {
        write(page, format_args!("\nVersion {}, which is read as the newest one:\n\n", old.version));
        body(page, bodies, old);
        write(page, format_args!("\n```json\n{}\n```\n", old.example.trim()));
    }
    for typed in TYPED.iter().filter(|it| it.kind == *kind) {
        write(
            page,
            format_args!("\nTyped by hand, as `nats pub {kind}`, this is enough:\n\n```json\n{}\n```\n", typed.example),
        );
    }
}

fn body(page: &mut String, bodies: &Bodies, schema: &Schema) {
    write(page, format_args!("\n{}", markdown(["field", "type", "needed", "meaning"], &bodies.fields(schema))));
}

fn parts(page: &mut String, bodies: &Bodies) {
    page.push_str("\n# What bodies are made of\n\n");
    page.push_str(&markdown(["value", "looks like", "meaning"], &bodies.values()));
    for (name, meaning, fields) in bodies.parts() {
        write(page, format_args!("\n## {name}\n\n{meaning}\n\n"));
        page.push_str(&markdown(["field", "type", "needed", "meaning"], &fields));
    }
}

fn commands(graph: &Graph) -> String {
    let commands = graph.reactions.iter().filter(|it| it.declared.trigger == Trigger::Command);
    let row = |it: &Reaction| [format!("`svc.{}.{}`", it.service, it.hears()), does(it).join("; ")];
    let every =
        [("waits", "what it heard and what it waits for"), ("figures", "how much it took, wrote and published")];
    let every = every
        .map(|(command, what)| [format!("`svc.<service>.{command}`"), format!("answers, of every service: {what}")]);
    markdown(["command", "what it does"], &commands.map(row).chain(every).collect::<Vec<_>>())
}

/// What is asked for and comes back: by whom, on what, and what is done then.
fn asked(graph: &Graph, what: &str, names: fn(&Reaction) -> &Vec<&'static str>, comes_back: &[Trigger]) -> String {
    let mut rows = Vec::new();
    for service in &graph.services {
        let own: Vec<_> = graph.reactions.iter().filter(|it| it.service == service.name).collect();
        let mut all: Vec<_> = own.iter().flat_map(|it| names(it).iter().copied()).collect();
        all.sort_unstable();
        all.dedup();
        for name in all {
            let on: Vec<_> = own.iter().filter(|it| names(it).contains(&name)).map(|it| it.cause()).collect();
            let back = own.iter().filter(|it| comes_back.contains(&it.declared.trigger) && it.hears() == name);
            let then: Vec<_> = back.map(|it| format!("{}: {}", it.cause(), does(it).join("; "))).collect();
            let on = codes(on.iter().map(String::as_str));
            rows.push([service.name.to_owned(), format!("`{name}`"), on, then.join("<br>")]);
        }
    }
    markdown(["service", what, "asked for on", "then"], &rows)
}

fn write(page: &mut String, text: std::fmt::Arguments<'_>) {
    page.write_fmt(text).expect("a string takes everything");
}
