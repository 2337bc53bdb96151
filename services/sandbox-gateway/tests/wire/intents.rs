//! `POST /v1/payment_intents` without `confirm`: nothing is charged, and the key is used up.

use serde_json::json;

use crate::harness::{Answer, Bench, answer};

const PATH: &str = "/v1/payment_intents";
const INTENT: [(&str, &str); 3] = [("amount", "1999"), ("currency", "usd"), ("metadata[order_id]", "o-1")];

async fn intend(bench: &Bench, more: &[(&'static str, &'static str)]) -> Answer {
    answer(bench.post(PATH, Some("o-1"), &[&INTENT, more].concat())).await
}

#[track_caller]
fn check_key_of_another_request(refused: &Answer) {
    assert_eq!((refused.status, refused.error().0.as_str()), (400, "idempotency_error"), "{refused:?}");
}

#[tokio::test]
async fn an_intent_that_is_not_confirmed_moves_no_money() {
    let bench = Bench::start().await;
    let begun = intend(&bench, &[]).await;
    assert_eq!((begun.status, begun.replayed), (200, false));
    let intent = begun.json();
    assert_eq!(intent["status"], "requires_payment_method");
    assert_eq!(intent["amount_received"], 0);
    assert_eq!(intent["latest_charge"], json!(null));
    assert_eq!(intent["last_payment_error"], json!(null));
    assert_eq!(bench.get(&format!("{PATH}/{}", begun.text("id"))).await.body, begun.body);
    assert_eq!(bench.counts().await, [0, 0, 0]);
    let witnessed = &bench.ledger().await["intents"][0];
    assert_eq!((&witnessed["kind"], &witnessed["order_id"]), (&json!("intent"), &json!("o-1")));
}

#[tokio::test]
async fn a_card_without_confirm_waits_to_be_confirmed() {
    let bench = Bench::start().await;
    let intent = intend(&bench, &[("confirm", "false"), ("payment_method", "pm_card_visa")]).await.json();
    assert_eq!(
        (&intent["status"], &intent["payment_method"]),
        (&json!("requires_confirmation"), &json!("pm_card_visa"))
    );
    assert_eq!(bench.counts().await, [0, 0, 0]);
}

#[tokio::test]
async fn an_intent_takes_its_key_away_from_the_charge_across_restarts() {
    let bench = Bench::start().await;
    let begun = intend(&bench, &[]).await;
    check_key_of_another_request(&answer(bench.charge("o-1", "pm_card_visa")).await);

    let bench = bench.restart().await;
    check_key_of_another_request(&answer(bench.charge("o-1", "pm_card_visa")).await);
    let again = intend(&bench, &[]).await;
    assert_eq!((again.status, again.replayed, &again.body), (200, true, &begun.body));
    assert_eq!(bench.counts().await, [0, 0, 0]);
}

#[tokio::test]
async fn a_charge_keeps_its_key_from_the_intent() {
    let bench = Bench::start().await;
    answer(bench.charge("o-1", "pm_card_declined")).await;
    check_key_of_another_request(&intend(&bench, &[]).await);
    assert_eq!(bench.counts().await, [0, 0, 1]);
}

#[tokio::test]
async fn a_charge_that_nobody_decided_leaves_its_key_to_the_intent() {
    let bench = Bench::start().await;
    assert_eq!(answer(bench.charge("o-1", "pm_gateway_down")).await.status, 503);
    assert_eq!(intend(&bench, &[]).await.status, 200);
}

#[tokio::test]
async fn what_belongs_to_a_confirmation_is_refused_without_one() {
    let bench = Bench::start().await;
    let refused = intend(&bench, &[("error_on_requires_action", "true")]).await;
    assert_eq!(refused.json()["error"]["param"], "error_on_requires_action");
    assert_eq!(bench.ledger().await["intents"], json!([]));
}

#[tokio::test]
async fn an_intent_has_nothing_to_refund() {
    let bench = Bench::start().await;
    let intent = intend(&bench, &[]).await.text("id");
    let refused = answer(bench.post("/v1/refunds", Some("r-1"), &[("payment_intent", &*intent)])).await;
    assert_eq!(refused.status, 400);
    assert!(refused.body.contains("does not have a successful charge"), "{refused:?}");
}
