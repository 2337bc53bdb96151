//! `murmur record`: the events of an order, or of all orders since then, as they stand in the stream: a line of JSON
//! each, which can be replayed.

use std::collections::HashSet;

use chassis::{Client, Pages, Settings, Start, Stored};
use clap::Args;
use events::{
    Arrival, CustomerId, CustomerRegistered, CustomerUpdated, EVENTS, Envelope, Event, EventId, InventoryStocked, Key,
    OrderCreated, Sku, Subject, decode,
};
use jiff::Timestamp;

use crate::{
    Error, Exit, output,
    progress::{Progress, note},
    timeline, when,
};

const EXAMPLES: &str = "\
Examples:
  murmur record 7f9cf0a2-9f5c-4c7e-8a51-0e7c3d0a1b2c > order.jsonl
  murmur record --since 10m > recording.jsonl
  murmur record --since 2026-01-02T03:04:05Z | jq -r .subject

A line per event, in the order of the stream: its sequence, subject, headers and data. For one order, the customer and
the stock as they were last said before it come first, so that the recording stands alone. With --since it is the orders
that were created since then, with all that was stocked and all that was said of customers.
An event that was typed without a key is left out: the service that owns it said it again, whole, under its key.
Exit code 2 when nothing is known of the order.";

/// Prints all events of an order, or of all orders since a moment, as JSON lines that can be replayed
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Record {
    /// The order
    #[arg(value_parser = key, required_unless_present = "since", conflicts_with = "since")]
    order_id: Option<Key>,

    /// All orders that were created since then: 10m (ago), or an RFC 3339 time
    #[arg(long, value_name = "WHEN", value_parser = when::moment)]
    since: Option<Timestamp>,
}

impl Record {
    pub async fn run(self) -> Result<Exit, Error> {
        let client = Client::connect(&Settings::from_env()?).await?;
        match (self.order_id, self.since) {
            (Some(order), _) => one_order(&client, &order).await,
            (None, since) => all_orders(&client, since.unwrap_or(Timestamp::UNIX_EPOCH)).await,
        }
    }
}

async fn one_order(client: &Client, order: &Key) -> Result<Exit, Error> {
    let pages = client.pages(EVENTS, &format!("*.*.{order}"), Start::Sequence(1)).await?;
    let mut about = Vec::new();
    each(pages, |event| {
        about.push(event.clone());
        Ok(())
    })
    .await?;
    if about.is_empty() {
        return Err(Error::NothingKnown(order.to_string()));
    }
    let created = about.iter().find_map(|event| Some((event.sequence, created(event)?)));
    if let Some((sequence, created)) = created {
        let before = client.last_of(EVENTS, &said_before(&created), Some(sequence)).await?;
        before_an_order(before).iter().try_for_each(print)?;
    }
    about.iter().try_for_each(print)?;
    Ok(Exit::Done)
}

async fn all_orders(client: &Client, since: Timestamp) -> Result<Exit, Error> {
    let mut orders = HashSet::new();
    let pages = client.pages(EVENTS, &format!("{}.*", OrderCreated::TYPE), Start::Time(since)).await?;
    each(pages, |event| {
        orders.extend(subject(event).and_then(|it| it.key().cloned()));
        Ok(())
    })
    .await?;
    let mut found = false;
    each(client.pages(EVENTS, "*.*.*", Start::Time(since)).await?, |event| {
        if !subject(event).is_some_and(|it| is_recorded(&it, &orders)) {
            return Ok(());
        }
        found = true;
        print(event)
    })
    .await?;
    if !found {
        note("no order was created since then, nothing was stocked, and nothing was said of customers");
    }
    Ok(Exit::Done)
}

/// Hands on each event, in the order of the stream.
async fn each(mut pages: Pages, mut take: impl FnMut(&Stored) -> Result<(), Error>) -> Result<(), Error> {
    let mut progress = Progress::of("events read");
    while let Some(page) = pages.next().await? {
        page.iter().try_for_each(&mut take)?;
        progress.add(page.len());
    }
    Ok(())
}

