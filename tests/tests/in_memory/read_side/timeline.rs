//! Where the lines of a timeline stand in the store of the read side, and that nobody who asks for them can tell.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use chassis::{Batch, Delivery, Engine, Error, Input, Message, Pair, Store};
use events::{EventId, Headers, header};
use serde_json::{Value, json};

use super::{
    Disk, engine, get, hear,
    history::{delivery, second},
};

/// How many lines an answer shows at most.
const SHOWN: usize = 200;

/// How many lines an order has that is asked for with every `after`: more than one answer shows.
const MANY: u64 = 320;

/// More text than a line has that stands on a page.
fn long(number: u64) -> String {
    format!("{number} {}", "declined ".repeat(15)).trim_end().to_owned()
}

fn short(_: u64) -> String {
    "declined".to_owned()
}

/// Those alone are all but the last line of a page, all lines of some pages, and a few here and there; between them is more
/// than one answer shows.
fn of_all_lengths(number: u64) -> String {
    match number {
        17..=31 | 250..=290 => long(number),
        300.. if number.is_multiple_of(7) => long(number),
        _ => short(number),
    }
}

/// The place of a line in the stream: other orders have the places between.
fn place(number: u64) -> u64 {
    2 * number
}

fn id(number: u64) -> EventId {
    EventId::derived(&["line", &number.to_string()])
}

/// The event that is the line `number` of the order `o-1`, caused by the one before.
fn said(number: u64, text: &str) -> Delivery {
    let headers = [
        (header::ID, id(number).to_string()),
        (header::SOURCE, "/services/payment".to_owned()),
        (header::CAUSATION, id(number - 1).to_string()),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value)).into();
    let body = json!({ "order_id": "o-1", "reason": text }).to_string();
    delivery(place(number), Message { subject: "payment.failed.o-1".to_owned(), headers, body })
}

fn all_said(numbers: impl Iterator<Item = u64>, text: fn(u64) -> String) -> Vec<Delivery> {
    numbers.map(|number| said(number, &text(number))).collect()
}

/// The line as an answer shows it, but for its cause; as text it is the row that a store of an earlier version has of it.
fn line(number: u64, text: fn(u64) -> String) -> Value {
    json!({
        "number": number, "sequence": place(number), "id": id(number).to_string(), "kind": "payment.failed",
        "source": "/services/payment", "time": second(place(number)).to_string(),
        "causation": id(number - 1).to_string(), "note": text(number),
    })
}

/// Where lines stand in a store of an earlier version.
#[derive(Clone, Copy)]
enum Earlier {
    Alone,
    OnPages,
}

/// The store as an earlier version would have left it that had heard the lines up to `last`.
fn of_an_earlier_version(earlier: Earlier, last: u64, text: fn(u64) -> String) -> Disk {
    let mut disk = Disk::default();
    hear(&mut engine(&disk), &all_said(1..=last, text));
    let order = disk.get(b"r/order/o-1").unwrap().unwrap();
    let mut order: Value = serde_json::from_slice(&order).unwrap();
    assert!(!order["lines"].take().as_array().unwrap().is_empty());
    order.as_object_mut().unwrap().remove("lines");
    let pages: Vec<_> = disk.scan_from(b"r/timeline-page/", b"r/timeline-page/").collect::<Result<_, Error>>().unwrap();
    let mut batch: Batch = pages.into_iter().map(|(key, _)| (key, None)).collect();
    batch.insert(b"r/order/o-1".to_vec(), Some(order.to_string().into_bytes()));
    let lines: Vec<_> = (1..=last).map(|number| line(number, text)).collect();
    match earlier {
        Earlier::Alone => batch.extend((1..).zip(lines).map(|(number, line)| {
            let key = format!("r/timeline/o-1/{:020}", place(number));
            (key.into_bytes(), Some(line.to_string().into_bytes()))
        })),
        Earlier::OnPages => batch.extend((1..).zip(lines.chunks(16)).map(|(page, lines)| {
            let row = json!({ "lines": lines.iter().map(without_names).collect::<Vec<_>>() });
            (format!("r/timeline-page/o-1/{page:010}").into_bytes(), Some(row.to_string().into_bytes()))
        })),
    }
    disk.commit(batch).unwrap();
    disk
}

