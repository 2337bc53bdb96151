//! What bodies look like, for people: a JSON Schema as tables.

use std::collections::BTreeMap;

use events::{CATALOGUE, OLDER, Schema, TYPED};
use schemars::{SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value};

/// Every body and everything that bodies are made of.
pub(super) struct Bodies {
    definitions: Map<String, Value>,
    /// The definition of each version of an event.
    names: BTreeMap<(&'static str, u32), String>,
}

impl Bodies {
    pub fn new() -> Bodies {
        let mut generator = SchemaSettings::draft07().into_generator();
        let names = CATALOGUE.iter().chain(OLDER).map(|it| ((it.kind, it.version), name(it, &mut generator))).collect();
        TYPED.iter().for_each(|it| drop(name(it, &mut generator)));
        Bodies { definitions: generator.take_definitions(true), names }
    }

    /// What the event says, in the words of its type.
    pub fn meaning(&self, schema: &Schema) -> String {
        description(self.body(schema))
    }

    /// The fields of the body as rows of a table, in the order in which they are written.
    pub fn fields(&self, schema: &Schema) -> Vec<[String; 4]> {
        let place = |field: &str| schema.example.find(&format!("\"{field}\":")).unwrap_or(usize::MAX);
        let mut rows = fields(self.body(schema));
        rows.sort_by_key(|[field, ..]| place(field.trim_matches('`')));
        rows
    }

    /// What bodies are made of: objects, with their fields.
    pub fn parts(&self) -> impl Iterator<Item = (&String, String, Vec<[String; 4]>)> {
        let parts = self.definitions.iter().filter(|(name, it)| it["properties"].is_object() && !self.is_body(name));
        parts.map(|(name, it)| (name, description(it), fields(it)))
    }

    /// What bodies are made of: single values, as name, what it looks like and what it means.
    pub fn values(&self) -> Vec<[String; 3]> {
        let values = self.definitions.iter().filter(|(_, it)| !it["properties"].is_object());
        values.map(|(name, it)| [format!("`{name}`"), looks(it), description(it)]).collect()
    }

    fn is_body(&self, name: &str) -> bool {
        self.names.values().any(|it| it == name)
    }

    fn body(&self, schema: &Schema) -> &Value {
        &self.definitions[&self.names[&(schema.kind, schema.version)]]
    }
}

/// The name of the definition that the body of `schema` refers to.
pub(super) fn name(schema: &Schema, generator: &mut SchemaGenerator) -> String {
    let body = (schema.body)(generator).to_value();
    let reference = body["$ref"].as_str().expect("a body is an object of its own");
    last(reference).to_owned()
}

fn fields(object: &Value) -> Vec<[String; 4]> {
    let required = object["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let required: Vec<_> = required.collect();
    let properties = object["properties"].as_object().into_iter().flatten();
    let row = |(name, it): (&String, &Value)| {
        let needed = if required.contains(&name.as_str()) { "yes" } else { "" };
        [format!("`{name}`"), looks(it), needed.to_owned(), description(it)]
    };
    properties.map(row).collect()
}

/// What a value looks like, in a few words.
fn looks(schema: &Value) -> String {
    let text = |name: &str| schema[name].as_str();
    let mut looks = if let Some(reference) = text("$ref") {
        format!("`{}`", last(reference))
    } else if let Some(parts) = schema["allOf"].as_array().or(schema["anyOf"].as_array()) {
        let parts: Vec<_> = parts.iter().filter(|it| it["type"] != "null").map(looks).collect();
        parts.join(" and ")
    } else if let Some(choices) = schema["oneOf"].as_array() {
        let choice = |it: &Value| format!("`{}` ({})", shown(&it["const"]), description(it).trim_end_matches('.'));
        choices.iter().map(choice).collect::<Vec<_>>().join(", ")
    } else if let Some(choices) = schema["enum"].as_array() {
        choices.iter().map(|it| format!("`{}`", shown(it))).collect::<Vec<_>>().join(", ")
    } else if schema["type"] == "array" {
        format!("list of {}", looks(&schema["items"]))
    } else {
        let kinds = schema["type"].as_array().cloned().unwrap_or_else(|| vec![schema["type"].clone()]);
        let kinds: Vec<_> = kinds.iter().filter_map(Value::as_str).filter(|it| *it != "null").collect();
        kinds.join(" or ")
    };
    if let Some(format) = text("format").filter(|it| it.contains("date")) {
        looks.push_str(&format!(", {format}"));
    }
    if let Some(pattern) = text("pattern") {
        looks.push_str(&format!(", `{pattern}`"));
    }
    match (schema["minimum"].as_i64(), schema["maximum"].as_i64()) {
        (Some(least), Some(most)) => looks.push_str(&format!(", {least} to {most}")),
        (Some(least), None) => looks.push_str(&format!(", at least {least}")),
        _ => {}
    }
    if let Some(least) = schema["minItems"].as_u64() {
        looks.push_str(&format!(", at least {least}"));
    }
    looks
}

fn description(schema: &Value) -> String {
    schema["description"].as_str().unwrap_or_default().replace('\n', " ")
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn last(reference: &str) -> &str {
    reference.rsplit('/').next().unwrap_or(reference)
}
