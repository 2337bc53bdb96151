//! Stripe's objects as they are on the wire, each made from a ledger entry and nothing else.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Serialize;

use crate::entry::{Entry, Kind, Metadata};

/// An error object's common part. Stripe's clients branch on `type`, then on `code`.
#[derive(Debug, Serialize)]
pub struct ErrorObject {
    /// `api_error`, `card_error`, `idempotency_error` or `invalid_request_error`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Which error it is, in one word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
    /// Why the card said no.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decline_code: Option<&'static str>,
    /// The parameter that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub param: Option<String>,
    /// A sentence for a person.
    pub message: String,
}

/// The answer to the request that made this entry; the same for every replay.
pub fn answer(entry: &Entry) -> Response {
    match &entry.kind {
        Kind::Charge { .. } | Kind::Intent { .. } | Kind::Refund { .. } => {
            (StatusCode::OK, object(entry)).into_response()
        }
        Kind::Decline { charge, .. } => {
            let error = DeclineError { error: declined(), charge, payment_intent: PaymentIntent::of(entry) };
            let body = Json(DeclineBody { error });
            (StatusCode::PAYMENT_REQUIRED, body).into_response()
        }
    }
}

/// The object that this entry made, as `GET` shows it.
pub fn object(entry: &Entry) -> Response {
    match &entry.kind {
        Kind::Charge { .. } | Kind::Decline { .. } | Kind::Intent { .. } => {
            Json(PaymentIntent::of(entry)).into_response()
        }
        Kind::Refund { payment_intent, charge, reason } => {
            let refund = Refund {
                id: &entry.id,
                object: "refund",
                amount: entry.amount,
                charge,
                created: entry.at.as_second(),
                currency: &entry.currency,
                metadata: &entry.metadata,
                payment_intent,
                reason: reason.as_deref(),
                status: "succeeded",
            };
            Json(refund).into_response()
        }
    }
}

#[derive(Serialize)]
struct PaymentIntent<'a> {
    id: &'a str,
    object: &'static str,
    amount: i64,
    amount_received: i64,
    created: i64,
    currency: &'a str,
    last_payment_error: Option<ErrorObject>,
    latest_charge: Option<&'a str>,
    livemode: bool,
    metadata: &'a Metadata,
    payment_method: Option<&'a str>,
    payment_method_types: [&'static str; 1],
    status: &'static str,
}

#[derive(Serialize)]
struct Refund<'a> {
    id: &'a str,
    object: &'static str,
    amount: i64,
    charge: &'a str,
    created: i64,
    currency: &'a str,
    metadata: &'a Metadata,
    payment_intent: &'a str,
    reason: Option<&'a str>,
    status: &'static str,
}

#[derive(Serialize)]
struct DeclineBody<'a> {
    error: DeclineError<'a>,
}

#[derive(Serialize)]
struct DeclineError<'a> {
    #[serde(flatten)]
    error: ErrorObject,
    charge: &'a str,
    payment_intent: PaymentIntent<'a>,
}

impl<'a> PaymentIntent<'a> {
    fn of(entry: &'a Entry) -> Self {
        let intent = Self {
            id: &entry.id,
            object: "payment_intent",
            amount: entry.amount,
            amount_received: 0,
            created: entry.at.as_second(),
            currency: &entry.currency,
            last_payment_error: None,
            latest_charge: None,
            livemode: false,
            metadata: &entry.metadata,
            payment_method: None,
            payment_method_types: ["card"],
            status: "requires_payment_method",
        };
        match &entry.kind {
            Kind::Charge { charge, payment_method } => Self {
                amount_received: entry.amount,
                latest_charge: Some(charge),
                payment_method: Some(payment_method),
                status: "succeeded",
                ..intent
            },
            Kind::Decline { charge, .. } => {
                Self { last_payment_error: Some(declined()), latest_charge: Some(charge), ..intent }
            }
            Kind::Intent { payment_method: Some(payment_method) } => {
                Self { payment_method: Some(payment_method), status: "requires_confirmation", ..intent }
            }
            Kind::Intent { payment_method: None } | Kind::Refund { .. } => intent,
        }
    }
}

fn declined() -> ErrorObject {
    ErrorObject {
        kind: "card_error",
        code: Some("card_declined"),
        decline_code: Some("generic_decline"),
        param: None,
        message: "Your card was declined.".to_owned(),
    }
}
