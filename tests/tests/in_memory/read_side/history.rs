//! A stream as it may stand after a long time: sagas of all kinds side by side, each event with its cause, some of them
//! twice, some typed by hand, some that nobody can take back. The same seed gives the same stream.

use std::collections::VecDeque;

use chassis::{Delivery, Message};
use events::{Arrival, EventId, header};
use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// How many sagas are on their way at once.
const SIDE_BY_SIDE: usize = 60;

/// What may be said of an order, from its beginning to its end.
const SAGAS: &[&[&str]] = &[
    FULFILLED,
    FULFILLED,
    FULFILLED,
    &[
        "order.created",
        "inventory.reserved",
        "payment.completed",
        "order.paid",
        "shipping.scheduled",
        "order.completed",
    ],
    &[
        "order.created",
        "inventory.reserved",
        "payment.failed",
        "notification.failed",
        "inventory.released",
        "order.cancelled",
    ],
    &["order.created", "inventory.reservation_failed", "order.cancelled", "notification.sent"],
    &[
        "order.created",
        "inventory.reserved",
        "payment.completed",
        "order.paid",
        "shipping.failed",
        "payment.refund_stuck",
        "payment.refund_stuck",
        "payment.refunded",
        "inventory.released",
        "order.cancelled",
    ],
    &[
        "order.created",
        "inventory.reserved",
        "order.cancel_requested",
        "shipping.cancelled",
        "payment.voided",
        "inventory.released",
        "order.cancelled",
    ],
    &[
        "order.created",
        "inventory.reserved",
        "payment.completed",
        "order.paid",
        "shipping.scheduled",
        "shipping.dispatched",
        "order.cancel_requested",
        "shipping.cancel_refused",
        "order.completed",
        "shipping.delivered",
    ],
    // On its way, and stuck.
    &["order.created", "inventory.reserved", "payment.completed", "order.paid"],
    &[
        "order.created",
        "inventory.reserved",
        "payment.completed",
        "order.paid",
        "shipping.failed",
        "payment.refund_stuck",
    ],
    // The order is heard of late, or never.
    &[
        "inventory.reserved",
        "payment.completed",
        "order.paid",
        "order.created",
        "shipping.scheduled",
        "order.completed",
    ],
    &["payment.failed", "inventory.released", "order.cancelled"],
    // Placed twice, and ended twice: the first one holds.
    &["order.created", "order.created", "inventory.reservation_failed", "order.cancelled", "order.completed"],
];

const FULFILLED: &[&str] = &[
    "order.created",
    "inventory.reserved",
    "payment.completed",
    "order.paid",
    "shipping.scheduled",
    "order.completed",
    "notification.sent",
    "shipping.dispatched",
    "notification.sent",
    "shipping.delivered",
    "notification.failed",
];

/// A saga on its way.
struct Saga {
    order_id: String,
    customer_id: &'static str,
    left: VecDeque<&'static str>,
    cause: String,
}

/// What a read side hears of a stream: at least `events` messages.
pub fn history(events: usize, rng: &mut Rng) -> Vec<Delivery> {
    let mut sagas: Vec<Saga> = Vec::new();
    let mut stream: Vec<Message> = Vec::new();
    let mut begun = 0;
    let mut heard = 0;
    while heard < events {
        while sagas.len() < SIDE_BY_SIDE {
            sagas.push(begin(begun, rng));
            begun += 1;
        }
        let at = rng.usize(0..sagas.len());
        let message = go_on(&mut sagas[at], stream.len(), rng);
        stream.push(message);
        heard += 1;
        if sagas[at].left.is_empty() {
            sagas.swap_remove(at);
        }
        match rng.u8(0..100) {
            // An outbox says again what it is not sure of.
            0..4 => stream.push(stream[stream.len() - 1 - rng.usize(0..stream.len().min(500))].clone()),
            4 => stream.push(beside(stream.len())),
            // Typed without a key: its owner says it again, nobody else hears it.
            5 => stream.push(Message { subject: "order.created".to_owned(), ..stream[0].clone() }),
            _ => {}
        }
    }
    let is_heard = |(_, message): &(u64, Message)| message.subject.matches('.').count() == 2;
    (1..).zip(stream).filter(is_heard).map(|(place, message)| delivery(place, message)).collect()
}

/// A message as it is delivered from its place in the stream.
pub fn delivery(place: u64, message: Message) -> Delivery {
    let Message { subject, headers, body } = message;
    let id = EventId::derived(&["message", &place.to_string()]);
    let arrival = Arrival { id, time: second(place) };
    let stream = EventId::derived(&["history"]);
    Delivery { subject, headers, body: body.into_bytes(), arrival, stream, sequence: place, acknowledge: None }
}

