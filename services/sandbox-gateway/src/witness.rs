//! `/sandbox`: what Stripe does not have. What happened, and how to make `/v1` misbehave.
//!
//! Outages do not reach here: the witness always answers.

use std::{fs::File, io, os::unix::fs::FileExt};

use axum::{
    Json,
    body::Bytes,
    extract::{State, rejection::BytesRejection},
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{json, value::RawValue};
use tokio::task::spawn_blocking;

use crate::{entry::Kind, gateway::Gateway, outage::Setting};

/// All that happened, oldest first in each list. An entry is shown as its line in the ledger.
#[derive(Default, Serialize)]
struct Testimony<'a> {
    charges: Vec<&'a RawValue>,
    refunds: Vec<&'a RawValue>,
    declines: Vec<&'a RawValue>,
    /// Begun and not confirmed: no money moved.
    intents: Vec<&'a RawValue>,
}

/// That the sandbox is there, and how `/v1` behaves.
#[derive(Serialize)]
pub struct Health {
    status: &'static str,
    #[serde(flatten)]
    setting: Setting,
}

/// What becomes of the refunds of `pm_refund_refused`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refunds {
    accepted: bool,
}

/// A request to the sandbox itself that comes to nothing, and why.
pub struct Failure {
    status: StatusCode,
    message: String,
}

/// `GET /sandbox/ledger`: up to now, while others go on. All of it is in memory twice meanwhile.
pub async fn ledger(State(gateway): State<Gateway>) -> Result<Response, Failure> {
    let (ledger, end) = gateway.book().lines();
    let testimony = spawn_blocking(move || testify(&ledger, end)).await.map_err(io::Error::other)??;
    Ok(([(CONTENT_TYPE, "application/json")], testimony).into_response())
}

fn testify(ledger: &File, end: u64) -> io::Result<Vec<u8>> {
    let mut lines = vec![0; end as usize];
    ledger.read_exact_at(&mut lines, 0)?;
    let mut testimony = Testimony::default();
    for line in serde_json::Deserializer::from_slice(&lines).into_iter::<&RawValue>() {
        let line = line?;
        let list = match serde_json::from_str(line.get())? {
            Kind::Charge { .. } => &mut testimony.charges,
            Kind::Refund { .. } => &mut testimony.refunds,
            Kind::Decline { .. } => &mut testimony.declines,
            Kind::Intent { .. } => &mut testimony.intents,
        };
        list.push(line);
    }
    let mut json = Vec::with_capacity(lines.len() + 64);
    serde_json::to_writer(&mut json, &testimony)?;
    Ok(json)
}

/// `GET /sandbox/health`
pub async fn health(State(gateway): State<Gateway>) -> Json<Health> {
    Json(Health { status: "ok", setting: gateway.outage().current() })
}

/// `POST /sandbox/mode`: takes JSON whatever its content type says, so that it is easy to type; answers the setting.
pub async fn set_mode(
    State(gateway): State<Gateway>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Setting>, Failure> {
    let setting: Setting = read(body)?;
    let setting = setting.complete().map_err(|reason| Failure::new(StatusCode::UNPROCESSABLE_ENTITY, reason))?;
    tracing::info!(?setting, "the mode is changed");
    gateway.outage().set(setting.clone());
    Ok(Json(setting))
}

/// `POST /sandbox/refunds`: whether `pm_refund_refused` takes refunds from now on. As easy to type as a mode.
pub async fn set_refunds(
    State(gateway): State<Gateway>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Refunds>, Failure> {
    let refunds: Refunds = read(body)?;
    tracing::info!(refunds.accepted, "what becomes of refunds is changed");
    gateway.cards().accept_refunds(refunds.accepted);
    Ok(Json(refunds))
}

fn read<T: DeserializeOwned>(body: Result<Bytes, BytesRejection>) -> Result<T, Failure> {
    let body = body.map_err(|rejection| Failure::new(rejection.status(), rejection.body_text()))?;
    serde_json::from_slice(&body).map_err(|error| Failure::new(StatusCode::BAD_REQUEST, error.to_string()))
}

impl Failure {
    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }
}

/// The ledger cannot be read back.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        tracing::error!(%error, "the ledger cannot be read back");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, format!("the ledger cannot be read back: {error}"))
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        (self.status, Json(json!({ "error": { "message": self.message } }))).into_response()
    }
}
