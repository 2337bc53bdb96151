//! The parts of an order by themselves: a turn, a commit at several batch sizes, encode and decode.
#![allow(missing_docs, reason = "the entry points are made by macros")]
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a measurement that cannot go on has failed")]

use std::{hint::black_box, time::Duration};

use chassis::{Batch, Delivery, DiskStore, Engine, Input, MemoryStore, Store};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use events::{Arrival, Envelope, EventId, Headers, OrderCreated, Subject, header};
use jiff::Timestamp;
use serde_json::json;

/// A store in memory takes what is left of every turn.
const WARM_UP: Duration = Duration::from_millis(500);

/// The rows that a turn writes, and what is in one of them, more or less.
const ROWS_PER_TURN: u64 = 4;
const ROW_BYTES: usize = 300;

const CREATED: &str = "order.created";

fn body(number: u64) -> Vec<u8> {
    let body = json!({
        "order_id": order_id(number),
        "customer_id": "alice",
        "items": [{"sku": "widget", "quantity": 2, "unit_price": 1999}],
        "total": 3998,
        "currency": "USD",
        "payment_method": "pm_card_visa",
        "ship_to": {
            "name": "Alice", "line1": "1 Main St", "city": "Springfield", "postal_code": "12345", "country": "US",
        },
    });
    body.to_string().into_bytes()
}

fn order_id(number: u64) -> String {
    EventId::derived(&["order", &number.to_string()]).to_string()
}

fn headers(number: u64, kind: &str, key: &str) -> Headers {
    let id = EventId::derived(&["event", &number.to_string()]).to_string();
    [
        (header::MESSAGE_ID, id.as_str()),
        (header::ID, &id),
        (header::TYPE, kind),
        (header::SOURCE, "/services/order"),
        (header::SUBJECT, key),
        (header::TIME, "2026-01-01T00:00:00Z"),
        (header::CORRELATION, key),
    ]
    .into()
}

fn arrival(number: u64) -> Arrival {
    Arrival { id: EventId::derived(&["arrival", &number.to_string()]), time: Timestamp::UNIX_EPOCH }
}

/// A message at a place of the stream.
fn message(number: u64, kind: &str, key: &str, body: Vec<u8>) -> Input {
    Input::Event(Delivery {
        subject: format!("{kind}.{key}"),
        headers: headers(number, kind, key),
        body,
        arrival: arrival(number),
        stream: EventId::derived(&["stream"]),
        sequence: number,
        acknowledge: None,
    })
}

/// An order as the inventory hears of it.
fn created(number: u64) -> Input {
    message(number, CREATED, &order_id(number), body(number))
}

/// A million articles as the inventory hears of them.
fn stocked(number: u64) -> Input {
    let body = json!({"sku": "widget", "name": "W", "unit_price": 1999, "currency": "USD", "quantity": 1_000_000});
    message(number, "inventory.stocked", "widget", body.to_string().into_bytes())
}

/// Turns of the inventory that reserve, on a store in memory, sixteen at a time.
fn turn(criterion: &mut Criterion) {
    const TOGETHER: u64 = 16;
    let store = Box::new(MemoryStore::default());
    let mut engine = Engine::open(inventory::inventory(), store, EventId::derived(&["bench"])).unwrap();
    let shelves = 8;
    engine.take((1..=shelves).map(stocked).collect()).unwrap();
    let mut number = shelves;
    let mut group = criterion.benchmark_group("turn");
    group.throughput(Throughput::Elements(TOGETHER)).measurement_time(Duration::from_secs(2)).warm_up_time(WARM_UP);
    group.bench_function("reserve on order.created", |bencher| {
        let mut inputs = || {
            number += TOGETHER;
            (number - TOGETHER..number).map(|number| created(number + 1)).collect::<Vec<_>>()
        };
        bencher.iter_batched(&mut inputs, |inputs| engine.take(inputs).unwrap(), BatchSize::SmallInput);
    });
    group.finish();
}

/// Commits of as many turns, on the disk.
fn commit(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("commit");
    for turns in [1, 16, 128, 512_u64] {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let mut store = DiskStore::open(folder.path()).unwrap();
        let mut number = 0;
        group.throughput(Throughput::Elements(turns)).sample_size(20);
        group.bench_function(format!("{turns} turns"), |bencher| {
            let mut batch = || -> Batch {
                number += 1;
                let rows = (0..turns * ROWS_PER_TURN).map(|row| {
                    let key = EventId::derived(&["row", &number.to_string(), &row.to_string()]);
                    (key.as_bytes().to_vec(), Some(vec![b'v'; ROW_BYTES]))
                });
                rows.collect()
            };
            bencher.iter_batched(&mut batch, |batch| store.commit(batch).unwrap(), BatchSize::PerIteration);
        });
    }
    group.finish();
}

fn codec(criterion: &mut Criterion) {
    let (headers, body) = (headers(1, CREATED, &order_id(1)), body(1));
    let subject = || format!("{CREATED}.{}", order_id(1)).parse::<Subject>().unwrap();
    let envelope = Envelope::read(subject(), &headers, arrival(1)).unwrap();
    let event: OrderCreated = events::decode(&envelope, &body).unwrap();
    criterion.bench_function("encode order.created", |bencher| {
        bencher.iter(|| events::encode(black_box(&event)).unwrap());
    });
    criterion.bench_function("decode order.created", |bencher| {
        bencher.iter(|| events::decode::<OrderCreated>(black_box(&envelope), black_box(&body)).unwrap());
    });
    criterion.bench_function("write an envelope as headers", |bencher| bencher.iter(|| black_box(&envelope).headers()));
    criterion.bench_function("read an envelope from headers", |bencher| {
        let read = |subject| Envelope::read(subject, black_box(&headers), arrival(1)).unwrap();
        bencher.iter_batched(subject, read, BatchSize::SmallInput);
    });
}

criterion_group!(micro, turn, commit, codec);
criterion_main!(micro);