/// A time of the history: it takes two weeks per hundred thousand messages.
pub fn second(place: u64) -> Timestamp {
    let new_year = Timestamp::constant(1_767_225_600, 0);
    new_year + SignedDuration::from_secs(12 * i64::try_from(place).unwrap())
}

fn begin(number: usize, rng: &mut Rng) -> Saga {
    Saga {
        order_id: format!("o-{number}"),
        customer_id: ["alice", "alice", "alice", "alice", "alice", "alice", "alice", "bob"][rng.usize(0..8)],
        left: SAGAS[rng.usize(0..SAGAS.len())].iter().copied().collect(),
        cause: format!("place-{number}"),
    }
}

fn go_on(saga: &mut Saga, place: usize, rng: &mut Rng) -> Message {
    let kind = saga.left.pop_front().expect("a saga that has ended is not among them");
    let id = EventId::derived(&["event", &place.to_string()]).to_string();
    let service = kind.split('.').next().unwrap_or(kind);
    let mut headers = [
        (header::ID, id.clone()),
        (header::SOURCE, format!("/services/{service}")),
        (header::CAUSATION, std::mem::replace(&mut saga.cause, id)),
        // Said at the time of what caused it, which may be some time ago.
        (header::TIME, second(place.saturating_sub(rng.usize(0..40)) as u64).to_string()),
    ]
    .into_iter()
    .collect::<events::Headers>();
    if rng.u8(0..50) == 0 {
        // Typed by hand, under its key.
        headers = events::Headers::new();
    }
    let (subject, body) = (format!("{kind}.{}", saga.order_id), body(kind, saga, rng));
    Message { subject, headers, body: body.to_string() }
}

fn body(kind: &str, saga: &Saga, rng: &mut Rng) -> Value {
    let order_id = &saga.order_id;
    let quantity = rng.i64(1..4);
    let items = json!([{ "sku": "widget", "quantity": quantity }]);
    let paid = json!({ "order_id": order_id, "transaction_id": "pi_1", "amount": 1999 * quantity, "currency": "USD" });
    let shipped = json!({ "order_id": order_id, "shipment_id": "s-1" });
    let with = |mut body: Value, name: &str, value: Value| {
        body[name] = value;
        body
    };
    let only = json!({ "order_id": order_id });
    match kind {
        "order.created" if rng.u8(0..10) == 0 => json!({
            "order_id": order_id, "user_id": saga.customer_id, "total": 19.99,
            "items": [{ "product_id": "widget", "quantity": 1, "price": 19.99 }],
        }),
        "order.created" => json!({
            "order_id": order_id, "customer_id": saga.customer_id, "total": 1999 * quantity,
            "currency": if rng.bool() { "USD" } else { "EUR" }, "payment_method": "pm_card_visa",
            "items": [{ "sku": "widget", "quantity": quantity, "unit_price": 1999 }],
        }),
        "order.cancel_requested" => with(only, "reason", json!("customer_request")),
        "order.cancelled" => with(only, "reason", json!("shipping_failed")),
        "inventory.reserved" | "inventory.released" => with(with(only, "reservation_id", json!("r-1")), "items", items),
        "inventory.reservation_failed" => with(only, "reason", json!("out_of_stock")),
        "payment.completed" => paid,
        "payment.refunded" => with(paid, "refund_id", json!("re_1")),
        "payment.failed" | "shipping.failed" => with(only, "reason", json!("declined")),
        "payment.refund_stuck" => with(with(only, "attempts", json!(5)), "reason", json!("disputed")),
        "shipping.scheduled" => with(with(shipped, "carrier", json!("local")), "eta", json!(second(0).to_string())),
        "shipping.dispatched" | "shipping.delivered" | "shipping.cancel_refused" => shipped,
        "notification.sent" => with(with(only, "channel", json!("email")), "template", json!("order_completed")),
        "notification.failed" => json!({
            "order_id": order_id, "channel": "email", "template": "delivered", "reason": "no_address",
        }),
        _ => only,
    }
}

/// What is no order's.
fn beside(place: usize) -> Message {
    let (subject, body) = match place % 3 {
        0 => (
            "inventory.stocked.widget",
            json!({ "sku": "widget", "name": "Widget", "unit_price": 1999, "currency": "USD", "quantity": 5 }),
        ),
        1 => {
            ("customer.registered.alice", json!({ "customer_id": "alice", "name": "Alice", "email": "a@example.com" }))
        }
        _ => ("customer.updated.alice", json!({ "customer_id": "alice", "name": "Alice", "email": "b@example.com" })),
    };
    Message { subject: subject.to_owned(), headers: Default::default(), body: body.to_string() }
}
