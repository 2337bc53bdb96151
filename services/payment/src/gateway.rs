//! The payment gateway, in Stripe's own wire format: <https://docs.stripe.com/api>, payment intents and refunds.
//!
//! Every request carries the order as its idempotency key, so that asking again after an answer that was lost does
//! nothing twice. What the gateway decides is an outcome; that it did not decide is tried again.

use std::time::Duration;

use chassis::{Perform, Retry, settings};
use events::{RefundId, TransactionId};
use reqwest::{Client, Response, StatusCode, redirect::Policy};
use serde::Deserialize;

use crate::{
    backward::{Refund, RefundOutcome},
    forward::{Charge, ChargeOutcome},
};

/// A client of the gateway.
#[derive(Clone)]
pub struct Gateway {
    http: Client,
    url: String,
    /// Never logged.
    key: String,
}

/// The gateway cannot be used as it is set.
#[derive(Debug, thiserror::Error)]
#[error("PAYMENT_GATEWAY_URL={url:?} cannot be used: use an address such as http://127.0.0.1:12111")]
pub struct Unusable {
    url: String,
    source: reqwest::Error,
}

/// A payment intent or a refund, as far as it is read here.
#[derive(Deserialize)]
struct Made {
    id: String,
    status: String,
}

#[derive(Deserialize)]
struct Failure {
    error: FailureBody,
}

#[derive(Deserialize)]
struct FailureBody {
    #[serde(rename = "type")]
    kind: String,
    code: Option<String>,
    message: Option<String>,
}

impl FailureBody {
    /// One word, as far as it is one.
    fn reason(&self) -> String {
        self.code.as_ref().unwrap_or(&self.kind).chars().take(64).collect()
    }
}

impl Gateway {
    /// The gateway at `PAYMENT_GATEWAY_URL` with the secret key `PAYMENT_GATEWAY_KEY`; without them, the sandbox.
    pub fn from_env() -> Result<Gateway, Unusable> {
        let url = settings::text("PAYMENT_GATEWAY_URL", "http://127.0.0.1:12111");
        let key = settings::text("PAYMENT_GATEWAY_KEY", "sk_sandbox");
        Gateway::new(&url, &key)
    }

    /// The gateway at `url`, with the secret key `key`.
    pub fn new(url: &str, key: &str) -> Result<Gateway, Unusable> {
        // The one provider of this process; that it is there already is as good.
        drop(rustls::crypto::ring::default_provider().install_default());
        let unusable =
            |source: reqwest::Error| Unusable { url: settings::without_credentials(url), source: source.without_url() };
        let http = Client::builder()
            .connect_timeout(Duration::from_secs(2))
            .timeout(Duration::from_secs(10))
            .redirect(Policy::none())
            .build()
            .map_err(unusable)?;
        let url = url.trim_end_matches('/').to_owned();
        http.get(&url).build().map_err(unusable)?;
        Ok(Gateway { http, url, key: key.to_owned() })
    }

    /// One request. `Ok` is an answer that decides something: success, or a refusal of the request itself.
    async fn post(&self, path: &str, key: String, form: &[(&str, String)]) -> Result<Result<Made, FailureBody>, Retry> {
        let request = self.http.post(format!("{}{path}", self.url)).bearer_auth(&self.key);
        let sent = request.header("Idempotency-Key", key).form(form).send().await;
        let response = sent.map_err(|error| Retry::because(unreachable(&error)))?;
        let status = response.status();
        if status.is_success() {
            let made = response.json().await;
            return made.map(Ok).map_err(|error| Retry::because(format!("its answer cannot be read: {error}")));
        }
        // Only the gateway's own word decides: a page of some proxy on the way does not.
        match (status, failure(response).await) {
            (StatusCode::BAD_REQUEST | StatusCode::PAYMENT_REQUIRED | StatusCode::NOT_FOUND, Some(failure))
                if failure.kind != "idempotency_error" =>
            {
                Ok(Err(failure))
            }
            (status, failure) => Err(undecided(status, failure.as_ref())),
        }
    }
}

impl Perform<Charge> for Gateway {
    async fn perform(&self, charge: Charge) -> Result<ChargeOutcome, Retry> {
        let form = [
            ("amount", charge.due.money.amount.to_string()),
            ("currency", charge.due.money.currency.to_string().to_lowercase()),
            ("payment_method", charge.due.payment_method.to_string()),
            ("payment_method_types[]", "card".to_owned()),
            ("confirm", "true".to_owned()),
            ("error_on_requires_action", "true".to_owned()),
            ("metadata[order_id]", charge.order_id.to_string()),
        ];
        match self.post("/v1/payment_intents", charge.order_id.to_string(), &form).await? {
            Ok(made) if made.status == "succeeded" => {
                let transaction_id = TransactionId::try_from(made.id).map_err(Retry::because)?;
                Ok(ChargeOutcome::Approved { transaction_id })
            }
            Ok(made) => Err(Retry::because(format!("the payment intent {} is {}", made.id, made.status))),
            Err(refused) => Ok(ChargeOutcome::Declined { reason: refused.reason() }),
        }
    }
}

