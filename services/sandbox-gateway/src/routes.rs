//! Which request goes where.

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{Method, StatusCode, Uri},
    middleware,
    routing::{get, post},
};

use crate::{auth, gateway::Gateway, outage, payment_intents, refunds, refusal::Refusal, witness};

/// The longest body that is read, in bytes.
const LONGEST_BODY: usize = 64 * 1024;

/// All routes. Those under `/v1` are Stripe's, and subject to outages.
pub fn routes(gateway: Gateway) -> Router {
    let v1 = Router::new()
        .route("/payment_intents", post(payment_intents::create))
        .route("/payment_intents/{id}", get(payment_intents::show))
        .route("/refunds", post(refunds::create))
        .route("/refunds/{id}", get(refunds::show))
        .fallback(unrecognized)
        .method_not_allowed_fallback(unrecognized)
        .layer(middleware::from_fn(auth::require_secret_key))
        .layer(middleware::from_fn_with_state(gateway.clone(), outage::apply));
    Router::new()
        .nest("/v1", v1)
        .route("/sandbox/ledger", get(witness::ledger))
        .route("/sandbox/health", get(witness::health))
        .route("/sandbox/mode", post(witness::set_mode))
        .route("/sandbox/refunds", post(witness::set_refunds))
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
        .with_state(gateway)
}

async fn unrecognized(method: Method, uri: Uri) -> Refusal {
    let message = format!("Unrecognized request URL ({method}: /v1{}).", uri.path());
    Refusal::malformed(StatusCode::NOT_FOUND, message)
}