/// A line as it stands with others.
fn without_names(line: &Value) -> Value {
    let names = ["number", "sequence", "id", "kind", "source", "time", "causation", "note"];
    names.map(|name| line[name].clone()).into()
}

/// The rows of lines that stand alone.
fn alone(engine: &Engine) -> Vec<(String, String)> {
    engine.rows().unwrap().into_iter().filter(|(key, _)| key.starts_with("timeline/")).collect()
}

/// The rows of lines that stand together.
fn pages(engine: &Engine) -> Vec<(String, String)> {
    engine.rows().unwrap().into_iter().filter(|(key, _)| key.starts_with("timeline-page/")).collect()
}

fn ask(engine: &mut Engine, after: Option<u64>) -> Value {
    get(engine, "order", json!({ "order_id": "o-1", "after": after }))
}

/// Asks with every `after` that there may be, and compares with all `last` lines.
#[track_caller]
fn check_every_question(engine: &mut Engine, last: u64, text: fn(u64) -> String) {
    let lines: Vec<_> = (1..=last).map(|number| line(number, text)).collect();
    for after in [None, Some(u64::MAX)].into_iter().chain((0..=place(last) + 1).map(Some)) {
        let behind = lines.iter().filter(|line| after.is_none_or(|after| line["sequence"].as_u64() > Some(after)));
        let mut expected: Vec<_> = behind.cloned().collect();
        let more = expected.len() > SHOWN;
        expected.truncate(SHOWN);
        for at in 1..expected.len() {
            expected[at]["cause"] = expected[at - 1]["number"].clone();
        }
        let next = expected.last().filter(|_| more).map(|line| line["sequence"].clone());
        let shown = ask(engine, after);
        assert_eq!(shown["timeline"], json!(expected), "after {after:?}");
        assert_eq!((shown.get("next"), &shown["events"]), (next.as_ref(), &json!(last)), "after {after:?}");
    }
}

#[test]
fn the_first_lines_stand_with_their_order_and_the_others_on_pages() {
    let mut engine = engine(&Disk::default());
    for number in 1..=33 {
        hear(&mut engine, &[said(number, "declined")]);
        let on_pages = if number <= 12 { 0 } else { number.div_ceil(16) as usize };
        assert_eq!((pages(&engine).len(), alone(&engine).len()), (on_pages, 0), "{number} lines");
    }
}

#[test]
fn an_event_writes_one_page_of_its_order_however_many_there_are() {
    let mut engine = engine(&Disk::default());
    hear(&mut engine, &all_said(1..=1_000, short));
    let before: BTreeMap<_, _> = engine.rows().unwrap().into_iter().collect();
    hear(&mut engine, &[said(1_001, "declined")]);
    let written = engine.rows().unwrap().into_iter().filter(|(key, row)| before.get(key) != Some(row));
    let written: Vec<_> = written.map(|(key, _)| key).collect();
    assert_eq!(written, ["order/o-1", "timeline-page/o-1/0000000063"]);
}

#[test]
fn whoever_asks_cannot_tell_where_a_line_stands() {
    let mut engine = engine(&of_an_earlier_version(Earlier::Alone, 5, of_all_lengths));
    hear(&mut engine, &all_said(6..=MANY, of_all_lengths));
    let (pages, alone) = (pages(&engine).len(), alone(&engine).len());
    assert!(pages > SHOWN / 16 && alone > 16, "{pages} pages, {alone} alone");
    check_every_question(&mut engine, MANY, of_all_lengths);
}

#[test]
fn an_order_of_an_older_store_shows_its_old_lines_and_then_those_on_pages() {
    for last in [1_u64, 11, 12, 15, 16, 17, 210] {
        for (earlier, stands) in [(Earlier::Alone, (last, 0)), (Earlier::OnPages, (0, last.div_ceil(16)))] {
            let mut engine = engine(&of_an_earlier_version(earlier, last, short));
            check_every_question(&mut engine, last, short);
            let old = alone(&engine);
            assert_eq!((old.len() as u64, pages(&engine).len() as u64), stands);
            hear(&mut engine, &all_said(last + 1..=last + 20, short));
            check_every_question(&mut engine, last + 20, short);
            // What stands alone is left as it is.
            assert_eq!((alone(&engine), pages(&engine).is_empty()), (old, false));
        }
    }
}

