//! Everything at once: orders of all kinds, most of them cancelled, dispatched and delivered at some moment, by customers
//! who do not wait for each other, while services are killed. What each does is fixed; when it comes is not.

use std::collections::{BTreeMap, BTreeSet};

use chassis::{Client, Refusal};
use fastrand::Rng;
use futures_util::{
    StreamExt,
    stream::{FuturesUnordered, iter, select_all},
};
use serde_json::{Value, json};

use crate::{
    await_condition::eventually,
    orders::{WIDGETS, order},
    stack::{SERVICES, Stack},
};

const ORDERS: usize = 150;

/// How many customers place an order at the same time.
const TOGETHER: usize = 8;

/// An order, and what somebody asks for as soon as `on` is said of it.
struct Plan {
    order: Value,
    on: &'static str,
    asks: &'static [&'static str],
}

const CANCEL: &str = "svc.order.cancel";
const DISPATCH: &str = "svc.shipping.dispatch";
const DELIVER: &str = "svc.shipping.deliver";

impl Plan {
    fn of(number: usize, rng: &mut Rng) -> Plan {
        let mut order = order(rng.i64(1..4));
        let pick = |rng: &mut Rng, from: &[&'static str]| from[rng.usize(..from.len())];
        let cards = ["pm_card_declined", "pm_card_declined", "pm_gateway_flaky", "pm_gateway_down"];
        match rng.usize(..20) {
            0..5 => order["payment_method"] = json!(pick(rng, &cards)),
            5..7 => order["ship_to"]["postal_code"] = json!("00000"),
            7 => order["items"][0]["quantity"] = json!(WIDGETS + 1),
            _ => {}
        }
        // By this the order is known in the stream before its customer has an answer.
        order["customer_id"] = json!(format!("customer-{number}"));
        order["idempotency_key"] = json!(format!("storm-{number}"));
        let moments = ["order.created", "inventory.reserved", "payment.completed", "order.paid", "shipping.scheduled"];
        let asks: [&[&str]; 6] =
            [&[], &[CANCEL], &[CANCEL, DISPATCH], &[DISPATCH, CANCEL], &[DISPATCH], &[DISPATCH, DELIVER]];
        Plan { order, on: pick(rng, &moments), asks: asks[rng.usize(..asks.len())] }
    }
}

/// What a command was answered, asked until somebody answers.
async fn answer(client: &Client, subject: &str, body: &Value) -> Result<Value, Refusal> {
    let ask = async || match client.command(subject, body.to_string().into_bytes()).await {
        Err(refusal) if matches!(refusal.code, 429 | 503) => None,
        answer => Some(answer),
    };
    let answer = eventually(&format!("{subject} is answered"), ask).await;
    answer.map(|body| serde_json::from_slice(&body).unwrap())
}

/// What the customers were told, by order: the command, and the code where it was refused.
type Told = BTreeMap<String, Vec<(&'static str, Option<u16>)>>;

/// Asks for all that `asks` says of one order.
async fn ask(
    client: &Client,
    order_id: String,
    asks: &'static [&'static str],
) -> (String, Vec<(&'static str, Option<u16>)>) {
    let mut told = Vec::new();
    for subject in asks {
        let refused = answer(client, subject, &json!({"order_id": order_id})).await.err();
        told.push((*subject, refused.map(|refusal| refusal.code)));
    }
    (order_id, told)
}

/// Lets every plan happen, and all orders end.
async fn storm(client: Client, nats: async_nats::Client, plans: Vec<Plan>) -> Told {
    let mut heard = Vec::new();
    for subject in ["order.*.*", "inventory.*.*", "payment.*.*", "shipping.*.*"] {
        heard.push(nats.subscribe(subject).await.unwrap());
    }
    nats.flush().await.unwrap();
    let mut heard = select_all(heard);
    let places = plans.iter().map(|plan| answer(&client, "svc.order.place", &plan.order));
    let mut placing = iter(places).buffer_unordered(TOGETHER);
    let (mut on_its_way, mut asking) = (BTreeMap::<String, &Plan>::new(), FuturesUnordered::new());
    let (mut told, mut ended) = (Told::new(), BTreeSet::new());
    let mut started = BTreeSet::new();
    loop {
        tokio::select! {
            Some(placed) = placing.next() => drop(placed.unwrap()),
            Some((order_id, answers)) = asking.next() => drop(told.insert(order_id, answers)),
            Some(event) = heard.next() => {
                let (kind, order_id) = event.subject.rsplit_once('.').unwrap();
                if kind == "order.created" {
                    let body: Value = serde_json::from_slice(&event.payload).unwrap();
                    let plan = plans.iter().find(|plan| plan.order["customer_id"] == body["customer_id"]).unwrap();
                    on_its_way.insert(order_id.to_owned(), plan);
                }
                if matches!(kind, "order.completed" | "order.cancelled") {
                    ended.insert(order_id.to_owned());
                }
                let plan = on_its_way.get(order_id).filter(|plan| plan.on == kind && !plan.asks.is_empty());
                // What a service says again after it was killed comes twice here.
                if let Some(plan) = plan.filter(|_| started.insert(order_id.to_owned())) {
                    asking.push(ask(&client, order_id.to_owned(), plan.asks));
                }
            }
        }
        if ended.len() == plans.len() && asking.is_empty() {
            return told;
        }
    }
}

#[tokio::test]
async fn a_storm_of_150_orders_ends_with_every_order_at_one_end() {
    let mut stack = Stack::stocked_with_deadline("20s").await;
    let mut rng = Rng::with_seed(0x6d75_726d);
    let plans: Vec<_> = (0..ORDERS).map(|number| Plan::of(number, &mut rng)).collect();
    let storm = storm(stack.client.clone(), stack.nats.clone(), plans);
    let killing = async {
        for (round, ended) in [10, 25, 40, 55, 70, 85, 100, 115].into_iter().enumerate() {
            stack.await_ends(ended).await;
            let service = SERVICES[round % SERVICES.len()];
            stack.kill(service);
            stack.start_service(service);
        }
    };
    let (told, ()) = tokio::join!(storm, killing);
    stack.settle().await;
    stack.check_all().await;
    check_told(&stack, &told).await;
    check_stock(&stack).await;
}

/// What the customers were told is what became of their orders.
async fn check_told(stack: &Stack, told: &Told) {
    let sagas = stack.sagas().await;
    let said = |order_id: &str, kind: &str| sagas[order_id].iter().any(|it| it == kind);
    let mut seen = BTreeSet::new();
    for (order_id, answers) in told {
        for (subject, refused) in answers {
            let what = format!("{subject} of {order_id} was told {refused:?}: {:?}", sagas[order_id]);
            seen.insert((*subject, *refused));
            match (*subject, refused) {
                (CANCEL, None) => {
                    assert!(said(order_id, "order.cancelled") || said(order_id, "shipping.cancel_refused"), "{what}");
                }
                (CANCEL, Some(409)) => assert!(said(order_id, "order.completed"), "{what}"),
                (DISPATCH, None) => assert!(said(order_id, "shipping.dispatched"), "{what}"),
                (DISPATCH, Some(404 | 409)) => assert!(!said(order_id, "shipping.dispatched"), "{what}"),
                (DELIVER, None) => assert!(said(order_id, "shipping.delivered"), "{what}"),
                (DELIVER, Some(404 | 409)) => assert!(!said(order_id, "shipping.delivered"), "{what}"),
                _ => panic!("{what}"),
            }
        }
    }
    // A storm in which nothing of this happens is none.
    for needed in [(CANCEL, None), (DISPATCH, None), (DISPATCH, Some(409)), (DELIVER, None)] {
        assert!(seen.contains(&needed), "{needed:?} is not among {seen:?}");
    }
    let reasons: BTreeSet<_> = stack
        .log()
        .await
        .into_iter()
        .filter(|fact| fact.kind == "order.cancelled")
        .collect::<Vec<_>>()
        .iter()
        .map(|fact| fact.body["reason"].as_str().unwrap().to_owned())
        .collect();
    for needed in ["customer_request", "deadline_passed", "out_of_stock", "payment_declined", "shipping_failed"] {
        assert!(reasons.contains(needed), "{needed} is not among {reasons:?}");
    }
}

/// What is completed is held until it has left; everything else is on the shelf.
async fn check_stock(stack: &Stack) {
    let log = stack.log().await;
    let sagas = stack.sagas().await;
    let (mut held, mut left) = (0, 0);
    let mut known = BTreeSet::new();
    for fact in log.iter().filter(|fact| fact.kind == "inventory.reserved" && known.insert(&fact.id)) {
        let widgets = fact.body["items"].as_array().unwrap().iter().filter(|item| item["sku"] == json!("widget"));
        let quantity: i64 = widgets.map(|item| item["quantity"].as_i64().unwrap()).sum();
        let said = |kind: &str| sagas.get(&fact.key).is_some_and(|saga| saga.iter().any(|it| it == kind));
        match (said("shipping.dispatched"), said("order.completed")) {
            (true, _) => left += quantity,
            (false, true) => held += quantity,
            (false, false) => {}
        }
    }
    assert_eq!(stack.widgets().await, [WIDGETS - held - left, held, left]);
}
