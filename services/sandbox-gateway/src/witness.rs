//! `/sandbox`: what Stripe does not have. What happened, and how to make `/v1` misbehave.
//!
//! Outages do not reach here: the witness always answers.

use axum::{
    Json,
    body::Bytes,
    extract::{State, rejection::BytesRejection},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::json;

use crate::{
    entry::{Entry, Kind},
    gateway::Gateway,
    outage::Setting,
};

/// All that happened, oldest first in each list. An entry is shown as its line in the ledger.
#[derive(Default, Serialize)]
struct Testimony<'a> {
    charges: Vec<&'a Entry>,
    refunds: Vec<&'a Entry>,
    declines: Vec<&'a Entry>,
}

/// That the sandbox is there, and how `/v1` behaves.
#[derive(Serialize)]
pub struct Health {
    status: &'static str,
    #[serde(flatten)]
    setting: Setting,
}

/// `GET /sandbox/ledger`
pub async fn ledger(State(gateway): State<Gateway>) -> Response {
    let book = gateway.book();
    let mut testimony = Testimony::default();
    for entry in book.entries() {
        let list = match entry.kind {
            Kind::Charge { .. } => &mut testimony.charges,
            Kind::Refund { .. } => &mut testimony.refunds,
            Kind::Decline { .. } => &mut testimony.declines,
        };
        list.push(entry);
    }
    Json(testimony).into_response()
}

/// `GET /sandbox/health`
pub async fn health(State(gateway): State<Gateway>) -> Json<Health> {
    Json(Health { status: "ok", setting: gateway.outage().current() })
}

/// `POST /sandbox/mode`: takes JSON whatever its content type says, so that it is easy to type; answers the setting.
pub async fn set_mode(
    State(gateway): State<Gateway>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Setting>, Response> {
    let body = body.map_err(|rejection| bad(rejection.status(), &rejection.body_text()))?;
    let setting: Setting =
        serde_json::from_slice(&body).map_err(|error| bad(StatusCode::BAD_REQUEST, &error.to_string()))?;
    let setting = setting.complete().map_err(|reason| bad(StatusCode::UNPROCESSABLE_ENTITY, reason))?;
    tracing::info!(?setting, "the mode is changed");
    gateway.outage().set(setting.clone());
    Ok(Json(setting))
}

fn bad(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "error": { "message": message } }))).into_response()
}
