//! Many orders at once, placed until they are answered, whatever happens to the system meanwhile.

use std::{cell::Cell, collections::BTreeSet, time::Duration};

use chassis::Client;
use futures_util::future::join_all;
use serde_json::Value;
use tokio::time::timeout;

use crate::{await_condition::eventually, orders::mixed, record::Tail, stack::Stack};

/// How many orders are placed together, as soon as no more than half as many are on their way.
const TOGETHER: usize = 24;

/// So many orders come to their end between two faults: more than can be on their way, so that others are placed and none
/// meets one fault after the other.
pub const BETWEEN_FAULTS: usize = TOGETHER * 5 / 2;

/// How long a customer waits for an answer before the order is placed again.
const ANSWERED_WITHIN: Duration = Duration::from_secs(2);

/// An order that was placed, and what has to be said of it.
pub type Placed = (String, &'static [&'static str]);

/// Customers. They have connections of their own, so that a stack can be disturbed meanwhile.
pub struct Load {
    client: Client,
    nats: async_nats::Client,
    events: Tail,
}

impl Load {
    pub fn on(stack: &Stack) -> Load {
        Load { client: stack.client.clone(), nats: stack.nats.clone(), events: Tail::of(events::EVENTS) }
    }

    /// Places orders of all kinds for as long as `disturbing` goes on, and at least `at_least`: whenever something is
    /// disturbed, there are orders on their way. One that is not answered, because its service is gone or stops, is
    /// placed again with the same idempotency key.
    pub async fn orders_during(mut self, at_least: usize, disturbing: impl Future<Output = ()>) -> Vec<Placed> {
        let disturbed = Cell::new(false);
        let placing = async {
            let mut placed = Vec::new();
            while placed.len() < at_least || !disturbed.get() {
                let numbers = placed.len()..placed.len() + TOGETHER;
                placed.extend(join_all(numbers.map(|number| place(&self.client, number))).await);
                let enough = placed.len() - TOGETHER / 2;
                let ended = async || (self.events.ended(&self.nats).await?.len() >= enough).then_some(());
                eventually(&format!("{enough} orders end"), ended).await;
            }
            placed
        };
        let disturbing = async {
            disturbing.await;
            disturbed.set(true);
        };
        tokio::join!(placing, disturbing).0
    }

    /// Places at least `at_least` orders of all kinds.
    pub async fn orders(self, at_least: usize) -> Vec<Placed> {
        self.orders_during(at_least, async {}).await
    }
}

async fn place(client: &Client, number: usize) -> Placed {
    let (order, said) = mixed(number);
    let answer = eventually("the order is placed", async || answered(client, &order).await).await;
    (answer["order_id"].as_str().expect("an order has an id").to_owned(), said)
}

/// The answer; nothing where the order should be sent again.
async fn answered(client: &Client, order: &Value) -> Option<Value> {
    // Who is killed while it is asked says nothing more.
    let asked = client.command("svc.order.place", order.to_string().into_bytes());
    match timeout(ANSWERED_WITHIN, asked).await.ok()? {
        Ok(answer) => Some(serde_json::from_slice(&answer).unwrap()),
        Err(refusal) if matches!(refusal.code, 429 | 503) => None,
        Err(refusal) => panic!("{order}: {refusal:?}"),
    }
}

impl Stack {
    /// Each order was placed once and ended as it has to, step by step, and all of it is sound.
    pub async fn check_load(&self, placed: &[Placed]) {
        self.await_ends(placed.len()).await;
        let distinct: BTreeSet<_> = placed.iter().map(|(order_id, _)| order_id).collect();
        assert_eq!(distinct.len(), placed.len(), "an order was placed for two customers");
        assert_eq!(self.ended().await.map(|ended| ended.len()), Some(placed.len()), "an order was placed twice");
        let sagas = self.sagas().await;
        for (order_id, said) in placed {
            assert_eq!(sagas[order_id], *said, "{order_id}");
        }
        self.check_all().await;
    }
}
