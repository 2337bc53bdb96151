//! `POST` and `GET /v1/refunds`.

use serde_json::json;

use crate::harness::{Answer, Bench, answer};

const PATH: &str = "/v1/refunds";

/// A charge of 1999 USD cents, and its id.
async fn charged(bench: &Bench) -> String {
    answer(bench.charge("o-1", "pm_card_visa")).await.text("id")
}

async fn refund(bench: &Bench, key: &str, form: &[(&str, &str)]) -> Answer {
    answer(bench.post(PATH, Some(key), form)).await
}

#[track_caller]
fn check_refused(refused: &Answer, status: u16, code: Option<&str>) {
    assert_eq!(refused.status, status, "{refused:?}");
    let (kind, found) = refused.error();
    assert_eq!(kind, "invalid_request_error", "{refused:?}");
    assert_eq!(found.as_deref(), code, "{refused:?}");
}

#[tokio::test]
async fn a_refund_without_an_amount_gives_all_back_once() {
    let bench = Bench::start().await;
    let intent = charged(&bench).await;
    let form =
        [("payment_intent", &*intent), ("reason", "requested_by_customer"), ("metadata[why]", "shipping failed")];
    let refunded = refund(&bench, "r-1", &form).await;
    assert_eq!(refunded.status, 200);
    let object = refunded.json();
    let expected = json!({
        "id": object["id"],
        "object": "refund",
        "amount": 1999,
        "charge": object["charge"],
        "created": object["created"],
        "currency": "usd",
        "metadata": { "why": "shipping failed" },
        "payment_intent": intent,
        "reason": "requested_by_customer",
        "status": "succeeded",
    });
    assert_eq!(object, expected);
    assert!(refunded.text("id").starts_with("re_"));

    let again = refund(&bench, "r-1", &form).await;
    assert_eq!((again.status, again.replayed, &again.body), (200, true, &refunded.body));
    check_refused(&refund(&bench, "r-2", &form).await, 400, Some("charge_already_refunded"));

    let shown = bench.get(&format!("{PATH}/{}", refunded.text("id"))).await;
    assert_eq!((shown.status, &shown.body), (200, &refunded.body));
    assert_eq!(bench.counts().await, [1, 1, 0]);
    let witnessed = &bench.ledger().await["refunds"][0];
    assert_eq!(witnessed["payment_intent"], intent);
    assert_eq!(witnessed["order_id"], "o-1");
}

#[tokio::test]
async fn parts_add_up_to_the_charge_and_no_further() {
    let bench = Bench::start().await;
    let intent = charged(&bench).await;
    let part = |amount| [("payment_intent", &*intent), ("amount", amount)];
    let rest = [("payment_intent", &*intent)];

    assert_eq!(refund(&bench, "r-1", &part("1000")).await.json()["amount"], 1000);
    let too_much = refund(&bench, "r-2", &part("1000")).await;
    check_refused(&too_much, 400, Some("amount_too_large"));
    assert_eq!(refund(&bench, "r-3", &rest).await.json()["amount"], 999);
    let nothing_left = refund(&bench, "r-4", &rest).await;
    check_refused(&nothing_left, 400, Some("charge_already_refunded"));
    assert_eq!(bench.counts().await, [1, 2, 0]);
}

#[tokio::test]
async fn only_a_charge_is_refunded() {
    let bench = Bench::start().await;
    let unknown = refund(&bench, "r-1", &[("payment_intent", "pi_unknown")]).await;
    check_refused(&unknown, 404, Some("resource_missing"));

    let declined = answer(bench.charge("o-2", "pm_card_declined")).await.json();
    let declined = declined["error"]["payment_intent"]["id"].as_str().unwrap();
    let never_charged = refund(&bench, "r-2", &[("payment_intent", declined)]).await;
    check_refused(&never_charged, 400, None);
    assert_eq!(bench.counts().await, [0, 0, 1]);
}

#[tokio::test]
async fn a_bad_parameter_is_refused() {
    let bench = Bench::start().await;
    let intent = charged(&bench).await;
    let with = |name, value| [("payment_intent", &*intent), (name, value)];
    let missing = refund(&bench, "r-1", &[]).await;
    check_refused(&missing, 400, Some("parameter_missing"));
    let zero = refund(&bench, "r-1", &with("amount", "0")).await;
    check_refused(&zero, 400, Some("parameter_invalid_integer"));
    let bored = refund(&bench, "r-1", &with("reason", "bored")).await;
    check_refused(&bored, 400, None);
    let unknown = refund(&bench, "r-1", &with("currency", "usd")).await;
    check_refused(&unknown, 400, Some("parameter_unknown"));
    assert_eq!(bench.counts().await, [1, 0, 0]);
}

#[tokio::test]
async fn a_payment_and_a_refund_are_not_shown_as_each_other() {
    let bench = Bench::start().await;
    let intent = charged(&bench).await;
    let refunded = refund(&bench, "r-1", &[("payment_intent", &*intent)]).await.text("id");
    let as_refund = bench.get(&format!("{PATH}/{intent}")).await;
    check_refused(&as_refund, 404, Some("resource_missing"));
    let as_payment = bench.get(&format!("/v1/payment_intents/{refunded}")).await;
    check_refused(&as_payment, 404, Some("resource_missing"));
}

#[tokio::test]
async fn a_refund_that_is_refused_succeeds_under_its_key_once_refunds_are_accepted() {
    let bench = Bench::start().await;
    let intent = answer(bench.charge("o-1", "pm_refund_refused")).await.text("id");
    let form = [("payment_intent", &*intent)];
    for _ in 0..2 {
        check_refused(&refund(&bench, "r-1", &form).await, 400, Some("charge_disputed"));
    }
    assert_eq!(bench.counts().await, [1, 0, 0]);

    assert_eq!(bench.set_refunds(r#"{"accepted":true}"#).await.body, r#"{"accepted":true}"#);
    let refunded = refund(&bench, "r-1", &form).await;
    assert_eq!((refunded.status, refunded.replayed), (200, false));

    bench.set_refunds(r#"{"accepted":false}"#).await;
    let again = refund(&bench, "r-1", &form).await;
    assert_eq!((again.replayed, again.body), (true, refunded.body));
    assert_eq!(bench.counts().await, [1, 1, 0]);
}

#[tokio::test]
async fn how_refunds_are_treated_is_not_guessed() {
    let bench = Bench::start().await;
    for body in ["", "{}", r#"{"accepted":"yes"}"#, r#"{"accepted":true,"card":"x"}"#] {
        assert_eq!(bench.set_refunds(body).await.status, 400, "{body}");
    }
}
