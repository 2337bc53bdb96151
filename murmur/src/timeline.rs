//! An order's timeline: what happened, who said it, and because of what. Pure: the same events give the same text.

use std::collections::HashMap;

use chassis::Stored;
use events::{EventId, Subject, header};
use serde::Serialize;
use serde_json::{Value, json};

/// How much of somebody else's text a line shows.
const NOTE_CHARACTERS: usize = 80;

/// An event as a line of a timeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Counts from 1, in the order of the stream.
    pub number: usize,
    /// Who said it: `payment`; `external` for what was typed by hand.
    pub source: String,
    /// The event's type: `payment.failed`.
    pub kind: String,
    /// What it is about: the order.
    pub key: String,
    /// The number of the entry that caused it, where that is among them.
    pub after: Option<usize>,
    /// Why it is so (`card_declined`), or that it undoes something.
    pub note: Option<String>,
}

/// The entries of `events`, which stand in the order of the stream. An event that stands there twice (the outbox sends
/// again what it is not sure of) is one entry.
pub fn entries(events: &[Stored]) -> Vec<Entry> {
    let mut numbers = HashMap::new();
    let mut entries = Vec::new();
    for event in events {
        let id = id(event);
        if numbers.contains_key(&id) {
            continue;
        }
        let number = entries.len() + 1;
        let cause = event.headers.get(header::CAUSATION).map(EventId::named);
        let after = cause.and_then(|cause| numbers.get(&cause).copied());
        entries.push(entry(number, event, after));
        numbers.insert(id, number);
    }
    entries
}

/// The entries as text, a line each, in columns that fit all of them.
pub fn render(entries: &[Entry]) -> String {
    entries.iter().map(|entry| line(entry, entries)).collect::<Vec<_>>().join("\n")
}

/// One of `entries` as a line, in columns that fit all of them.
pub fn line(entry: &Entry, entries: &[Entry]) -> String {
    // At least as wide as what nearly every order has, so that lines that come one by one stand below each other.
    let width = |of: fn(&Entry) -> &str, least| entries.iter().map(|it| of(it).len()).fold(least, usize::max);
    let source = width(|it| &it.source, "inventory".len());
    let kind = width(|it| &it.kind, "inventory.reserved".len());
    let key = width(|it| &it.key, 0);
    let after = entry.after.map(|number| format!("after {number}")).unwrap_or_default();
    let note = entry.note.as_deref().unwrap_or_default();
    let Entry { number, source: who, kind: what, key: about, .. } = entry;
    let line = format!("{number:>2} {who:<source$}  {what:<kind$} {about:<key$}   {after:<7}   {note}");
    line.trim_end().to_owned()
}

/// An event as JSON on one line: the format of the replay tests, with its place in the stream.
pub fn json_line(event: &Stored) -> String {
    let data = serde_json::from_slice::<Value>(&event.body)
        .unwrap_or_else(|_| Value::String(crate::output::text(&event.body)));
    let Stored { sequence, subject, headers, .. } = event;
    json!({ "sequence": sequence, "subject": subject, "headers": headers, "data": data }).to_string()
}

/// The event's id; where its sender gave it none, its place in the stream stands for it.
pub(crate) fn id(event: &Stored) -> EventId {
    let named = [header::ID, header::MESSAGE_ID].into_iter().find_map(|name| event.headers.get(name));
    named.map_or_else(|| EventId::derived(&["sequence", &event.sequence.to_string()]), EventId::named)
}

/// The event's type: the first two tokens of its subject.
pub(crate) fn kind(event: &Stored) -> &str {
    event.subject.match_indices('.').nth(1).map_or(&event.subject, |(end, _)| &event.subject[..end])
}

fn entry(number: usize, event: &Stored, after: Option<usize>) -> Entry {
    let subject = event.subject.parse::<Subject>().ok();
    let source = event.headers.get(header::SOURCE).unwrap_or("/external");
    Entry {
        number,
        source: shown(source.rsplit('/').next().unwrap_or(source)),
        kind: kind(event).to_owned(),
        key: subject.and_then(|it| it.key().map(|key| key.to_string())).unwrap_or_default(),
        after,
        note: note(kind(event), &serde_json::from_slice(&event.body).unwrap_or_default()),
    }
}

