//! The JSON Schemas say what reading takes: every golden body fits, and what a schema refuses is refused on the way in.

use events::*;
use jsonschema::Validator;
use serde_json::{Value, json};

/// What is not there where there is nothing to say.
const OPTIONAL: &[(&str, &str)] = &[
    ("inventory.reservation_failed", "shortages"),
    ("inventory.released", "reservation_id"),
    ("inventory.released", "items"),
    ("shipping.cancelled", "shipment_id"),
];

#[test]
fn every_golden_body_fits_its_schema() {
    for schema in every_version() {
        let body: Value = serde_json::from_str(schema.example).expect("a golden body is JSON");
        let why: Vec<_> = validator(schema).iter_errors(&body).map(|error| error.to_string()).collect();
        assert!(why.is_empty(), "{} {}: {why:?}", schema.kind, schema.version);
    }
}

#[test]
fn a_field_of_another_type_does_not_fit() {
    for schema in every_version() {
        let validator = validator(schema);
        let body: Value = serde_json::from_str(schema.example).expect("a golden body is JSON");
        for field in fields(&body, "") {
            let mut other = body.clone();
            let value = other.pointer_mut(&field).expect("a field that is there");
            *value = if value.is_boolean() { json!("true") } else { json!(true) };
            assert!(!validator.is_valid(&other), "{} {} takes {other}", schema.kind, schema.version);
        }
    }
}

#[test]
fn a_field_that_must_be_there_is_missed_by_its_schema_as_by_reading() {
    for schema in CATALOGUE.iter().filter(|it| it.kind != OrderCreated::TYPE) {
        let validator = validator(schema);
        let body: Value = serde_json::from_str(schema.example).expect("a golden body is JSON");
        for field in body.as_object().expect("a body is an object").keys() {
            let mut rest = body.clone();
            rest.as_object_mut().expect("a body is an object").remove(field);
            let error = validator.iter_errors(&rest).next().map(|error| error.to_string());
            let optional = OPTIONAL.contains(&(schema.kind, field.as_str()));
            assert_eq!(error.is_none(), optional, "{} without {field}: {error:?}", schema.kind);
        }
    }
}

#[test]
fn a_field_that_is_not_known_fits() {
    for schema in every_version() {
        let mut body: Value = serde_json::from_str(schema.example).expect("a golden body is JSON");
        body["added_later"] = json!([1, { "a": null }]);
        assert!(validator(schema).is_valid(&body), "{} {}", schema.kind, schema.version);
    }
}

#[test]
fn ids_money_and_quantities_have_the_limits_of_their_types() {
    for (field, fits, does_not) in [
        ("/order_id", json!("a_B-9"), vec![json!(""), json!("a.b"), json!("a b"), json!("ä"), json!("x".repeat(65))]),
        ("/currency", json!("EUR"), vec![json!("eur"), json!("EU"), json!("EURO")]),
        ("/items/0/quantity", json!(MAX_QUANTITY), vec![json!(0), json!(-1), json!(MAX_QUANTITY + 1), json!(1.5)]),
        ("/items/0/unit_price", json!(i64::MAX), vec![json!(0), json!(-5), json!(19.99), json!("1999")]),
        ("/items", json!([{"sku": "a", "quantity": 1, "unit_price": 1}]), vec![json!([]), json!([{}]), json!({})]),
        ("/ship_to", json!(null), vec![json!("Rome"), json!({"city": 7})]),
    ] {
        check("order.created", field, &fits, true);
        does_not.iter().for_each(|value| check("order.created", field, value, false));
    }
    check("order.cancelled", "/reason", &json!("out_of_stock"), true);
    check("order.cancelled", "/reason", &json!("OutOfStock"), false);
    check("inventory.reservation_failed", "/shortages/0/available", &json!(-1), false);
}

/// Whether the golden body of `kind` with `value` at `field` fits.
#[track_caller]
fn check(kind: &str, field: &str, value: &Value, fits: bool) {
    let schema = CATALOGUE.iter().find(|it| it.kind == kind).expect("an event of the catalogue");
    let mut body: Value = serde_json::from_str(schema.example).expect("a golden body is JSON");
    *body.pointer_mut(field).expect("a field that is there") = value.clone();
    assert_eq!(validator(schema).is_valid(&body), fits, "{kind} with {field} = {value}");
}

fn every_version() -> impl Iterator<Item = &'static Schema> {
    CATALOGUE.iter().chain(OLDER).chain(TYPED)
}

fn validator(schema: &Schema) -> Validator {
    let schema = schema.json_schema();
    jsonschema::draft7::new(&schema).unwrap_or_else(|error| panic!("{schema} is no JSON Schema: {error}"))
}

/// JSON pointers to every field under `at`.
fn fields(value: &Value, at: &str) -> Vec<String> {
    let below = |(name, value): (String, &Value)| {
        let own = format!("{at}/{name}");
        let mut all = fields(value, &own);
        all.push(own);
        all
    };
    match value {
        Value::Object(object) => object.iter().flat_map(|(name, value)| below((name.clone(), value))).collect(),
        Value::Array(items) => {
            items.iter().enumerate().flat_map(|(at, value)| below((at.to_string(), value))).collect()
        }
        _ => Vec::new(),
    }
}
