//! `POST` and `GET /v1/payment_intents`.

use reqwest::Method;
use serde_json::json;

use crate::harness::{Bench, answer, payment};

const PATH: &str = "/v1/payment_intents";

/// Sends a payment with one parameter changed, or left out.
async fn check_refused(bench: &Bench, name: &str, value: Option<&str>, code: Option<&str>) {
    let mut form = payment("pm_card_visa");
    form.retain(|(known, _)| *known != name);
    form.extend(value.map(|value| (name, value)));
    let refused = answer(bench.post(PATH, None, &form)).await;
    assert_eq!(refused.status, 400, "{name} {value:?} {refused:?}");
    let error = &refused.json()["error"];
    assert_eq!(error["type"], "invalid_request_error", "{refused:?}");
    assert_eq!(error["code"].as_str(), code, "{refused:?}");
    assert_eq!(error["param"].as_str(), Some(name), "{refused:?}");
}

#[tokio::test]
async fn an_approved_card_is_charged() {
    let bench = Bench::start().await;
    let charged = answer(bench.charge("o-1", "pm_card_visa")).await;
    assert_eq!((charged.status, charged.replayed), (200, false));

    let intent = charged.json();
    assert!(charged.text("id").starts_with("pi_"));
    assert!(charged.text("latest_charge").starts_with("ch_"));
    assert!(intent["created"].is_i64());
    let expected = json!({
        "id": intent["id"],
        "object": "payment_intent",
        "amount": 1999,
        "amount_received": 1999,
        "created": intent["created"],
        "currency": "usd",
        "last_payment_error": null,
        "latest_charge": intent["latest_charge"],
        "livemode": false,
        "metadata": { "order_id": "o-1" },
        "payment_method": "pm_card_visa",
        "payment_method_types": ["card"],
        "status": "succeeded",
    });
    assert_eq!(intent, expected);

    let ledger = bench.ledger().await;
    let witnessed = &ledger["charges"][0];
    assert_eq!(witnessed["kind"], "charge");
    assert_eq!(witnessed["id"], intent["id"]);
    assert_eq!(witnessed["idempotency_key"], "o-1");
    assert_eq!(witnessed["order_id"], "o-1");
    assert_eq!(witnessed["amount"], 1999);
    assert_eq!(witnessed["currency"], "usd");
    assert_eq!(bench.counts().await, [1, 0, 0]);
}

#[tokio::test]
async fn a_declined_card_is_not_charged() {
    let bench = Bench::start().await;
    for card in ["pm_card_declined", "pm_card_visa_chargeDeclined"] {
        let declined = answer(bench.charge(card, card)).await;
        assert_eq!(declined.status, 402);
        let error = &declined.json()["error"];
        assert_eq!(error["type"], "card_error");
        assert_eq!(error["code"], "card_declined");
        assert_eq!(error["decline_code"], "generic_decline");
        assert_eq!(error["message"], "Your card was declined.");
        let intent = &error["payment_intent"];
        assert_eq!(intent["status"], "requires_payment_method");
        assert_eq!(intent["amount_received"], 0);
        assert_eq!(intent["last_payment_error"]["code"], "card_declined");
    }
    assert_eq!(bench.counts().await, [0, 0, 2]);
}

#[tokio::test]
async fn a_card_whose_gateway_is_down_is_never_charged() {
    let bench = Bench::start().await;
    for _ in 0..4 {
        let down = answer(bench.charge("o-1", "pm_gateway_down")).await;
        assert_eq!(down.status, 503);
        assert_eq!(down.error(), ("api_error".to_owned(), None));
    }
    assert_eq!(bench.counts().await, [0, 0, 0]);
}

#[tokio::test]
async fn a_flaky_gateway_fails_twice_per_key_and_then_charges_once() {
    let bench = Bench::start().await;
    for key in ["o-1", "o-2"] {
        let mut statuses = Vec::new();
        for _ in 0..4 {
            let flaky = answer(bench.charge(key, "pm_gateway_flaky")).await;
            statuses.push((flaky.status, flaky.replayed));
        }
        assert_eq!(statuses, [(503, false), (503, false), (200, false), (200, true)]);
    }
    assert_eq!(bench.counts().await, [2, 0, 0]);
}

