//! What was said: the streams as they stand, and whether they agree with the contract and with the gateway's ledger.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use async_nats::{Client as Nats, Message, StatusCode, jetstream};
use chassis::{DeadLetter, Stored, stream_identity};
use events::{Arrival, EVENTS, Envelope, EventId, Headers};
use futures_util::StreamExt;
use serde_json::json;
use tests::{
    invariants::violations,
    log::{Fact, fact},
};
use tokio::time::timeout;

use crate::{
    await_condition::eventually,
    gateway::Entry,
    stack::{SERVICES, Stack},
};

/// Orders and skus of this kind tell that everything before them was heard; a comparison leaves them out.
const BARRIER: &str = "barrier";

/// A stream as far as it was read. Where its end is no longer what it was, the broker has forgotten something, and all of
/// it is read again.
pub struct Tail {
    name: &'static str,
    messages: Vec<Stored>,
}

/// A dead letter with the subject that it was parked under.
#[derive(Clone, Debug)]
pub struct Parked {
    pub subject: String,
    pub letter: DeadLetter,
}

impl Tail {
    pub fn of(name: &'static str) -> Tail {
        Tail { name, messages: Vec::new() }
    }

    /// The orders that have come to their end; nothing where the broker does not answer.
    pub async fn ended(&mut self, nats: &Nats) -> Option<BTreeSet<String>> {
        let ends = ["order.completed.", "order.cancelled."];
        let order = |message: &Stored| ends.iter().find_map(|end| message.subject.strip_prefix(end)).map(str::to_owned);
        Some(self.read(nats).await?.iter().filter_map(order).collect())
    }

    /// Reads what was there when it was asked for. Nothing where the broker does not answer; what was read by then
    /// counts.
    async fn read(&mut self, nats: &Nats) -> Option<&[Stored]> {
        loop {
            // The last one that is known comes first, if it is still there. A dead letter may be deleted, an event is not.
            let mut known = if self.name == EVENTS { self.messages.pop() } else { None };
            let after = self.messages.last().map_or(1, |message| message.sequence + 1);
            let next = known.as_ref().map_or(after, |message| message.sequence);
            let inbox = nats.new_inbox();
            let mut answers = nats.subscribe(inbox.clone()).await.ok()?;
            let question = json!({"seq": next, "batch": 500, "next_by_subj": ">"}).to_string();
            let subject = format!("$JS.API.DIRECT.GET.{}", self.name);
            nats.publish_with_reply(subject, inbox, question.into()).await.ok()?;
            loop {
                let answer = timeout(Duration::from_secs(5), answers.next()).await.ok()??;
                match answer.status {
                    None => {
                        let message = stored(answer)?;
                        if known.take().is_some_and(|known| is_another(&known, &message)) {
                            self.messages.clear();
                            break;
                        }
                        self.messages.push(message);
                    }
                    Some(status) if status == StatusCode::NO_RESPONDERS => return None,
                    Some(status) if status == StatusCode::NOT_FOUND => {
                        if known.is_some() {
                            self.messages.clear();
                        }
                        return Some(&self.messages);
                    }
                    // The end of a batch tells how many are left.
                    Some(_) if header(&answer, "Nats-Num-Pending") == Some("0") => return Some(&self.messages),
                    Some(_) => break,
                }
            }
        }
    }
}

/// Whether another message stands where one stood.
fn is_another(one: &Stored, other: &Stored) -> bool {
    let when = |message: &Stored| message.headers.get("Nats-Time-Stamp").map(str::to_owned);
    (one.sequence, &one.subject, when(one)) != (other.sequence, &other.subject, when(other))
}

fn header<'a>(message: &'a Message, name: &str) -> Option<&'a str> {
    message.headers.as_ref()?.get(name).map(|value| value.as_str())
}

