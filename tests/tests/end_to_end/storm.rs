//! Everything at once: orders of all kinds, most of them cancelled, dispatched and delivered at some moment, while services
//! are killed.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::{
    customers::{Answers, CANCEL, Customers, DELIVER, DISPATCH},
    orders::{WIDGET, WIDGETS},
    stack::{SERVICES, Stack},
};

const ORDERS: usize = 150;

/// The same customers every time.
const SEED: u64 = 0x6d75_726d;

#[tokio::test]
async fn a_storm_of_150_orders_ends_with_every_order_at_one_end() {
    let mut stack = Stack::stocked_with_deadline("20s").await;
    let customers = Customers::of(&stack, ORDERS, SEED);
    let killing = async {
        for (service, ended) in SERVICES.into_iter().cycle().zip([10, 25, 40, 55, 70, 80, 90, 100, 110]) {
            stack.await_ends(ended).await;
            stack.kill(service);
            stack.start_service(service);
        }
    };
    let (told, ()) = tokio::join!(customers.all(), killing);
    stack.settle().await;
    stack.check_all().await;
    check_told(&stack, &told).await;
    check_reasons(&stack).await;
    check_stock(&stack).await;
}

/// What the customers were told is what became of their orders.
async fn check_told(stack: &Stack, told: &BTreeMap<String, Answers>) {
    let sagas = stack.sagas().await;
    let mut seen = BTreeSet::new();
    for (order_id, answers) in told {
        let saga = &sagas[order_id];
        let said = |kind: &str| saga.iter().any(|it| it == kind);
        for (subject, refused) in answers {
            let true_to_it = match (*subject, refused) {
                (CANCEL, None) => said("order.cancelled") || said("shipping.cancel_refused"),
                (CANCEL, Some(409)) => said("order.completed"),
                (DISPATCH, None) => said("shipping.dispatched"),
                (DISPATCH, Some(404 | 409)) => !said("shipping.dispatched"),
                (DELIVER, None) => said("shipping.delivered"),
                (DELIVER, Some(404 | 409)) => !said("shipping.delivered"),
                _ => false,
            };
            assert!(true_to_it, "{subject} of {order_id} was told {refused:?}: {saga:?}");
            seen.insert((*subject, *refused));
        }
    }
    // A storm in which nothing of this happens is none.
    for needed in [(CANCEL, None), (DISPATCH, None), (DISPATCH, Some(409)), (DELIVER, None)] {
        assert!(seen.contains(&needed), "{needed:?} is not among {seen:?}");
    }
}

/// Orders were cancelled for every reason that there is.
async fn check_reasons(stack: &Stack) {
    let log = stack.log().await;
    let cancelled = log.iter().filter(|fact| fact.kind == "order.cancelled");
    let reasons: BTreeSet<_> = cancelled.map(|fact| fact.body["reason"].as_str().unwrap()).collect();
    let all = ["customer_request", "deadline_passed", "out_of_stock", "payment_declined", "shipping_failed"];
    assert_eq!(reasons, BTreeSet::from(all));
}

/// What is completed is held until it has left; everything else is on the shelf.
async fn check_stock(stack: &Stack) {
    let (log, sagas) = (stack.log().await, stack.sagas().await);
    let (mut held, mut left, mut known) = (0, 0, BTreeSet::new());
    for fact in log.iter().filter(|fact| fact.kind == "inventory.reserved" && known.insert(&fact.id)) {
        let items = fact.body["items"].as_array().unwrap().iter().filter(|item| item["sku"] == json!(WIDGET));
        let quantity: i64 = items.map(|item| item["quantity"].as_i64().unwrap()).sum();
        let said = |kind: &str| sagas.get(&fact.key).is_some_and(|saga| saga.iter().any(|it| it == kind));
        match (said("shipping.dispatched"), said("order.completed")) {
            (true, _) => left += quantity,
            (false, true) => held += quantity,
            (false, false) => {}
        }
    }
    assert_eq!(stack.widgets().await, [WIDGETS - held - left, held, left]);
}
