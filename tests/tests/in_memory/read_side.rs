//! The read side depends on the stream and on nothing else: kept live through crashes and redeliveries, heard once from
//! the beginning, or forgotten and heard again, its rows are the same.

mod history;
mod timeline;

use std::{
    collections::{BTreeSet, VecDeque},
    iter,
    sync::{Arc, Mutex, MutexGuard},
    thread,
};

use chassis::{Answer, Batch, Delivery, Engine, Error, Input, MemoryStore, Pair, Request, Store};
use events::EventId;
use fastrand::Rng;
use jiff::Timestamp;
use serde_json::{Value, json};
use tests::world::World;
use tokio::sync::oneshot;

use history::{delivery, history};

/// How many events the stream has at least.
const EVENTS: usize = 100_000;

/// How many pairs a scan reads while it holds the store.
const AT_ONCE: usize = 256;

/// A store that outlives its engine, as a disk outlives a process.
#[derive(Clone, Default)]
struct Disk(Arc<Mutex<MemoryStore>>);

impl Disk {
    fn open(&self) -> MutexGuard<'_, MemoryStore> {
        self.0.lock().unwrap()
    }
}

impl Store for Disk {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.open().get(key)
    }

    fn scan_from(&self, prefix: &[u8], from: &[u8]) -> Box<dyn Iterator<Item = Result<Pair, Error>> + '_> {
        let (prefix, mut from, mut read) = (prefix.to_vec(), from.to_vec(), VecDeque::new());
        Box::new(iter::from_fn(move || {
            if read.is_empty() {
                read = self.open().scan_from(&prefix, &from).take(AT_ONCE).collect();
            }
            let pair = read.pop_front()?;
            if let Ok((key, _)) = &pair {
                from = [key.as_slice(), &[0]].concat();
            }
            Some(pair)
        }))
    }

    fn commit(&mut self, batch: Batch) -> Result<(), Error> {
        self.open().commit(batch)
    }
}

fn engine(disk: &Disk) -> Engine {
    Engine::open(view::view(), Box::new(disk.clone()), EventId::derived(&["read side"])).unwrap()
}

fn hear(engine: &mut Engine, messages: &[Delivery]) {
    let released = engine.take(messages.iter().cloned().map(Input::Event).collect()).unwrap();
    assert!(released.asked.is_empty() && released.reminders.is_empty());
    let said: Vec<_> = released.said.into_iter().map(|row| row.message.subject).collect();
    assert!(said.is_empty(), "the read side says {said:?}");
}

/// Hears everything once, in its order.
fn hear_once(engine: &mut Engine, stream: &[Delivery]) {
    stream.chunks(5_000).for_each(|messages| hear(engine, messages));
}

/// Hears everything as a service does that runs all the time: in batches of all sizes, some of it again because its
/// acknowledgement was lost, and with a new process now and then.
fn hear_live(disk: &Disk, stream: &[Delivery], rng: &mut Rng) -> Engine {
    let mut live = engine(disk);
    let mut next = 0;
    while next < stream.len() {
        let from = match rng.u8(0..10) {
            0 => next.saturating_sub(rng.usize(0..300)),
            _ => next,
        };
        let more = if rng.bool() { rng.usize(1..8) } else { rng.usize(1..500) };
        next = stream.len().min(next + more);
        hear(&mut live, &stream[from..next]);
        if rng.u8(0..20) == 0 {
            // What it heard last may not have been worth a commit: then it comes again.
            live = engine(disk);
            let heard = live.position().map_or(0, |position| position.sequence);
            next = stream.partition_point(|message| message.sequence <= heard);
        }
    }
    live
}

fn ask(engine: &mut Engine, command: &str, body: Value) -> Answer {
    let (sender, mut receiver) = oneshot::channel();
    let id = EventId::derived(&["ask", command]);
    let (body, time) = (body.to_string().into_bytes(), Timestamp::UNIX_EPOCH);
    let request = Request { command: command.to_owned(), body, id, time, answer: sender };
    for (to, answer) in engine.take(vec![Input::Command(request)]).unwrap().answers {
        drop(to.send(answer));
    }
    receiver.try_recv().unwrap()
}