/// What a reader wants to know beside the event's type.
fn note(kind: &str, body: &Value) -> Option<String> {
    match kind {
        "inventory.released" | "payment.refunded" | "payment.voided" | "shipping.cancelled" => {
            Some("compensation".to_owned())
        }
        // Its reason is that of the failure above it.
        "order.cancelled" => None,
        _ => {
            let reason = body["reason"].as_str()?;
            let shortages = body["shortages"].as_array().map(Vec::as_slice).unwrap_or_default();
            let shortage = |it: &Value| {
                let sku = it["sku"].as_str().unwrap_or("?");
                format!("{sku}: {} wanted, {} there", it["requested"], it["available"])
            };
            let shortages: Vec<_> = shortages.iter().map(shortage).collect();
            Some(shown(format!("{reason} {}", shortages.join("; ")).trim_end()))
        }
    }
}

/// Somebody else's text, safe on a terminal and of one line.
fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(NOTE_CHARACTERS).collect()
}

#[cfg(test)]
mod tests {
    use events::Headers;

    use super::*;

    /// Events that each follow from the one before.
    fn chain(events: &[(&str, Value)]) -> Vec<Stored> {
        let stored = |(at, (kind, body)): (usize, &(&str, Value))| {
            let service = kind.split('.').next().unwrap();
            let headers = [
                (header::ID, format!("e-{at}")),
                (header::SOURCE, format!("/services/{service}")),
                (header::CAUSATION, if at == 0 { "place".to_owned() } else { format!("e-{}", at - 1) }),
            ];
            Stored {
                sequence: at as u64 + 1,
                subject: format!("{kind}.o-1"),
                headers: headers.into(),
                body: body.to_string().into_bytes(),
            }
        };
        events.iter().enumerate().map(stored).collect()
    }

    fn declined() -> Vec<Stored> {
        chain(&[
            ("order.created", json!({})),
            ("inventory.reserved", json!({})),
            ("payment.failed", json!({ "reason": "card_declined" })),
            ("inventory.released", json!({})),
            ("order.cancelled", json!({ "reason": "payment_declined" })),
        ])
    }

    #[test]
    fn a_declined_order_reads_as_a_story() {
        insta::assert_snapshot!(render(&entries(&declined())), @r"
         1 order      order.created      o-1
         2 inventory  inventory.reserved o-1   after 1
         3 payment    payment.failed     o-1   after 2   card_declined
         4 inventory  inventory.released o-1   after 3   compensation
         5 order      order.cancelled    o-1   after 4
        ");
    }

    #[test]
    fn shortages_are_named_and_columns_grow() {
        let shortage = json!({ "sku": "gizmo", "requested": 5, "available": 3 });
        let events = chain(&[
            ("order.created", json!({})),
            ("inventory.reservation_failed", json!({ "reason": "out_of_stock", "shortages": [shortage] })),
        ]);
        insta::assert_snapshot!(render(&entries(&events)), @r"
         1 order      order.created                o-1
         2 inventory  inventory.reservation_failed o-1   after 1   out_of_stock gizmo: 5 wanted, 3 there
        ");
    }

    #[test]
    fn an_event_that_stands_twice_is_one_entry() {
        let mut events = declined();
        events.push(Stored { sequence: 99, ..events[1].clone() });
        assert_eq!(entries(&events), entries(&declined()));
    }

    #[test]
    fn an_event_without_headers_is_external_and_has_no_cause() {
        let event = Stored { headers: Headers::new(), ..declined().remove(1) };
        let entries = entries(&[event]);
        assert_eq!((entries[0].source.as_str(), entries[0].after), ("external", None));
    }

    #[test]
    fn foreign_text_cannot_steer_the_terminal() {
        let events = chain(&[("payment.failed", json!({ "reason": format!("\u{1b}[2J\n{}", "x".repeat(500)) }))]);
        let text = render(&entries(&events));
        assert!(text.len() < 200 && !text.chars().any(char::is_control), "{text:?}");
    }

    #[test]
    fn json_lines_hold_the_whole_event() {
        let event = &declined()[2];
        insta::assert_snapshot!(json_line(event), @r#"{"data":{"reason":"card_declined"},"headers":{"ce-causationid":"e-1","ce-id":"e-2","ce-source":"/services/payment"},"sequence":3,"subject":"payment.failed.o-1"}"#);
    }
}
