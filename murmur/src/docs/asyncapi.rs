//! `docs/asyncapi.json`: the same contract for programs, as AsyncAPI 3.0.0.
//!
//! A channel for each event, an operation for each service that says or hears it, and a channel with a reply for each
//! command. Schemas are JSON Schema draft 7, which AsyncAPI's own schemas extend.

use chassis::{
    Service,
    graph::{Graph, Reaction},
};
use events::{CATALOGUE, OLDER, Schema, TYPED, header};
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::bodies;
use crate::{graph::does, output};

const SCHEMAS: &str = "/components/schemas";

/// The document.
pub(super) fn document(graph: &Graph, shop: &[Service]) -> String {
    let (schemas, messages) = components();
    let document = json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Murmuration",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Choreographed services over NATS JetStream: who says what, who hears it, and which commands \
                            there are. Written by `just docs` from the code.",
            "license": { "name": "Apache-2.0" },
        },
        "defaultContentType": "application/json",
        "servers": { "local": {
            "host": "127.0.0.1:4222",
            "protocol": "nats",
            "description": "NATS with JetStream: events in the stream EVENTS, what cannot be taken in DEAD_LETTERS.",
        } },
        "channels": channels(shop),
        "operations": operations(graph, shop),
        "components": { "schemas": schemas, "messages": messages },
    });
    output::json(&document) + "\n"
}

/// Schemas and messages.
fn components() -> (Map<String, Value>, Map<String, Value>) {
    let mut settings = SchemaSettings::draft07();
    settings.definitions_path = SCHEMAS.into();
    let mut generator = settings.into_generator();
    let mut messages = Map::new();
    for (schema, id) in versions() {
        let body = bodies::name(schema, &mut generator);
        messages.insert(id, message(schema, &body));
    }
    let mut schemas = generator.take_definitions(true);
    schemas.insert("Envelope".to_owned(), envelope());
    schemas.insert("Refusal".to_owned(), refusal());
    messages.insert(
        "command".to_owned(),
        json!({
            "title": "A command",
            "contentType": "application/json",
            "payload": { "type": "object" },
        }),
    );
    messages.insert(
        "answer".to_owned(),
        json!({
            "title": "The answer to a command, or a refusal",
            "contentType": "application/json",
            "headers": reference("Refusal"),
            "payload": {},
        }),
    );
    (schemas, messages)
}

/// Every version of every event, and what may be typed by hand, with the name of its message.
fn versions() -> impl Iterator<Item = (&'static Schema, String)> {
    let written = CATALOGUE.iter().chain(OLDER).map(|it| (it, message_of(it)));
    written.chain(TYPED.iter().map(|it| (it, format!("{}.typed", it.kind))))
}

fn message_of(schema: &Schema) -> String {
    format!("{}.{}", schema.kind, schema.version)
}

fn message(schema: &Schema, body: &str) -> Value {
    let Schema { kind, version, role, example, .. } = schema;
    let example: Value = serde_json::from_str(example).expect("an example is JSON");
    json!({
        "name": kind,
        "title": format!("{kind}, version {version}"),
        "summary": format!("{role}: {}", role.meaning()),
        "contentType": "application/json",
        "headers": { "allOf": [
            reference("Envelope"),
            { "type": "object", "properties": {
                header::TYPE: { "const": kind },
                header::DATA_SCHEMA: { "type": "string", "pattern": format!("/{version}$") },
            } },
        ] },
        "payload": reference(body),
        "correlationId": {
            "description": "The saga: the order id.",
            "location": format!("$message.header#/{}", header::CORRELATION),
        },
        "examples": [{ "payload": example }],
    })
}

fn channels(shop: &[Service]) -> Map<String, Value> {
    let key =
        json!({ "key": { "description": "What the event is about: one token of letters, digits, '-' and '_'." } });
    let mut channels = Map::new();
    for schema in CATALOGUE {
        let kind = schema.kind;
        let versions = [schema].into_iter().chain(OLDER.iter().filter(|it| it.kind == kind));
        let messages: Map<_, _> = versions.map(|it| (message_of(it), component(&message_of(it)))).collect();
        let channel = json!({ "address": format!("{kind}.{{key}}"), "parameters": key, "messages": messages });
        channels.insert(kind.to_owned(), channel);
    }
    for typed in TYPED {
        let id = format!("{}.typed", typed.kind);
        let description = "Typed by hand: the service that owns it completes it and says it again under its key.";
        let messages = json!({ id.as_str(): component(&id) });
        channels.insert(id, json!({ "address": typed.kind, "description": description, "messages": messages }));
    }
    for (service, command) in commands(shop) {
        let subject = format!("svc.{service}.{command}");
        let messages = json!({ "command": component("command") });
        channels.insert(subject.clone(), json!({ "address": subject, "messages": messages }));
        let description = "The inbox that the request names.";
        let reply =
            json!({ "address": null, "description": description, "messages": { "answer": component("answer") } });
        channels.insert(format!("{subject}.reply"), reply);
    }
    channels
}