fn stored(message: Message) -> Option<Stored> {
    let one = |(name, values): (&async_nats::HeaderName, &Vec<async_nats::HeaderValue>)| {
        Some((name.to_string(), values.first()?.to_string()))
    };
    let headers: Headers = message.headers.as_ref()?.iter().filter_map(one).collect();
    let sequence = headers.get("Nats-Sequence")?.parse().ok()?;
    let subject = headers.get("Nats-Subject")?.to_owned();
    Some(Stored { sequence, subject, headers, body: message.payload.to_vec() })
}

impl Stack {
    /// All messages of the stream of events, in its order.
    pub async fn messages(&self) -> Vec<Stored> {
        let mut tail = self.events.lock().await;
        eventually("the stream of events can be read", async || tail.read(&self.nats).await.map(<[_]>::to_vec)).await
    }

    /// All events under a key, in the order of the stream; those that were typed by hand with the id that they have by
    /// contract.
    pub async fn log(&self) -> Vec<Fact> {
        let stream = jetstream::new(self.nats.clone()).get_stream(EVENTS).await.unwrap();
        let identity = stream_identity(EVENTS, stream.cached_info().created.unix_timestamp_nanos());
        self.messages().await.into_iter().filter_map(|message| identified(message, identity)).collect()
    }

    /// The log without what [`Stack::settle`] adds to it: what was said, by id, each once and in its order.
    pub async fn said(&self) -> Vec<(String, String, String)> {
        let mut known = BTreeSet::new();
        let facts = self.log().await.into_iter().filter(|fact| !fact.key.starts_with(BARRIER));
        let facts = facts.map(|fact| (fact.id, fact.kind, fact.key));
        facts.filter(|fact| known.insert(fact.clone())).collect()
    }

    /// What was said of each order or sku, each event once and in its order. What its customer was told is no part of a
    /// saga, and comes when it comes.
    pub async fn sagas(&self) -> BTreeMap<String, Vec<String>> {
        let mut sagas = BTreeMap::<String, Vec<String>>::new();
        let said = self.said().await.into_iter();
        for (_, kind, key) in said.filter(|(_, kind, _)| !kind.starts_with("notification.")) {
            sagas.entry(key).or_default().push(kind);
        }
        sagas
    }

    /// What was said of one order.
    pub async fn saga(&self, order_id: &str) -> Vec<String> {
        self.sagas().await.remove(order_id).unwrap_or_default()
    }

    pub async fn dead_letters(&self) -> Vec<Parked> {
        let mut tail = self.dead.lock().await;
        let read = async || tail.read(&self.nats).await.map(<[_]>::to_vec);
        let messages = eventually("the stream of dead letters can be read", read).await;
        let parked = |it: Stored| Parked { subject: it.subject, letter: serde_json::from_slice(&it.body).unwrap() };
        messages.into_iter().map(parked).collect()
    }

    /// Until `kind` was said of the order, or of what else it is about.
    pub async fn await_said(&self, kind: &str, key: &str) {
        let subject = format!("{kind}.{key}");
        let said = async || {
            let mut tail = self.events.lock().await;
            tail.read(&self.nats).await?.iter().any(|message| message.subject == subject).then_some(())
        };
        eventually(&format!("{subject} is said"), said).await;
    }

    /// Until the order has come to its end.
    pub async fn await_end(&self, order_id: &str) {
        let what = format!("the order {order_id} ends");
        eventually(&what, async || self.ended().await?.contains(order_id).then_some(())).await;
    }

    /// Until `count` orders have come to their end.
    pub async fn await_ends(&self, count: usize) {
        let what = format!("{count} orders end");
        eventually(&what, async || (self.ended().await?.len() >= count).then_some(())).await;
    }

    /// Until `more` orders have come to their end than now.
    pub async fn await_more_ends(&self, more: usize) {
        let now = eventually("the broker answers", async || self.ended().await).await;
        self.await_ends(now.len() + more).await;
    }

    /// The orders that have come to their end; nothing where the broker does not answer.
    pub async fn ended(&self) -> Option<BTreeSet<String>> {
        self.events.lock().await.ended(&self.nats).await
    }

