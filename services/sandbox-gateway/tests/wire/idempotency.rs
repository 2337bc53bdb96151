//! One key, one charge.

use std::collections::BTreeSet;

use reqwest::Method;
use tokio::{task::JoinSet, time::timeout};

use crate::harness::{Answer, Bench, DEADLINE, answer, payment};

const PATH: &str = "/v1/payment_intents";

#[track_caller]
fn check_replay(first: &Answer, second: &Answer) {
    assert!(!first.replayed, "{first:?}");
    assert!(second.replayed, "{second:?}");
    assert_eq!((first.status, &first.body), (second.status, &second.body));
}

#[tokio::test]
async fn the_same_key_charges_once_and_answers_the_same() {
    let bench = Bench::start().await;
    let first = answer(bench.charge("o-1", "pm_card_visa")).await;
    let second = answer(bench.charge("o-1", "pm_card_visa")).await;
    check_replay(&first, &second);
    assert_eq!(bench.counts().await, [1, 0, 0]);
}

#[tokio::test]
async fn a_decline_is_replayed_too() {
    let bench = Bench::start().await;
    let first = answer(bench.charge("o-1", "pm_card_declined")).await;
    let second = answer(bench.charge("o-1", "pm_card_declined")).await;
    assert_eq!(first.status, 402);
    check_replay(&first, &second);
    assert_eq!(bench.counts().await, [0, 0, 1]);
}

#[tokio::test]
async fn the_order_of_the_parameters_does_not_matter() {
    let bench = Bench::start().await;
    let mut form = payment("pm_card_visa");
    let first = answer(bench.post(PATH, Some("o-1"), &form)).await;
    form.reverse();
    let second = answer(bench.post(PATH, Some("o-1"), &form)).await;
    check_replay(&first, &second);
}

#[tokio::test]
async fn a_key_with_other_parameters_or_elsewhere_is_an_error() {
    let bench = Bench::start().await;
    let first = answer(bench.charge("o-1", "pm_card_visa")).await;
    let other_card = answer(bench.charge("o-1", "pm_card_declined")).await;
    let form = [("payment_intent", &*first.text("id"))];
    let other_endpoint = answer(bench.post("/v1/refunds", Some("o-1"), &form)).await;
    for refused in [other_card, other_endpoint] {
        assert_eq!(refused.status, 400);
        assert_eq!(refused.error().0, "idempotency_error");
    }
    assert_eq!(bench.counts().await, [1, 0, 0]);
}

#[tokio::test]
async fn a_refused_request_does_not_use_its_key_up() {
    let bench = Bench::start().await;
    for card in ["pm_unknown", "pm_gateway_down"] {
        let refused = answer(bench.charge("o-1", card)).await;
        assert!([400, 503].contains(&refused.status), "{refused:?}");
    }
    bench.set_mode(r#"{"mode":"internal_error","requests":1}"#).await;
    assert_eq!(answer(bench.charge("o-1", "pm_card_visa")).await.status, 500);
    let charged = answer(bench.charge("o-1", "pm_card_visa")).await;
    assert_eq!((charged.status, charged.replayed), (200, false));
}

#[tokio::test]
async fn without_a_key_every_request_charges() {
    let bench = Bench::start().await;
    let form = payment("pm_card_visa");
    let first = answer(bench.post(PATH, None, &form)).await;
    let second = answer(bench.post(PATH, None, &form)).await;
    assert_ne!(first.text("id"), second.text("id"));
    assert_eq!(bench.counts().await, [2, 0, 0]);
}

#[tokio::test]
async fn a_key_that_stripe_would_not_take_is_refused() {
    let bench = Bench::start().await;
    let longest = "k".repeat(255);
    assert_eq!(answer(bench.charge(&longest, "pm_card_visa")).await.status, 200);
    for key in ["k".repeat(256), String::new()] {
        let request = bench.post(PATH, Some(&key), &payment("pm_card_visa"));
        assert_eq!(answer(request).await.status, 400, "{} bytes", key.len());
    }
    assert_eq!(bench.counts().await, [1, 0, 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thirty_requests_at_once_under_one_key_make_one_charge() {
    let bench = Bench::start().await;
    let mut requests = JoinSet::new();
    for _ in 0..30 {
        requests.spawn(answer(bench.charge("o-1", "pm_card_visa")));
    }
    let answers = requests.join_all().await;
    let conflict = |answer: &&Answer| answer.status == 409;
    for answer in answers.iter().filter(conflict) {
        assert_eq!(answer.error().1.as_deref(), Some("idempotency_key_in_use"));
    }
    let approved: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
    let ids: BTreeSet<_> = approved.iter().map(|answer| answer.text("id")).collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(approved.len() + answers.iter().filter(conflict).count(), 30);
    assert_eq!(approved.iter().filter(|answer| !answer.replayed).count(), 1);
    assert_eq!(bench.counts().await, [1, 0, 0]);
}

#[tokio::test]
async fn a_key_is_in_use_until_its_client_is_answered_or_gone() {
    let bench = Bench::start().await;
    bench.set_mode(r#"{"mode":"slow","slow_ms":3600000,"requests":1}"#).await;
    let mut slow = JoinSet::new();
    slow.spawn(answer(bench.charge("o-1", "pm_card_visa")));
    bench.await_charge().await;

    let second = answer(bench.charge("o-1", "pm_card_visa")).await;
    assert_eq!(second.status, 409);
    assert_eq!(second.error().1.as_deref(), Some("idempotency_key_in_use"));
    let other = answer(bench.charge("o-1", "pm_card_declined")).await;
    assert_eq!(other.error().0, "idempotency_error");

    slow.shutdown().await;
    let freed = async {
        loop {
            let third = answer(bench.charge("o-1", "pm_card_visa")).await;
            if third.status != 409 {
                break third;
            }
        }
    };
    let replayed = timeout(DEADLINE, freed).await.unwrap();
    assert_eq!((replayed.status, replayed.replayed), (200, true));
    assert_eq!(bench.counts().await, [1, 0, 0]);
}

#[tokio::test]
async fn reading_needs_no_key() {
    let bench = Bench::start().await;
    let charged = answer(bench.charge("o-1", "pm_card_visa")).await;
    let path = format!("{PATH}/{}", charged.text("id"));
    let request = bench.request(Method::GET, &path).bearer_auth("sk_test_1");
    let shown = answer(request.header("Idempotency-Key", "o-2")).await;
    assert_eq!((shown.status, shown.replayed), (200, false));
}
