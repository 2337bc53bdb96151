//! Customers: so many orders are on their way at a time, and each is dispatched and delivered when it is completed.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use anyhow::bail;
use async_nats::Subscriber;
use chassis::{Client, ambient::pause};
use futures_util::{StreamExt, stream::select_all};
use serde_json::{Value, json};
use tokio::{
    sync::{Mutex, Semaphore},
    task::JoinSet,
};

/// What is counted.
#[derive(Default)]
struct Counts {
    placed: AtomicU64,
    ended: AtomicU64,
}

/// The customers.
pub struct Load {
    counts: Arc<Counts>,
    /// Two tasks that end early only when something is wrong.
    tasks: Mutex<JoinSet<anyhow::Result<()>>>,
}

impl Load {
    /// Stocks enough for `orders`, and begins to place them, `together` at a time.
    pub async fn begin(
        (client, nats): (Client, async_nats::Client),
        orders: u64,
        together: u32,
    ) -> anyhow::Result<Load> {
        command(&client, "svc.inventory.stock", &enough(orders)).await?;
        let counts = Arc::new(Counts::default());
        let places = Arc::new(Semaphore::new(together as usize));
        let mut heard = Vec::new();
        for subject in ["order.completed.*", "order.cancelled.*"] {
            heard.push(nats.subscribe(subject).await?);
        }
        nats.flush().await?;
        let mut tasks = JoinSet::new();
        tasks.spawn(place_all(client.clone(), orders, places.clone(), counts.clone()));
        tasks.spawn(end_all(heard, client, places, counts.clone()));
        Ok(Load { counts, tasks: Mutex::new(tasks) })
    }

    pub fn placed(&self) -> u64 {
        self.counts.placed.load(Relaxed)
    }

    /// How many orders came to their end, delivered or cancelled.
    pub fn ended(&self) -> u64 {
        self.counts.ended.load(Relaxed)
    }

    /// What went wrong, if anything did.
    pub fn check(&self) -> anyhow::Result<()> {
        match self.tasks.try_lock().ok().and_then(|mut tasks| tasks.try_join_next()) {
            Some(ended) => ended?,
            None => Ok(()),
        }
    }
}

async fn place_all(client: Client, orders: u64, places: Arc<Semaphore>, counts: Arc<Counts>) -> anyhow::Result<()> {
    let mut placing = JoinSet::new();
    for number in 0..orders {
        // Given back when the order has ended.
        places.acquire().await?.forget();
        let (client, counts) = (client.clone(), counts.clone());
        placing.spawn(async move {
            command(&client, "svc.order.place", &order(number)).await?;
            counts.placed.fetch_add(1, Relaxed);
            anyhow::Ok(())
        });
        while let Some(placed) = placing.try_join_next() {
            placed??;
        }
    }
    while let Some(placed) = placing.join_next().await {
        placed??;
    }
    Ok(())
}

/// Hears of every order that is completed or cancelled, and ends it.
async fn end_all(
    heard: Vec<Subscriber>,
    client: Client,
    places: Arc<Semaphore>,
    counts: Arc<Counts>,
) -> anyhow::Result<()> {
    let (mut heard, mut ending) = (select_all(heard), JoinSet::new());
    while let Some(event) = heard.next().await {
        let Some((kind, order_id)) = event.subject.rsplit_once('.') else { continue };
        let deliver = (kind == "order.completed").then(|| order_id.to_owned());
        ending.spawn(end(client.clone(), deliver, places.clone(), counts.clone()));
        while let Some(ended) = ending.try_join_next() {
            ended??;
        }
    }
    bail!("the connection to the broker is gone")
}

/// An order has come to its end, or comes to it when it is delivered.
async fn end(
    client: Client,
    deliver: Option<String>,
    places: Arc<Semaphore>,
    counts: Arc<Counts>,
) -> anyhow::Result<()> {
    if let Some(order_id) = deliver {
        for subject in ["svc.shipping.dispatch", "svc.shipping.deliver"] {
            command(&client, subject, &json!({"order_id": order_id})).await?;
        }
    }
    counts.ended.fetch_add(1, Relaxed);
    places.add_permits(1);
    Ok(())
}

/// Sends a command until it is answered.
async fn command(client: &Client, subject: &str, body: &Value) -> anyhow::Result<()> {
    loop {
        match client.command(subject, body.to_string().into_bytes()).await {
            Ok(_) => return Ok(()),
            // Not yet known to the one that is asked, or too much at once.
            Err(refusal) if matches!(refusal.code, 404 | 409 | 422 | 429 | 503) => {
                pause(Duration::from_millis(100)).await;
            }
            Err(refusal) => bail!("{subject} {body}: {} {}", refusal.code, refusal.message),
        }
    }
}

/// The order of that number.
fn order(number: u64) -> Value {
    let (card, postal_code) = match number % 20 {
        3 | 13 => ("pm_card_declined", "12345"),
        7 => ("pm_card_visa", "00000"),
        _ => ("pm_card_visa", "12345"),
    };
    json!({
        "customer_id": format!("customer-{}", number % 1000),
        "items": [{"sku": "widget", "quantity": 1}],
        "payment_method": card,
        "idempotency_key": format!("soak-{number}"),
        "ship_to": {
            "name": "Alice", "line1": "1 Main St", "city": "Springfield", "postal_code": postal_code, "country": "US",
        },
    })
}

/// The body of a command that stocks enough for `orders`.
fn enough(orders: u64) -> Value {
    json!({"sku": "widget", "name": "Widget", "unit_price": 1999, "currency": "USD", "quantity": orders})
}
