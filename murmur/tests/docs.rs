//! The pages that are made from the code are what the code says.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::Value;

#[test]
fn the_pages_are_what_the_code_says() {
    let docs = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs"));
    for (name, text) in murmur::pages() {
        let there = fs::read_to_string(docs.join(name)).unwrap_or_default();
        assert!(there == text, "docs/{name} is not what the code says: `just docs` writes it");
    }
}

#[test]
fn every_reference_in_the_asyncapi_document_leads_somewhere() {
    let (_, text) = murmur::pages().into_iter().find(|(name, _)| *name == "asyncapi.json").unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    let references = references(&document);
    assert!(references.len() > 100, "only {} references", references.len());
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
}

#[test]
fn the_asyncapi_document_has_every_event_and_every_command() {
    let (_, text) = murmur::pages().into_iter().find(|(name, _)| *name == "asyncapi.json").unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    for schema in events::CATALOGUE {
        assert_eq!(document["channels"][schema.kind]["address"], format!("{}.{{key}}", schema.kind));
    }
    for service in murmur::shop() {
        for command in service.commands() {
            let subject = format!("svc.{}.{command}", service.name());
            assert_eq!(document["channels"][&subject]["address"], subject);
        }
    }
}

fn references(value: &Value) -> BTreeSet<String> {
    match value {
        Value::Object(object) => {
            let own = object.get("$ref").and_then(Value::as_str).map(str::to_owned);
            own.into_iter().chain(object.values().flat_map(references)).collect()
        }
        Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => BTreeSet::new(),
    }
}
