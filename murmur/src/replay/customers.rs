//! The customers behind a recording. Whoever was told by mail was known: where the recording does not say so, because it
//! begins later, somebody under that id is.
//!
//! Invariant: a customer of whom the recording holds anything before the first mail is not touched.

use std::collections::{BTreeMap, BTreeSet};

use chassis::Stored;
use events::{CustomerRegistered, Event, NotificationSent, OrderCreated, header};
use serde_json::{Value, json};

/// `recording` with the customers that it takes for known, and their ids.
pub(super) fn known(recording: Vec<Stored>) -> (Vec<Stored>, BTreeSet<String>) {
    let mut said_of = BTreeSet::new();
    let mut unsaid = BTreeSet::new();
    let mut customers = BTreeMap::new();
    for event in &recording {
        let Some((kind, key)) = event.subject.rsplit_once('.') else { continue };
        let body: Value = serde_json::from_slice(&event.body).unwrap_or_default();
        match kind {
            _ if kind.starts_with("customer.") => drop(said_of.insert(key.to_owned())),
            OrderCreated::TYPE => drop(customers.insert(key, body["customer_id"].as_str().map(str::to_owned))),
            NotificationSent::TYPE => {
                let customer = customers.get(key).cloned().flatten();
                unsaid.extend(customer.filter(|it| !said_of.contains(it)));
            }
            _ => {}
        }
    }
    (unsaid.iter().map(|it| registered(it)).chain(recording).collect(), unsaid)
}

/// A `customer.registered` that nobody recorded. No mail is sent to it.
fn registered(customer: &str) -> Stored {
    let body = json!({ "customer_id": customer, "name": customer, "email": "unknown@example.org" });
    let subject = format!("{}.{customer}", CustomerRegistered::TYPE);
    let headers = [(header::SOURCE, "/opening"), (header::ID, subject.as_str())];
    let headers = headers.into();
    Stored { sequence: 0, subject, headers, body: body.to_string().into_bytes() }
}

#[cfg(test)]
mod tests {
    use events::Headers;

    use super::*;

    #[track_caller]
    fn check(subjects: &[&str], expected: &[&str]) {
        let body = json!({ "customer_id": "alice" }).to_string().into_bytes();
        let event = |subject: &&str| Stored {
            sequence: 1,
            subject: (*subject).to_owned(),
            headers: Headers::new(),
            body: body.clone(),
        };
        let (recording, _) = known(subjects.iter().map(event).collect());
        assert_eq!(recording.iter().map(|it| it.subject.as_str()).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_customer_who_was_told_was_known() {
        let told = ["order.created.o", "notification.sent.o"];
        check(&told, &["customer.registered.alice", "order.created.o", "notification.sent.o"]);
        let recorded = ["customer.updated.alice", "order.created.o", "notification.sent.o"];
        check(&recorded, &recorded);
        let failed = ["order.created.o", "notification.failed.o", "customer.registered.alice", "notification.sent.o"];
        check(&failed, &failed);
    }
}
