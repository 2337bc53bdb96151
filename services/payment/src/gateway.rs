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
    /// One word, and a sentence where there is one.
    fn reason(&self) -> &str {
        self.code.as_deref().unwrap_or(&self.kind)
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
        let unusable = |source| Unusable { url: settings::without_credentials(url), source };
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
        let failure = failure(response).await;
        match status {
            StatusCode::BAD_REQUEST if failure.kind == "idempotency_error" => Err(undecided(status, &failure)),
            StatusCode::BAD_REQUEST | StatusCode::PAYMENT_REQUIRED | StatusCode::NOT_FOUND => Ok(Err(failure)),
            _ => Err(undecided(status, &failure)),
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
            Err(refused) => Ok(ChargeOutcome::Declined { reason: refused.reason().to_owned() }),
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
        match self.post("/v1/refunds", format!("{}-refund", refund.order_id), &form).await? {
            Ok(made) if made.status == "succeeded" || made.status == "pending" => {
                Ok(RefundOutcome { refund_id: RefundId::try_from(made.id).map_err(Retry::because)? })
            }
            Ok(made) => Err(Retry::because(format!("the refund {} is {}", made.id, made.status))),
            Err(refused) => Err(undecided(StatusCode::BAD_REQUEST, &refused)),
        }
    }
}

async fn failure(response: Response) -> FailureBody {
    let unread = || FailureBody { kind: "unreadable_answer".to_owned(), code: None, message: None };
    response.json::<Failure>().await.map_or_else(|_| unread(), |failure| failure.error)
}

fn undecided(status: StatusCode, failure: &FailureBody) -> Retry {
    let message = failure.message.as_deref().unwrap_or("it says no more");
    Retry::because(format!("the gateway answered {} {}: {message}", status.as_u16(), failure.reason()))
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