fn operations(graph: &Graph, shop: &[Service]) -> Map<String, Value> {
    let mut operations = Map::new();
    for schema in CATALOGUE {
        let kind = schema.kind;
        for service in &graph.services {
            let own = |it: &&Reaction| it.service == service.name && !it.is_adoption();
            let says: Vec<_> = graph.said_by(kind).filter(own).map(Reaction::cause).collect();
            if !says.is_empty() {
                let why = format!("on {}", says.join(", on "));
                operations.insert(format!("{}-says-{kind}", service.name), operation("send", &[schema], &why));
            }
            let hears: Vec<_> = graph.heard_by(kind).filter(own).flat_map(does).collect();
            if !hears.is_empty() {
                let older: Vec<_> = [schema].into_iter().chain(OLDER.iter().filter(|it| it.kind == kind)).collect();
                operations
                    .insert(format!("{}-hears-{kind}", service.name), operation("receive", &older, &hears.join("; ")));
            }
        }
    }
    for typed in TYPED {
        let (id, owner) = (format!("{}.typed", typed.kind), typed.kind.split('.').next().unwrap_or_default());
        let channel = json!({ "$ref": format!("#/channels/{id}") });
        let what = json!({ "action": "receive", "channel": channel, "summary": "takes what was typed by hand" });
        operations.insert(format!("{owner}-takes-{id}"), what);
    }
    for (service, command) in commands(shop) {
        operations.insert(format!("{service}-answers-{command}"), answers(service, command));
    }
    operations
}

fn operation(action: &str, versions: &[&Schema], summary: &str) -> Value {
    let kind = versions[0].kind;
    let message = |it: &&Schema| json!({ "$ref": format!("#/channels/{kind}/messages/{}", message_of(it)) });
    json!({
        "action": action,
        "channel": { "$ref": format!("#/channels/{kind}") },
        "messages": versions.iter().map(message).collect::<Vec<_>>(),
        "summary": summary,
    })
}

fn answers(service: &str, command: &str) -> Value {
    let subject = format!("svc.{service}.{command}");
    json!({
        "action": "receive",
        "channel": { "$ref": format!("#/channels/{subject}") },
        "messages": [{ "$ref": format!("#/channels/{subject}/messages/command") }],
        "reply": {
            "channel": { "$ref": format!("#/channels/{subject}.reply") },
            "messages": [{ "$ref": format!("#/channels/{subject}.reply/messages/answer") }],
        },
    })
}

fn commands(shop: &[Service]) -> impl Iterator<Item = (&'static str, &'static str)> {
    shop.iter().flat_map(|service| service.commands().map(|command| (service.name(), command)))
}

/// The headers of an event: all are optional on the way in, and all that are known are set on the way out.
fn envelope() -> Value {
    let text = |description: &str| json!({ "type": "string", "description": description });
    json!({
        "type": "object",
        "description": "CloudEvents 1.0 in binary mode. Every header is optional on the way in.",
        "properties": {
            header::SPEC_VERSION: { "const": "1.0" },
            header::MESSAGE_ID: text("The event's id: the same as ce-id, for the broker's own check of duplicates."),
            header::ID: text("The event's id."),
            header::TYPE: text("The event's type; where it is absent, from the subject."),
            header::SOURCE: text("Who said it: /services/order; where it is absent, /external."),
            header::SUBJECT: text("The key; where it is absent, from the subject."),
            header::TIME: { "type": "string", "format": "date-time", "description": "When it happened." },
            header::DATA_SCHEMA: text("The version of the body, behind the last slash."),
            header::CORRELATION: text("The saga: the order id."),
            header::CAUSATION: text("The id of the event or command that caused this one."),
            header::TRACE_PARENT: text("W3C trace context."),
        },
    })
}

fn refusal() -> Value {
    json!({
        "type": "object",
        "description": "There when the answer is no, and then the body is empty.",
        "properties": {
            "Nats-Service-Error-Code": { "type": "string", "enum": ["400", "404", "409", "422", "429", "503"] },
            "Nats-Service-Error": { "type": "string", "description": "A sentence that says what to do." },
        },
    })
}

fn reference(schema: &str) -> Value {
    json!({ "$ref": format!("#{SCHEMAS}/{schema}") })
}

fn component(message: &str) -> Value {
    json!({ "$ref": format!("#/components/messages/{message}") })
}
