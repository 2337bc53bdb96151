//! Answers where nothing happened: Stripe's errors, apart from a declined card.
//!
//! A refusal is never stored. The same request under the same key may succeed later.

use std::io;

use axum::{
    Json,
    http::{StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use crate::stripe::ErrorObject;

/// A request that was refused, and left no trace.
#[derive(Debug)]
pub struct Refusal {
    status: StatusCode,
    error: ErrorObject,
}

#[derive(Serialize)]
struct Body {
    error: ErrorObject,
}

impl Refusal {
    /// The API key is missing or not one.
    pub fn unauthorized(message: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "invalid_request_error", message)
    }

    /// The request cannot be understood at all.
    pub fn malformed(status: StatusCode, message: impl Into<String>) -> Self {
        Self::new(status, "invalid_request_error", message)
    }

    /// A parameter has a value that it cannot have.
    pub fn invalid(param: &str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request_error", message).param(param)
    }

    /// A parameter that must be there is not.
    pub fn missing(param: &str) -> Self {
        Self::invalid(param, format!("Missing required param: {param}.")).code("parameter_missing")
    }

    /// Nothing is called `id`: a mistake in `param`, or an address that leads nowhere.
    pub fn no_such(status: StatusCode, kind: &str, param: &str, id: &str) -> Self {
        Self::new(status, "invalid_request_error", format!("No such {kind}: '{id}'"))
            .code("resource_missing")
            .param(param)
    }

    /// Another request under this key has not been answered yet.
    pub fn key_in_use(key: &str) -> Self {
        let message = format!(
            "There is currently another in-progress request using this Idempotent Key: {key}. Please try again later."
        );
        Self::new(StatusCode::CONFLICT, "invalid_request_error", message).code("idempotency_key_in_use")
    }

    /// This key belongs to a request that asked for something else.
    pub fn key_of_another_request(key: &str) -> Self {
        let message = format!(
            "Keys for idempotent requests can only be used with the same endpoint and parameters they were first used \
             with. Try using a key other than '{key}' if you meant to execute a different request."
        );
        Self::new(StatusCode::BAD_REQUEST, "idempotency_error", message)
    }

    /// The customer disputes the charge with the bank, which leaves nothing to give back for now.
    pub fn disputed(charge: &str) -> Self {
        let message = format!("Charge {charge} has been charged back; cannot issue a refund.");
        Self::new(StatusCode::BAD_REQUEST, "invalid_request_error", message).code("charge_disputed")
    }

    /// The provider is down.
    pub fn unavailable() -> Self {
        let message = "The payment provider is temporarily unavailable. Please try again later.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "api_error", message)
    }

    /// The provider is broken.
    pub fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "api_error", "An unknown error occurred.")
    }

    /// The client asks too often.
    pub fn rate_limited() -> Self {
        let message = "Request rate limit exceeded. Please try again after a second.";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "invalid_request_error", message).code("rate_limit")
    }

    /// Says in one word which error this is.
    pub fn code(mut self, code: &'static str) -> Self {
        self.error.code = Some(code);
        self
    }

    fn param(mut self, param: &str) -> Self {
        self.error.param = Some(param.to_owned());
        self
    }

    fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        let error = ErrorObject { kind, code: None, decline_code: None, param: None, message: message.into() };
        Self { status, error }
    }
}

/// The ledger cannot be read back.
impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        tracing::error!(%error, "the ledger cannot be read back");
        Self::internal()
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(Body { error: self.error })).into_response();
        if self.status == StatusCode::TOO_MANY_REQUESTS {
            response.headers_mut().insert(RETRY_AFTER, 1.into());
        }
        response
    }
}
