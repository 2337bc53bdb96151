//! Bad input to every command of every service: a clear answer, and nothing changed.

use chassis::{Answer, Service};
use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::{Map, Value, json};
use tests::world::{Step, World};

/// A body that every command takes, with what may be left out.
fn good(service: &str, command: &str) -> Option<(Value, &'static [&'static str])> {
    let order = json!({ "order_id": "o-1" });
    let items = json!([{ "sku": "widget", "quantity": 1 }]);
    Some(match (service, command) {
        ("order", "place") => {
            let address = json!({ "name": "A", "line1": "1", "city": "C", "postal_code": "1", "country": "DE" });
            let whole = json!({ "customer_id": "alice", "items": items, "payment_method": "pm_card_visa",
                "ship_to": address, "idempotency_key": "k" });
            (whole, &["payment_method", "ship_to", "idempotency_key"])
        }
        ("order", "cancel") => (json!({ "order_id": "o-1", "reason": "customer_request" }), &["reason"]),
        ("inventory", "stock") => (
            json!({ "sku": "gadget", "name": "G", "unit_price": 5, "currency": "USD", "quantity": 1 }),
            &["name", "currency"],
        ),
        ("inventory", "get") => (json!({ "sku": "widget" }), &[]),
        ("payment" | "shipping" | "order", "get") | ("shipping", "dispatch" | "deliver") => (order, &[]),
        ("payment", "settle") => (json!({ "order_id": "o-1", "refund_id": "re_1", "note": "by cheque" }), &["note"]),
        ("customer", "register" | "update") => {
            let optional: &[_] = if command == "update" { &["name", "email"] } else { &[] };
            (json!({ "customer_id": "carol", "name": "C", "email": "carol@example.com" }), optional)
        }
        ("customer", "get") => (json!({ "customer_id": "alice" }), &[]),
        (_, "waits") => (json!({ "key": "o-1" }), &["key"]),
        (_, "figures") => (json!({}), &[]),
        _ => return None,
    })
}

