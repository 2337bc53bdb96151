//! `golden/` holds one body for every version of every event, byte for byte as it is on the wire. Whoever changes one
//! of these files changes the contract: what was said once is read for ever.

use std::{collections::BTreeSet, fs, path::Path};

use events::*;
use serde_json::{Value, json};

/// Versions that are not written any more and are still taken, with what they are upcast to.
const OLDER: &[(&str, u32, &str)] = &[("order.created", 1, "order.created.1.upcast.json")];

/// Fields that may be absent: what a person who types the event need not know, and what is not there to be said.
const OPTIONAL: &[(&str, &[&str])] = &[
    (
        "order.created.2.json",
        &[
            "/order_id",
            "/total",
            "/currency",
            "/payment_method",
            "/ship_to",
            "/ship_to/name",
            "/ship_to/line1",
            "/ship_to/city",
            "/ship_to/postal_code",
            "/ship_to/country",
        ],
    ),
    ("inventory.reservation_failed.1.json", &["/shortages"]),
    ("inventory.released.1.json", &["/reservation_id", "/items"]),
    ("shipping.cancelled.1.json", &["/shipment_id"]),
];

#[test]
fn every_version_has_a_golden_body_and_there_is_no_other_file() {
    let files = fs::read_dir(golden()).expect("a folder of golden bodies");
    let there: BTreeSet<String> =
        files.map(|file| file.expect("a readable folder").file_name().to_string_lossy().into_owned()).collect();
    let expected: BTreeSet<String> =
        versions().flat_map(|(kind, version, written)| [file(kind, version), written]).collect();
    assert_eq!(there, expected);
}

#[test]
fn every_version_is_written_as_its_golden_body_with_and_without_its_number() {
    for (kind, version, written) in versions() {
        let body = body(&file(kind, version));
        check(kind, Some(version), &body, Ok(&written));
        check(kind, None, &body, Ok(&written));
    }
}

#[test]
fn a_field_that_is_not_known_is_ignored() {
    for (kind, version, written) in versions() {
        let mut body = json(&file(kind, version));
        body["added_later"] = json!([1, { "a": null }]);
        check(kind, Some(version), &body.to_string(), Ok(&written));
    }
}

#[test]
fn a_missing_field_is_named() {
    for (kind, version, _) in versions() {
        let file = file(kind, version);
        for field in fields(&json(&file), "") {
            let rest = without(json(&file), &field).to_string();
            if OPTIONAL.iter().any(|(it, optional)| *it == file && optional.contains(&field.as_str())) {
                assert!(rewrite(kind, Some(version), &rest).is_ok(), "{kind} without {field} was refused");
            } else {
                let name = field.rsplit('/').next().unwrap_or_default();
                check(kind, Some(version), &rest, Err(&format!("missing field `{name}`")));
            }
        }
    }
}

/// Reads `body` and writes what was read: the body in the golden file `expected`, or a sentence with `expected` in it
/// that says why the body is malformed.
#[track_caller]
fn check(kind: &str, version: Option<u32>, written: &str, expected: Result<&str, &str>) {
    match (rewrite(kind, version, written), expected) {
        (Ok(written), Ok(expected)) => assert_eq!(written, body(expected), "{expected}"),
        (Err(error), Err(part)) => {
            assert_eq!(error.reason(), "malformed", "{kind}: {error}");
            assert!(error.to_string().contains(part), "{kind}: {error} does not say {part}");
        }
        (read, _) => panic!("{kind} from {written}: {read:?}, and not {expected:?}"),
    }
}

/// From the wire, with every header set, to the typed event and back.
fn rewrite(kind: &str, version: Option<u32>, body: &str) -> Result<String, Error> {
    let headers = headers(kind, version);
    let subject = format!("{kind}.{}", key(kind)).parse()?;
    let nothing = Arrival { id: EventId::derived(&[]), time: jiff::Timestamp::UNIX_EPOCH };
    let envelope = Envelope::read(subject, &headers, nothing)?;
    assert_eq!(envelope.headers(), headers, "the headers of {kind} do not read back");
    let written = rewrite_body(&envelope, body.as_bytes())?;
    Ok(String::from_utf8(written).expect("JSON is UTF-8"))
}