    /// Until everything that was published so far is heard by everybody, and everything that follows is said. Two orders
    /// that go all ways stand behind what was published: each service takes its inputs in their order, and publishes
    /// what it says in its order.
    pub async fn settle(&self) {
        let number = self.messages().await.len();
        self.stock(BARRIER, 1, 2).await;
        for (end, postal_code) in [("completed", "12345"), ("cancelled", "00000")] {
            let order_id = format!("{BARRIER}-{number}-{end}");
            let items = json!([{"sku": BARRIER, "quantity": 1, "unit_price": 1}]);
            let body = json!({"customer_id": BARRIER, "items": items, "ship_to": {"postal_code": postal_code}});
            self.publish_raw(&format!("order.created.{order_id}"), &[], body.to_string()).await;
            self.await_end(&order_id).await;
            // Nobody knows the customer of a barrier.
            self.await_said("notification.failed", &order_id).await;
        }
        eventually("everything is heard", async || self.at_rest().await.ok()?.then_some(())).await;
    }

    /// Until the service, which may have been without its store, knows that every order has ended.
    pub async fn await_knowledge(&self, service: &str) {
        let subject = format!("svc.{service}.get");
        for order_id in self.ended().await.unwrap() {
            let knows = async || {
                let answer = self.ask(&subject, json!({"order_id": order_id})).await.ok()?;
                let shown: serde_json::Value = serde_json::from_slice(&answer).unwrap();
                (!["waiting", "charging", "voiding", "booking", "refunding"].contains(&shown["status"].as_str()?))
                    .then_some(())
            };
            eventually(&format!("{service} knows what became of {order_id}"), knows).await;
        }
    }

    /// Whether every service has acknowledged all that it hears.
    async fn at_rest(&self) -> Result<bool, async_nats::Error> {
        let stream = jetstream::new(self.nats.clone()).get_stream(EVENTS).await?;
        for service in SERVICES {
            let consumer = stream.consumer_info(service).await?;
            if consumer.num_pending > 0 || consumer.num_ack_pending > 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The five invariants hold, every order has ended, money moved outside as the events say and no more, and nobody
    /// was told anything that could not be taken.
    pub async fn check_all(&self) {
        self.check_log(&self.log().await).await;
    }

    /// The same of a `log` that is the stream's, in another order perhaps.
    pub async fn check_log(&self, log: &[Fact]) {
        let dead = self.dead_letters().await;
        assert!(dead.is_empty(), "{dead:#?}");
        assert_eq!(violations(log, true), Vec::<String>::new());
        let ledger = self.gateway.ledger().await;
        let witnessed = [ledger.charges, ledger.refunds].map(sorted);
        assert_eq!(said_of_money(log), witnessed, "[charges, refunds]: left as the events say, right as they were");
    }
}

/// The message as a fact, with its id by contract where it brings none.
fn identified(message: Stored, stream: EventId) -> Option<Fact> {
    let Stored { sequence, subject, mut headers, body } = message;
    let id = EventId::derived(&["message", &stream.to_string(), &sequence.to_string()]);
    let time = headers.get("Nats-Time-Stamp")?.parse().ok()?;
    let envelope = Envelope::read(subject.parse().ok()?, &headers, Arrival { id, time }).ok()?;
    headers.insert(events::header::ID, envelope.id);
    fact(&subject, &headers, &body, sequence)
}

/// Charges and refunds as the events tell of them, each event once.
fn said_of_money(log: &[Fact]) -> [Vec<Entry>; 2] {
    ["payment.completed", "payment.refunded"].map(|kind| {
        let mut known = BTreeSet::new();
        let facts = log.iter().filter(|fact| fact.kind == kind && known.insert(&fact.id));
        let entry = |fact: &Fact| Entry { order_id: fact.key.clone(), amount: fact.body["amount"].as_i64().unwrap() };
        sorted(facts.map(entry).collect())
    })
}

fn sorted(mut entries: Vec<Entry>) -> Vec<Entry> {
    entries.sort();
    entries
}
