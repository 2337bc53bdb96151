//! Those who ask something of the town. What is to be placed or stocked is asked for until it is answered, always under
//! the same idempotency key; what they change their mind about is asked for once.

use std::collections::BTreeMap;

use chassis::{Answer, Input, Message, Request};
use events::EventId;
use fastrand::Rng;
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::oneshot::{self, error::TryRecvError};

use super::{faults::Reached, town::Node};

/// How many units there are, and what one costs.
pub const WIDGETS: i64 = 12;
const PRICE: i64 = 1999;

/// What somebody wants.
struct Want {
    service: usize,
    command: &'static str,
    body: String,
    /// Whether it is asked for until it is answered.
    insists: bool,
    answer: Option<oneshot::Receiver<Answer>>,
    done: bool,
    asked: u32,
}

/// All customers.
#[derive(Default)]
pub struct Customers {
    wants: Vec<Want>,
    /// Orders that were answered, by what they were asked for with.
    pub acknowledged: BTreeMap<String, String>,
    typed: usize,
    waves: usize,
}

impl Customers {
    /// They stock something, and want `orders` orders of all kinds.
    pub fn wanting(orders: usize, rng: &mut Rng) -> Customers {
        let mut customers = Customers::default();
        let stock = format!(r#"{{"sku":"widget","unit_price":{PRICE},"quantity":{WIDGETS},"idempotency_key":"s"}}"#);
        customers.want(1, "stock", stock, true);
        let alice = r#"{"customer_id":"alice","name":"Alice","email":"alice@example.com","idempotency_key":"a"}"#;
        customers.want(4, "register", alice.to_owned(), true);
        customers.place(orders, rng);
        customers
    }

    /// They want more orders.
    pub fn place(&mut self, orders: usize, rng: &mut Rng) {
        self.waves += 1;
        for number in 0..orders {
            let quantity = if rng.u8(0..8) == 0 { WIDGETS + 1 } else { rng.i64(1..4) };
            let extra = match rng.u8(0..6) {
                0 => r#","payment_method":"pm_card_declined""#,
                1 => r#","ship_to":{"postal_code":"00000"}"#,
                _ => "",
            };
            let items = format!(r#"[{{"sku":"widget","quantity":{quantity}}}]"#);
            let key = format!("{}-{number}", self.waves);
            // Some send keys that begin with a time: so does the id of their order.
            let begun = Timestamp::from_second(self.waves as i64).expect("there are few waves");
            let key = if number % 2 == 0 { key } else { EventId::derived(&["key", &key]).at(begun).to_string() };
            let body = format!(r#"{{"customer_id":"alice","items":{items}{extra},"idempotency_key":"{key}"}}"#);
            self.want(0, "place", body, true);
        }
    }

    fn want(&mut self, service: usize, command: &'static str, body: String, insists: bool) {
        self.wants.push(Want { service, command, body, insists, answer: None, done: false, asked: 0 });
    }

    /// Somebody changes their mind, or a parcel leaves or arrives.
    pub fn want_something(&mut self, rng: &mut Rng) {
        let orders: Vec<_> = self.acknowledged.values().cloned().collect();
        let Some(order_id) = rng.choice(orders) else { return };
        let commands = [(0, "cancel"), (3, "dispatch"), (3, "dispatch"), (3, "deliver")];
        let (service, command) = *rng.choice(&commands).expect("there are some");
        self.want(service, command, format!(r#"{{"order_id":"{order_id}"}}"#), false);
    }

    /// Somebody types an order, without a key and without headers.
    pub fn type_something(&mut self, rng: &mut Rng) -> Option<Message> {
        self.typed += 1;
        let items = format!(r#"[{{"sku":"widget","quantity":{},"unit_price":{PRICE}}}]"#, rng.u8(1..3));
        let body = format!(r#"{{"order_id":"typed-{}","customer_id":"alice","items":{items}}}"#, self.typed);
        (self.typed < 3).then(|| Message { subject: "order.created".to_owned(), headers: Default::default(), body })
    }

    /// What may be sent now.
    pub fn ready(&self, nodes: &[Node]) -> Vec<usize> {
        let waits = |want: &Want| !want.done && want.answer.is_none() && nodes[want.service].answers();
        self.wants.iter().enumerate().filter(|(_, want)| waits(want)).map(|(place, _)| place).collect()
    }

    /// Whether everything that somebody insists on was answered.
    pub fn are_answered(&self) -> bool {
        self.wants.iter().all(|want| want.done)
    }

    /// Sends a command.
    pub fn send(&mut self, place: usize, nodes: &mut [Node], now: Timestamp) {
        let want = &mut self.wants[place];
        want.asked += 1;
        let (sender, receiver) = oneshot::channel();
        want.answer = Some(receiver);
        let (node, asked) = (&mut nodes[want.service], want.asked);
        let id = EventId::derived(&["request", &place.to_string(), &asked.to_string()]);
        let (command, body, time) = (want.command.to_owned(), want.body.clone().into_bytes(), node.clock(now));
        node.ask(Input::Command(Request { command, body, id: id.at(time), time, answer: sender }));
    }

    /// Takes the answers that came. A question whose service ended meanwhile is asked again, or dropped.
    pub fn hear_answers(&mut self, reached: &mut Reached) {
        for want in &mut self.wants {
            let Some(answer) = &mut want.answer else { continue };
            match answer.try_recv() {
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Closed) => {
                    want.answer = None;
                    want.done = !want.insists;
                    reached.note("a command is cut off");
                }
                Ok(answer) => {
                    want.answer = None;
                    // Refused: nobody knows the price yet; or it was done, and the answer is gone with an earlier store.
                    let done_before = answer.as_ref().is_err_and(|refusal| refusal.code == 409);
                    want.done = answer.is_ok() || done_before || !want.insists;
                    if let (Ok(answer), "place") = (answer, want.command) {
                        let answer: Value = serde_json::from_slice(&answer).expect("answers are JSON");
                        let order_id = answer["order_id"].as_str().expect("it has an id").to_owned();
                        self.acknowledged.insert(want.body.clone(), order_id);
                    }
                }
            }
        }
    }
}