/// Whether an event belongs to a recording of `orders`.
fn is_recorded(subject: &Subject, orders: &HashSet<Key>) -> bool {
    let Some(key) = subject.key() else { return false };
    subject.kind() == InventoryStocked::TYPE || subject.producer() == "customer" || orders.contains(key)
}

/// The subjects of what an order rests on: its customer, and the stock of what it is for.
fn said_before(order: &OrderCreated) -> Vec<String> {
    let customer = |customer: &CustomerId| {
        [CustomerRegistered::TYPE, CustomerUpdated::TYPE].map(|kind| format!("{kind}.{}", Key::from(customer)))
    };
    let stocked = |sku: &Sku| format!("{}.{}", InventoryStocked::TYPE, Key::from(sku));
    let skus: HashSet<_> = order.items.iter().map(|line| &line.sku).collect();
    customer(&order.customer_id).into_iter().chain(skus.into_iter().map(stocked)).collect()
}

/// Of what was said before an order: all but what was said of its customer before the last word.
fn before_an_order(mut events: Vec<Stored>) -> Vec<Stored> {
    let of_customer = |event: &Stored| event.subject.starts_with("customer.");
    let last = events.iter().filter(|event| of_customer(event)).map(|event| event.sequence).max();
    events.retain(|event| !of_customer(event) || Some(event.sequence) == last);
    events
}

/// The order, if the event is the one that begins it and reads as such.
fn created(event: &Stored) -> Option<OrderCreated> {
    let subject = subject(event).filter(|it| it.kind() == OrderCreated::TYPE)?;
    // An event under a key needs neither to be whole.
    let arrival = Arrival { id: EventId::derived(&["recorded"]), time: Timestamp::UNIX_EPOCH };
    let envelope = Envelope::read(subject, &event.headers, arrival).ok()?;
    decode(&envelope, &event.body).ok()
}

fn subject(event: &Stored) -> Option<Subject> {
    event.subject.parse().ok()
}

fn print(event: &Stored) -> Result<(), Error> {
    output::print(&timeline::json_line(event))
}

fn key(text: &str) -> Result<Key, String> {
    Key::try_from(text)
}

#[cfg(test)]
mod tests {
    use events::Headers;

    use super::*;

    fn event(sequence: u64, subject: &str, body: &str) -> Stored {
        Stored { sequence, subject: subject.to_owned(), headers: Headers::new(), body: body.into() }
    }

    #[test]
    fn an_order_rests_on_its_customer_and_on_the_stock_of_each_sku_once() {
        let body = r#"{"customer_id":"alice","items":[{"sku":"widget","quantity":1,"unit_price":1},
            {"sku":"widget","quantity":2,"unit_price":1}]}"#;
        let order = created(&event(1, "order.created.o-1", body)).unwrap();
        let before = said_before(&order);
        assert_eq!(before, ["customer.registered.alice", "customer.updated.alice", "inventory.stocked.widget"]);
        assert_eq!(created(&event(1, "order.created.o-1", "{")), None);
        assert_eq!(created(&event(1, "order.paid.o-1", body)), None);
    }

    #[test]
    fn of_a_customer_the_last_word_counts() {
        let events = [(1, "customer.registered.a"), (2, "inventory.stocked.w"), (3, "customer.updated.a")];
        let before = before_an_order(events.map(|(sequence, subject)| event(sequence, subject, "{}")).to_vec());
        assert_eq!(before.iter().map(|event| event.sequence).collect::<Vec<_>>(), [2, 3]);
    }

    #[test]
    fn a_recording_holds_its_orders_and_what_they_rest_on() {
        let orders = HashSet::from([Key::try_from("o-1").unwrap()]);
        let recorded = |subject: &str| is_recorded(&subject.parse().unwrap(), &orders);
        for subject in ["order.created.o-1", "payment.failed.o-1", "inventory.stocked.w", "customer.updated.a"] {
            assert!(recorded(subject), "{subject} is left out");
        }
        for subject in ["order.created.o-2", "inventory.reserved.o-2", "order.created", "inventory.stocked"] {
            assert!(!recorded(subject), "{subject} is recorded");
        }
    }
}