fn get(engine: &mut Engine, command: &str, body: Value) -> Value {
    serde_json::from_slice(&ask(engine, command, body).unwrap()).unwrap()
}

/// Compares row for row, and tells the first one that differs rather than a hundred thousand.
#[track_caller]
fn check_same(engine: &Engine, expected: &[(String, String)], what: &str) {
    let rows = engine.rows().unwrap();
    let differs = rows.iter().zip(expected).find(|(row, expected)| row != expected);
    assert_eq!((differs, rows.len()), (None, expected.len()), "{what}");
}

#[test]
fn the_read_side_rebuilt_from_100_000_events_equals_the_one_that_was_kept_live_row_for_row() {
    let mut rng = Rng::with_seed(20_260_101);
    let stream = history(EVENTS, &mut rng);
    assert!(stream.len() >= EVENTS, "{} events", stream.len());

    let from_the_beginning = || {
        let mut fresh = engine(&Disk::default());
        hear_once(&mut fresh, &stream);
        fresh.rows().unwrap()
    };
    let (mut live, expected) = thread::scope(|scope| {
        let expected = scope.spawn(from_the_beginning);
        (hear_live(&Disk::default(), &stream, &mut rng), expected.join().unwrap())
    });
    assert!(expected.len() > EVENTS / 5, "{} rows", expected.len());
    check_same(&live, &expected, "kept live, and heard once from the beginning");
    each_order_stands_on_one_page(&mut live);

    let answer = get(&mut live, "rebuild", json!({}));
    assert_eq!(
        (answer, live.rows().unwrap(), live.starts_over()),
        (json!({ "up_to": stream[stream.len() - 1].sequence }), vec![], 1)
    );
    // What the old session still had in hand does not count.
    hear(&mut live, &stream[stream.len() - 10..]);
    live.take(vec![Input::AllRemembered { from: 1 }]).unwrap();
    hear_once(&mut live, &stream);
    check_same(&live, &expected, "rebuilt, and heard once from the beginning");
}

/// Pages by age and by status, each put together, are all orders, each once.
fn each_order_stands_on_one_page(engine: &mut Engine) {
    let stats = get(engine, "stats", json!({}));
    let statuses = stats["statuses"].as_object().unwrap();
    let total: u64 = statuses.values().filter_map(Value::as_u64).sum();
    assert_eq!(pages(engine, json!({ "limit": 100 })), total);
    for (status, orders) in statuses {
        assert_eq!(Some(pages(engine, json!({ "limit": 97, "status": status }))), orders.as_u64(), "{status}");
    }
    assert!(statuses.values().filter(|orders| orders.as_u64() > Some(0)).count() >= 5, "{stats}");
}

/// How many orders all pages of a listing have, the oldest first; it panics over an order that stands there twice.
fn pages(engine: &mut Engine, mut question: Value) -> u64 {
    let (mut known, mut placed) = (BTreeSet::new(), Vec::new());
    loop {
        let page = get(engine, "orders", question.clone());
        for order in page["orders"].as_array().unwrap() {
            let id = order["order_id"].as_str().unwrap();
            assert!(known.insert(id.to_owned()), "{id} stands there twice");
            placed.extend(order["placed_at"].as_str().map(|at| at.parse::<Timestamp>().unwrap()));
        }
        assert!(placed.is_sorted());
        match page.get("next") {
            Some(next) => question["after"] = next.clone(),
            None => return known.len() as u64,
        }
    }
}

#[test]
fn a_question_that_finds_little_looks_at_a_bounded_part_and_says_where_to_go_on() {
    let mut rng = Rng::with_seed(7);
    let stream = history(20_000, &mut rng);
    let mut engine = engine(&Disk::default());
    hear_once(&mut engine, &stream);
    let orders = pages(&mut engine, json!({ "limit": 100 }));
    assert!(orders > 2_000, "{orders} orders");

    // Of a customer with most of the orders those that were placed last.
    let mut question = json!({ "customer_id": "alice", "status": "pending" });
    let page = get(&mut engine, "orders", question.clone());
    assert!(page["orders"] == json!([]) && page["next"].is_string(), "{page}");
    question["limit"] = json!(100);
    assert!(pages(&mut engine, question) > 0);
}

