//! The client against answers that are given byte for byte.

use chassis::Perform;
use events::{Currency, MinorUnits, Money, OrderId, PaymentMethod, TransactionId};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::*;
use crate::{
    backward::Refund,
    forward::{Charge, ChargeOutcome},
    rows::Due,
    void::{Void, VoidOutcome},
};

const MONEY: Money = Money { amount: MinorUnits(3998), currency: Currency::USD };

/// What the client makes of one answer, and what it asked.
async fn answered<F: chassis::Effect>(effect: F, status: &str, body: &str) -> (Result<F::Outcome, Retry>, String)
where
    Gateway: Perform<F>,
{
    let (outcome, mut requests) = talked(effect, &[(status, body)]).await;
    (outcome, requests.remove(0))
}

/// What the client makes of answers, one to each of its requests, and what it asked.
async fn talked<F: chassis::Effect>(effect: F, answers: &[(&str, &str)]) -> (Result<F::Outcome, Retry>, Vec<String>)
where
    Gateway: Perform<F>,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gateway = Gateway::new(&format!("http://{}", listener.local_addr().unwrap()), "sk_test").unwrap();
    let serve = async {
        let mut requests = Vec::new();
        for (status, body) in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 4096];
            let length = stream.read(&mut request).await.unwrap();
            let headers = format!("connection: close\r\ncontent-length: {}", body.len());
            let answer = format!("HTTP/1.1 {status}\r\n{headers}\r\n\r\n{body}");
            stream.write_all(answer.as_bytes()).await.unwrap();
            requests.push(String::from_utf8_lossy(&request[..length]).to_lowercase());
        }
        requests
    };
    tokio::join!(gateway.perform(effect), serve)
}

fn charge() -> Charge {
    let due = Due { money: MONEY, payment_method: PaymentMethod::default_card() };
    Charge { order_id: OrderId::try_from("o-1").unwrap(), due }
}

fn void() -> Void {
    let Charge { order_id, due } = charge();
    Void { order_id, due }
}

fn refund() -> Refund {
    let transaction_id = TransactionId::try_from("pi_1").unwrap();
    Refund { order_id: OrderId::try_from("o-1").unwrap(), transaction_id, money: MONEY }
}

#[tokio::test]
async fn a_charge_is_asked_for_in_stripes_words_under_the_orders_key() {
    let (outcome, request) = answered(charge(), "200 OK", r#"{"id":"pi_1","status":"succeeded"}"#).await;
    assert_eq!(outcome, Ok(ChargeOutcome::Approved { transaction_id: TransactionId::try_from("pi_1").unwrap() }));
    for part in [
        "post /v1/payment_intents",
        "idempotency-key: o-1\r\n",
        "authorization: bearer sk_test",
        "amount=3998&currency=usd",
    ] {
        assert!(request.contains(part), "{part} is missing in {request}");
    }
}

#[tokio::test]
async fn only_the_gateways_own_word_declines() {
    let card = r#"{"error":{"type":"card_error","code":"card_declined","message":"no"}}"#;
    let (outcome, _) = answered(charge(), "402 Payment Required", card).await;
    assert_eq!(outcome, Ok(ChargeOutcome::Declined { reason: "card_declined".to_owned() }));
    let reused = r#"{"error":{"type":"idempotency_error","message":"other parameters"}}"#;
    let busy = r#"{"error":{"type":"invalid_request_error","code":"idempotency_key_in_use"}}"#;
    for (status, body) in [
        ("404 Not Found", "<html>some proxy</html>"),
        ("400 Bad Request", "{}"),
        ("400 Bad Request", reused),
        ("409 Conflict", busy),
        ("401 Unauthorized", card),
        ("429 Too Many Requests", card),
        ("500 Internal Server Error", card),
        ("200 OK", r#"{"id":"pi_1","status":"processing"}"#),
        ("200 OK", "<html>"),
    ] {
        let (outcome, _) = answered(charge(), status, body).await;
        assert!(outcome.is_err(), "{status} {body} gave {outcome:?}");
    }
}

#[tokio::test]
async fn a_refund_is_tried_until_the_money_is_back() {
    let (outcome, request) = answered(refund(), "200 OK", r#"{"id":"re_1","status":"succeeded"}"#).await;
    assert_eq!(outcome.unwrap().refund_id.as_str(), "re_1");
    assert!(request.contains("idempotency-key: o-1/refund\r\n"), "{request}");
    let back = r#"{"error":{"type":"invalid_request_error","code":"charge_already_refunded"}}"#;
    assert!(answered(refund(), "400 Bad Request", back).await.0.is_ok());
    let unknown = r#"{"error":{"type":"invalid_request_error","code":"resource_missing"}}"#;
    assert!(answered(refund(), "404 Not Found", unknown).await.0.is_err());
}

const MADE: (&str, &str) = ("200 OK", r#"{"id":"pi_1","status":"requires_payment_method"}"#);
const KEY_OF_ANOTHER: (&str, &str) = ("400 Bad Request", r#"{"error":{"type":"idempotency_error","message":"other"}}"#);

#[tokio::test]
async fn a_void_takes_the_charges_key_with_a_request_that_charges_nobody() {
    let (outcome, requests) = talked(void(), &[MADE]).await;
    assert_eq!(outcome, Ok(VoidOutcome::Voided));
    let request = &requests[0];
    for part in ["post /v1/payment_intents", "idempotency-key: o-1\r\n", "metadata%5bvoid%5d=true"] {
        assert!(request.contains(part), "{part} is missing in {request}");
    }
    assert!(!request.contains("confirm") && !request.contains("payment_method"), "{request}");
}

#[tokio::test]
async fn a_void_that_comes_after_the_charge_reports_what_became_of_it() {
    let (_, charged) = answered(charge(), "200 OK", r#"{"id":"pi_1","status":"succeeded"}"#).await;
    let body_of = |request: &str| request.split_once("\r\n\r\n").unwrap().1.to_owned();
    let transaction_id = TransactionId::try_from("pi_1").unwrap();
    let declined = r#"{"error":{"type":"card_error","code":"card_declined"}}"#;
    for (answer, expected) in [
        (("200 OK", r#"{"id":"pi_1","status":"succeeded"}"#), VoidOutcome::Charged { transaction_id }),
        (("402 Payment Required", declined), VoidOutcome::Declined { reason: "card_declined".to_owned() }),
    ] {
        let (outcome, requests) = talked(void(), &[KEY_OF_ANOTHER, answer]).await;
        assert_eq!(outcome, Ok(expected));
        assert!(requests[1].contains("idempotency-key: o-1\r\n"), "{}", requests[1]);
        assert_eq!(body_of(&requests[1]), body_of(&charged), "the charge is asked for again to the letter");
    }
}

#[tokio::test]
async fn a_void_that_nobody_decided_is_tried_again() {
    let busy = ("409 Conflict", r#"{"error":{"type":"invalid_request_error","code":"idempotency_key_in_use"}}"#);
    let down = ("503 Service Unavailable", r#"{"error":{"type":"api_error"}}"#);
    let strange = ("200 OK", r#"{"id":"pi_1","status":"succeeded"}"#);
    let refused = ("400 Bad Request", r#"{"error":{"type":"invalid_request_error","code":"amount_too_small"}}"#);
    for answers in [&[busy][..], &[down], &[strange], &[refused], &[KEY_OF_ANOTHER, down], &[KEY_OF_ANOTHER; 2]] {
        let (outcome, _) = talked(void(), answers).await;
        assert!(outcome.is_err(), "{answers:?} gave {outcome:?}");
    }
}