#[tokio::test]
async fn a_bad_parameter_is_refused_by_name() {
    let bench = Bench::start().await;
    let integer = Some("parameter_invalid_integer");
    check_refused(&bench, "amount", Some("0"), integer).await;
    check_refused(&bench, "amount", Some("-1"), integer).await;
    check_refused(&bench, "amount", Some("19.99"), integer).await;
    check_refused(&bench, "amount", Some("lots"), integer).await;
    check_refused(&bench, "amount", Some(""), Some("parameter_invalid_empty")).await;
    check_refused(&bench, "currency", Some("USD"), None).await;
    check_refused(&bench, "currency", Some("dollars"), None).await;
    check_refused(&bench, "payment_method", Some("pm_x"), Some("resource_missing")).await;
    check_refused(&bench, "confirm", Some("perhaps"), None).await;
    check_refused(&bench, "error_on_requires_action", Some("maybe"), None).await;
    check_refused(&bench, "amuont", Some("1"), Some("parameter_unknown")).await;
    for name in ["amount", "currency", "payment_method"] {
        check_refused(&bench, name, None, Some("parameter_missing")).await;
    }
    assert_eq!(bench.counts().await, [0, 0, 0]);
}

#[tokio::test]
async fn cards_are_the_only_way_to_pay() {
    let bench = Bench::start().await;
    let mut form = payment("pm_card_visa");
    form.push(("payment_method_types[]", "klarna"));
    let refused = answer(bench.post(PATH, None, &form)).await;
    assert_eq!(refused.status, 400);
    assert_eq!(refused.json()["error"]["param"], "payment_method_types");
}

#[tokio::test]
async fn a_payment_is_shown_as_it_was_answered() {
    let bench = Bench::start().await;
    let charged = answer(bench.charge("o-1", "pm_card_visa")).await;
    let shown = bench.get(&format!("{PATH}/{}", charged.text("id"))).await;
    assert_eq!((shown.status, &shown.body), (200, &charged.body));

    let declined = answer(bench.charge("o-2", "pm_card_declined")).await.json();
    let intent = &declined["error"]["payment_intent"];
    let shown = bench.get(&format!("{PATH}/{}", intent["id"].as_str().unwrap())).await;
    assert_eq!((shown.status, &shown.json()), (200, intent));

    let unknown = bench.get(&format!("{PATH}/pi_unknown")).await;
    assert_eq!(unknown.status, 404);
    assert_eq!(unknown.error().1.as_deref(), Some("resource_missing"));
}

#[tokio::test]
async fn without_a_secret_key_nothing_is_charged() {
    let bench = Bench::start().await;
    let send = |authorization: Option<&'static str>| {
        let request = bench.request(Method::POST, PATH).form(&payment("pm_card_visa"));
        match authorization {
            Some(value) => request.header("Authorization", value),
            None => request,
        }
    };
    for authorization in [None, Some("Bearer "), Some("Bearer pk_test_1"), Some("sk_test_1")] {
        let refused = answer(send(authorization)).await;
        assert_eq!(refused.status, 401, "{authorization:?}");
        assert_eq!(refused.error().0, "invalid_request_error");
    }
    assert_eq!(bench.counts().await, [0, 0, 0]);
}

#[tokio::test]
async fn an_address_or_a_method_that_leads_nowhere_is_not_found() {
    let bench = Bench::start().await;
    for (method, path) in [(Method::GET, "/v1/customers"), (Method::DELETE, PATH), (Method::GET, PATH)] {
        let lost = answer(bench.request(method.clone(), path).bearer_auth("sk_test_1")).await;
        assert_eq!(lost.status, 404, "{method} {path}");
        let message = lost.json()["error"]["message"].to_string();
        assert!(message.contains(&format!("({method}: {path})")), "{message}");
    }
}

#[tokio::test]
async fn a_body_that_is_not_a_short_form_is_refused_in_stripes_words() {
    let bench = Bench::start().await;
    let long = "x".repeat(64 * 1024);
    let mut form = payment("pm_card_visa");
    form.push(("metadata[note]", &long));
    let too_long = answer(bench.post(PATH, None, &form)).await;
    assert_eq!(too_long.status, 413);
    assert_eq!(too_long.error().0, "invalid_request_error");

    let request = bench.request(Method::POST, PATH).bearer_auth("sk_test_1");
    let not_a_form = answer(request.json(&json!({ "amount": 1 }))).await;
    assert_eq!(not_a_form.status, 415);
    assert_eq!(not_a_form.error().0, "invalid_request_error");
    assert_eq!(bench.counts().await, [0, 0, 0]);
}