#[test]
fn a_rebuild_of_an_older_store_leaves_no_old_line() {
    let disk = of_an_earlier_version(Earlier::Alone, 20, of_all_lengths);
    let mut engine = engine(&disk);
    hear(&mut engine, &all_said(21..=40, of_all_lengths));
    get(&mut engine, "rebuild", json!({}));
    assert_eq!(engine.rows().unwrap(), []);
    engine.take(vec![Input::AllRemembered { from: 1 }]).unwrap();
    hear(&mut engine, &all_said(1..=40, of_all_lengths));
    let mut fresh = super::engine(&Disk::default());
    hear(&mut fresh, &all_said(1..=40, of_all_lengths));
    assert_eq!(engine.rows().unwrap(), fresh.rows().unwrap());
}

/// Hears an order with the longest ids, and then more lines than stand with it and fill a page, with `text`, said by `source`:
/// all of them are told, in so many pages and rows alone.
#[track_caller]
fn check_rows(source: &str, text: &str, expected: (usize, usize)) {
    let order_id = "o".repeat(64);
    let mut engine = engine(&Disk::default());
    let placed = json!({
        "order_id": order_id, "customer_id": "c".repeat(64), "total": 1999, "currency": "USD",
        "items": [{ "sku": "widget", "quantity": 1, "unit_price": 1999 }], "payment_method": "pm_card_visa",
    });
    let subject = format!("order.created.{order_id}");
    hear(&mut engine, &[delivery(1, Message { subject, headers: Headers::new(), body: placed.to_string() })]);
    let message = |number: u64| {
        let mut message = said(number, text);
        message.subject = format!("payment.failed.{order_id}");
        message.body = json!({ "order_id": order_id, "reason": text }).to_string().into_bytes();
        message.headers.insert(header::SOURCE, source);
        message.headers.insert(header::TIME, "2026-01-01T00:00:00.123456789Z");
        message.sequence = u64::MAX - 100 + number;
        message
    };
    // What does not fit would be said to be a dead letter.
    hear(&mut engine, &(1..=31).map(message).collect::<Vec<_>>());
    let shown = get(&mut engine, "order", json!({ "order_id": order_id }));
    assert_eq!((shown["timeline"].as_array().unwrap().len(), &shown["total"]), (32, &json!(1999)));
    assert_eq!((pages(&engine).len(), alone(&engine).len()), expected);
}

#[test]
fn a_line_of_any_text_is_told_and_an_order_with_its_lines_and_a_page_fit_into_a_row_each() {
    // Each takes two characters of JSON.
    let quotes = |count| "\"".repeat(count);
    check_rows(&quotes(50), &quotes(50), (2, 0));
    check_rows(&quotes(50), &quotes(51), (0, 31));
    check_rows(&quotes(100), &quotes(200), (0, 31));
    check_rows("/external", &"\u{10ffff}".repeat(22), (2, 0));
    check_rows("/external", &"\u{10ffff}".repeat(300), (0, 31));
}

/// A store that counts the pairs that are scanned.
#[derive(Clone, Default)]
struct Counted {
    disk: Disk,
    scanned: Arc<AtomicUsize>,
}

impl Store for Counted {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.disk.get(key)
    }

    fn scan_from(&self, prefix: &[u8], from: &[u8]) -> Box<dyn Iterator<Item = Result<Pair, Error>> + '_> {
        let count = |_: &Result<Pair, Error>| {
            self.scanned.fetch_add(1, Relaxed);
        };
        Box::new(self.disk.scan_from(prefix, from).inspect(count))
    }

    fn commit(&mut self, batch: Batch) -> Result<(), Error> {
        self.disk.commit(batch)
    }
}

#[test]
fn the_end_of_a_long_timeline_is_found_without_reading_all_of_it() {
    let (store, last) = (Counted::default(), 16_000);
    let mut engine = Engine::open(view::view(), Box::new(store.clone()), EventId::derived(&["read side"])).unwrap();
    // In the middle a page is not there.
    let text = |number| if (8_000..8_020).contains(&number) { long(number) } else { short(number) };
    hear(&mut engine, &all_said(1..=last, text));
    for after in [1, last / 2, last - 1] {
        store.scanned.store(0, Relaxed);
        let shown = ask(&mut engine, Some(place(after)));
        let scanned = store.scanned.load(Relaxed);
        assert_eq!(shown["timeline"][0]["number"], after + 1);
        assert!(scanned <= 50, "{scanned} rows of a thousand pages");
    }
}