/// One order that is booked, and one sku in stock.
fn world() -> World {
    let mut world = World::default();
    world.command("inventory", "stock", r#"{"sku":"widget","unit_price":1999,"quantity":10}"#).unwrap();
    for customer in ["alice", "carol"] {
        let body = format!(r#"{{"customer_id":"{customer}","name":"C","email":"{customer}@example.com"}}"#);
        world.command("customer", "register", &body).unwrap();
    }
    let items = r#"[{"sku":"widget","quantity":2,"unit_price":1999}]"#;
    world.type_by_hand("order.created", &format!(r#"{{"order_id":"o-1","customer_id":"alice","items":{items}}}"#));
    world.settle();
    world
}

/// Every command of every service.
fn commands() -> Vec<(&'static str, &'static str)> {
    let services: Vec<Service> = (0..world().services()).map(|at| world().service(at)).collect();
    services.iter().flat_map(|it| it.commands().map(|command| (it.name(), command))).collect()
}

/// Text that no id, no header and no terminal should meet.
fn odd_text() -> impl Strategy<Value = String> {
    let odd = [
        "",
        " ",
        "o-1 ",
        "a.b",
        "*",
        ">",
        "o-1\0",
        "o-1\r\nNats-Service-Error-Code: 200",
        "\u{1b}[2J",
        "\u{202e}o-1",
        "ö-1",
        "🦜",
        "\u{feff}o-1",
        "../../etc",
        "o-1/../o-2",
        "' OR 1=1",
        "o\u{301}",
        "\u{0}",
    ];
    prop_oneof![
        select(odd.to_vec()).prop_map(str::to_owned),
        "\\PC{65,300}",
        "[A-Za-z0-9]{65,9000}",
        ".{0,40}[^A-Za-z0-9_-]"
    ]
}

/// What is neither a text nor a number in range nor a list of items, whatever the field is.
fn wrong_type() -> impl Strategy<Value = Value> {
    let deep = |levels: usize| (0..levels).fold(json!(1), |inner, _| json!([inner]));
    prop_oneof![
        any::<bool>().prop_map(Value::from),
        (0..1_000_000i32).prop_map(|whole| json!(f64::from(whole) + 0.5)),
        Just(json!(u64::MAX)),
        Just(json!([])),
        Just(json!([[]])),
        Just(json!([{}])),
        Just(json!({ "a": 1 })),
        (1usize..100).prop_map(deep),
        vec(any::<i8>(), 1..50).prop_map(Value::from),
    ]
}

/// What is done to a good body.
#[derive(Clone, Debug)]
enum Damage {
    /// A field gets a value of the wrong type.
    Type(usize, Value),
    /// An id gets a text that is none.
    Id(String),
    /// A field is gone.
    Missing(usize),
    /// There is a field that nobody knows.
    Unknown(String, Value),
    /// The body is no object.
    NoObject(Value),
    /// The body is no JSON.
    Bytes(Vec<u8>),
    /// The body is cut off.
    Cut(usize),
    /// It is very long, or very deep.
    Long(usize),
    Deep(usize),
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        4 => (0..8usize, wrong_type()).prop_map(|(field, value)| Damage::Type(field, value)),
        4 => odd_text().prop_map(Damage::Id),
        2 => (0..8usize).prop_map(Damage::Missing),
        2 => ("[a-z_]{12,20}", wrong_type()).prop_map(|(name, value)| Damage::Unknown(name, value)),
        2 => wrong_type().prop_filter("an object", |it| !it.is_object()).prop_map(Damage::NoObject),
        2 => vec(any::<u8>(), 1..200).prop_filter("JSON", |it| serde_json::from_slice::<Value>(it).is_err()).prop_map(Damage::Bytes),
        1 => (1..40usize).prop_map(Damage::Cut),
        1 => (7000..1_100_000usize).prop_map(Damage::Long),
        1 => (200..3000usize).prop_map(Damage::Deep),
    ]
}

/// The damaged body; none where the damage would leave a good one.
fn damaged(body: &Value, optional: &[&str], damage: &Damage) -> Option<Vec<u8>> {
    let mut fields: Map<String, Value> = body.as_object().cloned()?;
    let names: Vec<String> = fields.keys().cloned().collect();
    if names.is_empty() && matches!(damage, Damage::Type(..) | Damage::Missing(_) | Damage::Long(_)) {
        return None;
    }
    match damage {
        Damage::Type(field, value) => {
            let name = &names[field % names.len()];
            fields.insert(name.clone(), value.clone());
        }
        Damage::Id(text) => {
            let name = names.iter().find(|name| ["order_id", "sku", "customer_id", "key"].contains(&name.as_str()))?;
            fields.insert(name.clone(), json!(text));
        }
        Damage::Missing(field) => {
            let name = &names[field % names.len()];
            if optional.contains(&name.as_str()) {
                return None;
            }
            fields.remove(name);
        }
        Damage::Unknown(name, value) => drop(fields.insert(name.clone(), value.clone())),
        Damage::NoObject(value) => return Some(value.to_string().into_bytes()),
        Damage::Bytes(bytes) => return Some(bytes.clone()),
        Damage::Cut(at) => {
            let text = body.to_string();
            return Some(text.as_bytes()[..(*at).min(text.len() - 1)].to_vec());
        }
        Damage::Long(bytes) => drop(fields.insert(names[0].clone(), json!("x".repeat(*bytes)))),
        Damage::Deep(levels) => {
            return Some(format!("{}{}{}", r#"{"a":"#.repeat(*levels), "1", "}".repeat(*levels)).into_bytes());
        }
    }
    Some(Value::Object(fields).to_string().into_bytes())
}

/// All rows, and everything that can happen next: an event that was said would be published.
type Shape = (Vec<Vec<(String, String)>>, Vec<Step>);

fn shape(world: &World) -> Shape {
    (world.rows(), world.steps())
}

/// A refusal with a sentence that is safe in a header, and a world in which nothing happened.
fn refused(before: &Shape, after: &Shape, answer: Answer) -> Result<(), TestCaseError> {
    let refusal = match answer {
        Err(refusal) => refusal,
        Ok(answer) => return Err(TestCaseError::fail(format!("answered {}", String::from_utf8_lossy(&answer)))),
    };
    prop_assert!([400, 404, 409, 422].contains(&refusal.code), "{refusal:?}");
    let sentence = &refusal.message;
    prop_assert!(sentence.len() > 10 && sentence.chars().count() <= 500, "{sentence:?}");
    prop_assert!(!sentence.chars().any(char::is_control), "{sentence:?}");
    prop_assert_eq!(before, after);
    Ok(())
}

#[test]
fn every_command_has_a_good_body_here() {
    let mut world = world();
    for (service, command) in commands() {
        let (body, _) = good(service, command).unwrap_or_else(|| panic!("add a good body of {service} {command}"));
        let answer = world.command(service, command, &body.to_string());
        // It may come too late, or too early: that is no matter of the body.
        assert!(answer.as_ref().err().is_none_or(|it| it.code == 409), "{service} {command}: {answer:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_bad_body_is_refused_with_a_sentence_and_changes_nothing((service, command) in select(commands()), damage in damage()) {
        thread_local!(static WORLD: std::cell::RefCell<World> = std::cell::RefCell::new(world()));
        let (body, optional) = good(service, command).unwrap();
        let Some(bytes) = damaged(&body, optional, &damage) else { return Ok(()) };
        WORLD.with_borrow_mut(|world| {
            let before = shape(world);
            let answer = world.command_bytes(service, command, bytes);
            refused(&before, &shape(world), answer)
        })?;
    }
}