fn rewrite_body(envelope: &Envelope, body: &[u8]) -> Result<Vec<u8>, Error> {
    macro_rules! by_type {
        ($($event:ty),* $(,)?) => {
            match envelope.subject.kind() {
                $(<$event>::TYPE => encode(&decode::<$event>(envelope, body)?),)*
                kind => panic!("{kind} is in the catalogue and not in this list"),
            }
        };
    }
    by_type![
        CustomerRegistered,
        CustomerUpdated,
        InventoryStocked,
        OrderCreated,
        OrderPaid,
        OrderCompleted,
        OrderCancelRequested,
        OrderCancelled,
        InventoryReserved,
        InventoryReservationFailed,
        InventoryReleased,
        PaymentCompleted,
        PaymentFailed,
        PaymentRefundStuck,
        PaymentRefunded,
        PaymentVoided,
        ShippingScheduled,
        ShippingFailed,
        ShippingCancelled,
        ShippingCancelRefused,
        ShippingDispatched,
        ShippingDelivered,
        NotificationSent,
        NotificationFailed,
    ]
}

fn headers(kind: &str, version: Option<u32>) -> Headers {
    let producer = kind.split('.').next().unwrap_or_default();
    let schema = version.map(|version| format!("urn:murmuration:schema/{kind}/{version}"));
    [
        ("Nats-Msg-Id", "018f3c5e-7a2b-5c1d-9e0f-4a5b6c7d8e9f"),
        ("ce-specversion", "1.0"),
        ("ce-id", "018f3c5e-7a2b-5c1d-9e0f-4a5b6c7d8e9f"),
        ("ce-type", kind),
        ("ce-source", &format!("/services/{producer}")),
        ("ce-subject", key(kind)),
        ("ce-time", "2026-03-04T09:30:00.125Z"),
        ("ce-correlationid", key(kind)),
        ("ce-causationid", "4b1de2c6-0f3a-5d7e-8c9b-1a2b3c4d5e6f"),
        ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    ]
    .into_iter()
    .chain(schema.as_deref().map(|schema| ("ce-dataschema", schema)))
    .collect()
}

/// What the golden bodies of `kind` are about.
fn key(kind: &str) -> &'static str {
    match kind {
        "customer.registered" | "customer.updated" => "alice",
        "inventory.stocked" => "widget",
        _ => "7f9cf0a2-9f5c-4c7e-8a51-0e7c3d0a1b2c",
    }
}

/// Every version that is taken, with the golden file of what is written after it was read.
fn versions() -> impl Iterator<Item = (&'static str, u32, String)> {
    let newest = CATALOGUE.iter().map(|it| (it.kind, it.version, file(it.kind, it.version)));
    newest.chain(OLDER.iter().map(|(kind, version, upcast)| (*kind, *version, (*upcast).to_owned())))
}

fn file(kind: &str, version: u32) -> String {
    format!("{kind}.{version}.json")
}

fn golden() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/golden"))
}

#[track_caller]
fn body(file: &str) -> String {
    let text = fs::read_to_string(golden().join(file)).unwrap_or_else(|error| panic!("golden/{file}: {error}"));
    text.strip_suffix('\n').unwrap_or_else(|| panic!("golden/{file} does not end in a line feed")).to_owned()
}

#[track_caller]
fn json(file: &str) -> Value {
    serde_json::from_str(&body(file)).unwrap_or_else(|error| panic!("golden/{file}: {error}"))
}

/// JSON pointers to every field under `at`.
fn fields(value: &Value, at: &str) -> Vec<String> {
    let below = |(name, value): (String, &Value)| fields(value, &format!("{at}/{name}"));
    match value {
        Value::Object(object) => {
            let own = object.keys().map(|name| format!("{at}/{name}"));
            own.chain(object.iter().flat_map(|(name, value)| below((name.clone(), value)))).collect()
        }
        Value::Array(items) => {
            items.iter().enumerate().flat_map(|(place, value)| below((place.to_string(), value))).collect()
        }
        _ => Vec::new(),
    }
}

fn without(mut body: Value, field: &str) -> Value {
    let (parent, name) = field.rsplit_once('/').expect("a JSON pointer");
    let parent = body.pointer_mut(parent).and_then(Value::as_object_mut).expect("the object that holds the field");
    parent.remove(name).expect("a field that is there");
    body
}
