//! Customers who do not wait for each other: what each orders and then asks for is fixed, when it comes is not.

use std::collections::{BTreeMap, BTreeSet};

use async_nats::Message;
use chassis::{Client, Refusal};
use fastrand::Rng;
use futures_util::{
    StreamExt,
    future::join_all,
    stream::{FuturesUnordered, iter, select_all},
};
use serde_json::{Value, json};

use crate::{
    await_condition::eventually,
    orders::{WIDGETS, order},
    stack::Stack,
};

/// How many customers place an order at the same time.
const TOGETHER: usize = 8;

pub const CANCEL: &str = "svc.order.cancel";
pub const DISPATCH: &str = "svc.shipping.dispatch";
pub const DELIVER: &str = "svc.shipping.deliver";

/// Everything that is said of an order on its way, and what is then asked for.
const MOMENTS: [&str; 5] =
    ["order.created", "inventory.reserved", "payment.completed", "order.paid", "shipping.scheduled"];
const ASKS: [&[&str]; 6] =
    [&[], &[CANCEL], &[CANCEL, DISPATCH], &[DISPATCH, CANCEL], &[DISPATCH], &[DISPATCH, DELIVER]];

/// The commands that a customer sent, each with the code where it was refused.
pub type Answers = Vec<(&'static str, Option<u16>)>;

/// An order, and what somebody asks for as soon as `on` is said of it.
struct Plan {
    order: Value,
    on: &'static str,
    asks: &'static [&'static str],
}

impl Plan {
    fn of(number: usize, rng: &mut Rng) -> Plan {
        let mut order = order(rng.i64(1..4));
        let cards = ["pm_card_declined", "pm_card_declined", "pm_gateway_flaky", "pm_gateway_down"];
        match rng.usize(..20) {
            0..5 => order["payment_method"] = json!(cards[rng.usize(..cards.len())]),
            5..7 => order["ship_to"]["postal_code"] = json!("00000"),
            7 => order["items"][0]["quantity"] = json!(WIDGETS + 1),
            _ => {}
        }
        // By this the order is known in the stream before its customer has an answer.
        order["customer_id"] = json!(format!("customer-{number}"));
        order["idempotency_key"] = json!(format!("storm-{number}"));
        Plan { order, on: MOMENTS[rng.usize(..MOMENTS.len())], asks: ASKS[rng.usize(..ASKS.len())] }
    }
}

/// All customers. They have connections of their own, so that a stack can be disturbed meanwhile.
pub struct Customers {
    client: Client,
    nats: async_nats::Client,
    plans: Vec<Plan>,
}

impl Customers {
    pub fn of(stack: &Stack, orders: usize, seed: u64) -> Customers {
        let mut rng = Rng::with_seed(seed);
        let plans = (0..orders).map(|number| Plan::of(number, &mut rng)).collect();
        Customers { client: stack.client.clone(), nats: stack.nats.clone(), plans }
    }

    /// Lets every plan happen, and all orders end; what the customers were told, by order.
    pub async fn all(self) -> BTreeMap<String, Answers> {
        let subjects = ["order.*.*", "inventory.*.*", "payment.*.*", "shipping.*.*"];
        let heard = join_all(subjects.map(|subject| self.nats.subscribe(subject))).await;
        self.nats.flush().await.unwrap();
        let mut heard = select_all(heard.into_iter().map(Result::unwrap));
        let places = self.plans.iter().map(|plan| self.answer("svc.order.place", &plan.order));
        let mut placing = iter(places).buffer_unordered(TOGETHER);
        let (mut on_their_way, mut asking) = (BTreeMap::<String, Option<&Plan>>::new(), FuturesUnordered::new());
        let (mut told, mut ended) = (BTreeMap::new(), BTreeSet::new());
        while ended.len() < self.plans.len() || !asking.is_empty() {
            tokio::select! {
                Some(placed) = placing.next() => placed.unwrap(),
                Some((order_id, answers)) = asking.next() => drop(told.insert(order_id, answers)),
                Some(event) = heard.next() => {
                    let (kind, order_id) = event.subject.rsplit_once('.').unwrap();
                    match kind {
                        "order.created" => {
                            on_their_way.entry(order_id.to_owned()).or_insert_with(|| Some(self.plan_of(&event)));
                        }
                        "order.completed" | "order.cancelled" => drop(ended.insert(order_id.to_owned())),
                        _ => {}
                    }
                    // What a service says again after it was killed comes twice here.
                    let plan = on_their_way.get_mut(order_id).and_then(|plan| plan.take_if(|plan| plan.on == kind));
                    asking.extend(plan.map(|plan| self.ask(order_id.to_owned(), plan.asks)));
                }
            }
        }
        told
    }

    /// The plan that an `order.created` comes from.
    fn plan_of(&self, event: &Message) -> &Plan {
        let body: Value = serde_json::from_slice(&event.payload).unwrap();
        self.plans.iter().find(|plan| plan.order["customer_id"] == body["customer_id"]).unwrap()
    }

    /// Asks for all that `asks` says of one order.
    async fn ask(&self, order_id: String, asks: &'static [&'static str]) -> (String, Answers) {
        let mut answers = Vec::new();
        for subject in asks {
            let refused = self.answer(subject, &json!({"order_id": order_id})).await.err();
            answers.push((*subject, refused.map(|refusal| refusal.code)));
        }
        (order_id, answers)
    }

    /// What a command was answered, asked until somebody answers.
    async fn answer(&self, subject: &str, body: &Value) -> Result<(), Refusal> {
        let ask = async || match self.client.command(subject, body.to_string().into_bytes()).await {
            Err(refusal) if matches!(refusal.code, 429 | 503) => None,
            answer => Some(answer),
        };
        eventually(&format!("{subject} is answered"), ask).await.map(drop)
    }
}
