//! The payment gateway, in Stripe's own wire format: <https://docs.stripe.com/api>, payment intents and refunds.
//!
//! Every request carries the order as its idempotency key, so that asking again after an answer that was lost does
//! nothing twice. What the gateway decides is an outcome; that it did not decide is tried again.

mod requests;
#[cfg(test)]
mod tests;

use std::time::Duration;

use chassis::{Retry, settings};
use reqwest::{Client, Response, StatusCode, redirect::Policy};
use serde::Deserialize;

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

/// An answer that decides something, in the gateway's own words.
enum Answer {
    /// It is done.
    Made(Made),
    /// It is not done, and asking again in the same way would not help.
    Refused(FailureBody),
    /// The idempotency key stands for another request, which came before this one.
    KeyOfAnother(FailureBody),
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

    /// One request. Whatever decides nothing is tried again.
    async fn post(&self, path: &str, key: &str, form: &[(&str, String)]) -> Result<Answer, Retry> {
        let request = self.http.post(format!("{}{path}", self.url)).bearer_auth(&self.key);
        let sent = request.header("Idempotency-Key", key).form(form).send().await;
        let response = sent.map_err(|error| Retry::because(unreachable(&error)))?;
        let status = response.status();
        if status.is_success() {
            let made = response.json().await;
            let unreadable = |error| Retry::because(format!("its answer cannot be read: {error}"));
            return made.map(Answer::Made).map_err(unreadable);
        }
        // Only the gateway's own word decides: a page of some proxy on the way does not.
        match (status, failure(response).await) {
            (StatusCode::BAD_REQUEST | StatusCode::PAYMENT_REQUIRED | StatusCode::NOT_FOUND, Some(failure)) => {
                Ok(match failure.kind == "idempotency_error" {
                    true => Answer::KeyOfAnother(failure),
                    false => Answer::Refused(failure),
                })
            }
            (status, failure) => Err(undecided(status, failure.as_ref())),
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