impl Perform<Refund> for Gateway {
    async fn perform(&self, refund: Refund) -> Result<RefundOutcome, Retry> {
        let form = [
            ("payment_intent", refund.transaction_id.to_string()),
            ("amount", refund.money.amount.to_string()),
            ("metadata[order_id]", refund.order_id.to_string()),
        ];
        match self.post("/v1/refunds", format!("{}/refund", refund.order_id), &form).await? {
            Ok(made) if made.status == "succeeded" || made.status == "pending" => {
                Ok(RefundOutcome { refund_id: RefundId::try_from(made.id).map_err(Retry::because)? })
            }
            Ok(made) => Err(Retry::because(format!("the refund {} is {}", made.id, made.status))),
            // Somebody gave the money back in the gateway's own dashboard: that is what was asked for.
            Err(refused) if refused.reason() == "charge_already_refunded" => {
                Ok(RefundOutcome { refund_id: RefundId::try_from("refunded_elsewhere").map_err(Retry::because)? })
            }
            Err(refused) => Err(undecided(StatusCode::BAD_REQUEST, Some(&refused))),
        }
    }
}

async fn failure(response: Response) -> Option<FailureBody> {
    response.json::<Failure>().await.ok().map(|failure| failure.error)
}

fn undecided(status: StatusCode, failure: Option<&FailureBody>) -> Retry {
    let message = failure.and_then(|it| it.message.as_deref()).unwrap_or("it says no more");
    let reason = failure.map_or_else(|| "in words that are not its own".to_owned(), FailureBody::reason);
    Retry::because(format!("the gateway answered {} {reason}: {message}", status.as_u16()))
}

/// What went wrong on the way, without the address, which may carry credentials.
fn unreachable(error: &reqwest::Error) -> String {
    let what = match error {
        error if error.is_timeout() => "the gateway did not answer in time",
        error if error.is_connect() => "the gateway cannot be reached",
        _ => "the connection to the gateway broke",
    };
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    format!("{what}: {cause}")
}

#[cfg(test)]
mod tests {
    use events::{Currency, MinorUnits, Money, OrderId, PaymentMethod};
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;
    use crate::rows::Due;

    const MONEY: Money = Money { amount: MinorUnits(3998), currency: Currency::USD };

    /// What the client makes of one answer, and what it asked.
    async fn answered<F: chassis::Effect>(effect: F, status: &str, body: &str) -> (Result<F::Outcome, Retry>, String)
    where
        Gateway: Perform<F>,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let gateway = Gateway::new(&format!("http://{}", listener.local_addr().unwrap()), "sk_test").unwrap();
        let serve = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 4096];
            let length = stream.read(&mut request).await.unwrap();
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            stream.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8_lossy(&request[..length]).into_owned()
        };
        tokio::join!(gateway.perform(effect), serve)
    }

    fn charge() -> Charge {
        let due = Due { money: MONEY, payment_method: PaymentMethod::default_card() };
        Charge { order_id: OrderId::try_from("o-1").unwrap(), due }
    }

    fn refund() -> Refund {
        let transaction_id = TransactionId::try_from("pi_1").unwrap();
        Refund { order_id: OrderId::try_from("o-1").unwrap(), transaction_id, money: MONEY }
    }

    #[tokio::test]
    async fn a_charge_is_asked_for_in_stripes_words_under_the_orders_key() {
        let (outcome, request) = answered(charge(), "200 OK", r#"{"id":"pi_1","status":"succeeded"}"#).await;
        assert_eq!(outcome, Ok(ChargeOutcome::Approved { transaction_id: TransactionId::try_from("pi_1").unwrap() }));
        let request = request.to_lowercase();
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
        assert!(request.to_lowercase().contains("idempotency-key: o-1/refund\r\n"), "{request}");
        let back = r#"{"error":{"type":"invalid_request_error","code":"charge_already_refunded"}}"#;
        assert!(answered(refund(), "400 Bad Request", back).await.0.is_ok());
        let unknown = r#"{"error":{"type":"invalid_request_error","code":"resource_missing"}}"#;
        assert!(answered(refund(), "404 Not Found", unknown).await.0.is_err());
    }
}