/// The store as an earlier version would have left it: an order that had ended stood in the indexes as all others did.
fn with_ended_orders_among_the_others(disk: &mut Disk) {
    let mut batch = Batch::new();
    for index in ["by-status", "by-customer"] {
        let sheets = format!("r/ended-{index}/");
        for pair in disk.scan(sheets.as_bytes()) {
            let (key, sheet) = pair.unwrap();
            let sheet: Value = serde_json::from_slice(&sheet).unwrap();
            let part =
                str::from_utf8(&key).unwrap().strip_prefix(&sheets).unwrap().split('/').next().unwrap().to_owned();
            for place in sheet["places"].as_array().unwrap() {
                let key = format!("r/{index}/{part}/{}", place.as_str().unwrap());
                batch.insert(key.into_bytes(), Some(b"{}".to_vec()));
            }
            batch.insert(key, None);
        }
    }
    assert!(batch.len() > 1_000, "{} rows", batch.len());
    disk.commit(batch).unwrap();
}

#[test]
fn orders_that_ended_under_an_older_version_are_listed_and_move_like_others() {
    let mut rng = Rng::with_seed(11);
    let stream = history(20_000, &mut rng);
    let mut disk = Disk::default();
    let (before, after) = stream.split_at(stream.len() / 2);
    hear_once(&mut engine(&disk), before);
    with_ended_orders_among_the_others(&mut disk);
    let mut engine = engine(&disk);
    each_order_stands_on_one_page(&mut engine);
    hear_once(&mut engine, after);
    each_order_stands_on_one_page(&mut engine);
    let customers = ["alice", "bob"].map(|id| pages(&mut engine, json!({ "limit": 100, "customer_id": id })));
    let all = pages(&mut engine, json!({ "limit": 100 }));
    assert!(customers.iter().sum::<u64>() <= all && customers[0] > all / 2, "{customers:?} of {all}");
}

#[test]
fn the_read_side_agrees_with_the_log_of_the_real_services() {
    let mut world = World::default();
    world.command("inventory", "stock", r#"{"sku":"widget","unit_price":1999,"quantity":11}"#).unwrap();
    world.settle();
    let visa = json!({});
    let declined = json!({ "payment_method": "pm_card_declined" });
    let unserviceable = json!({ "ship_to": { "postal_code": "00000" } });
    for (number, extra) in [&visa, &declined, &unserviceable, &visa].into_iter().cycle().take(16).enumerate() {
        let mut order = extra.clone();
        order["order_id"] = json!(format!("o-{number}"));
        order["customer_id"] = json!("alice");
        order["items"] = json!([{ "sku": "widget", "quantity": 2, "unit_price": 1999 }]);
        world.type_by_hand("order.created", &order.to_string());
    }
    world.settle();

    let mut engine = engine(&Disk::default());
    let stream: Vec<_> = (1..).zip(world.stream()).map(|(place, it)| delivery(place, it.clone())).collect();
    hear_once(&mut engine, &stream);
    for order in 0..16 {
        let key = format!("o-{order}");
        let shown = get(&mut engine, "order", json!({ "order_id": key }));
        let mut known = BTreeSet::new();
        let said = world.log().into_iter().filter(|fact| fact.key == key && known.insert(fact.id.clone()));
        let said: Vec<_> = said.map(|fact| fact.kind).collect();
        let told: Vec<_> = shown["timeline"].as_array().unwrap().iter().map(|it| it["kind"].clone()).collect();
        assert_eq!(told, said, "{key}");
        let by_order = world.command("order", "get", &json!({ "order_id": key }).to_string()).unwrap();
        let by_order: Value = serde_json::from_slice(&by_order).unwrap();
        for field in ["status", "reason", "total", "currency", "customer_id"] {
            assert_eq!(shown.get(field), by_order.get(field), "{field} of {key}");
        }
        assert_eq!(shown.get("waits_for"), None, "{key}");
    }
}
