//! `/v1/refunds`: give money back.

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use uuid::Uuid;

use crate::{
    ambient,
    book::Book,
    cards::Cards,
    entry::{Entry, Kind},
    gateway::Gateway,
    idempotency::Key,
    ids,
    parameters::Parameters,
    refusal::Refusal,
    stripe,
};

/// Where refunds live.
pub const ENDPOINT: &str = "/v1/refunds";

const KNOWN: &[&str] = &["amount", "metadata[", "payment_intent", "reason"];
const REASONS: &[&str] = &["duplicate", "fraudulent", "requested_by_customer"];

/// Gives a charge back, all that is left of it or a part, at most once per idempotency key.
pub async fn create(State(gateway): State<Gateway>, key: Key, parameters: Parameters) -> Result<Response, Refusal> {
    let request = parameters.digest(ENDPOINT);
    let name = key.0.clone();
    let cards = gateway.clone();
    let decide = move |book: &Book| refund(book, cards.cards(), &parameters, name, request);
    gateway.once(&key, request, decide).await
}

/// Shows a refund.
pub async fn show(State(gateway): State<Gateway>, Path(id): Path<String>) -> Result<Response, Refusal> {
    let entry = gateway.book().by_id(&id)?;
    match entry {
        Some(entry) if matches!(entry.kind, Kind::Refund { .. }) => Ok(stripe::object(&entry)),
        _ => Err(Refusal::no_such(StatusCode::NOT_FOUND, "refund", "refund", &id)),
    }
}

fn refund(
    book: &Book,
    cards: &Cards,
    parameters: &Parameters,
    key: Option<String>,
    request: Uuid,
) -> Result<Entry, Refusal> {
    parameters.only(KNOWN)?;
    let asked = parameters.amount()?;
    let reason = reason(parameters)?;
    let id = parameters.required("payment_intent")?;
    let paid = book.by_id(id)?;
    let Charged { paid, charge, payment_method } = charged(paid.as_deref(), id)?;
    let amount = amount(asked, book.unrefunded(paid), charge)?;
    cards.ask_to_take_back(payment_method, charge)?;
    let metadata = parameters.metadata();
    Ok(Entry {
        at: ambient::now(),
        kind: Kind::Refund { payment_intent: paid.id.clone(), charge: charge.to_owned(), reason },
        id: ids::object_id("re", key.as_deref()),
        idempotency_key: key,
        request,
        order_id: metadata.get("order_id").or(paid.order_id.as_ref()).cloned(),
        amount,
        currency: paid.currency.clone(),
        metadata,
    })
}

fn reason(parameters: &Parameters) -> Result<Option<String>, Refusal> {
    match parameters.optional("reason")? {
        Some(reason) if !REASONS.contains(&reason) => {
            let message = format!("Invalid reason: must be one of {}", REASONS.join(", "));
            Err(Refusal::invalid("reason", message))
        }
        reason => Ok(reason.map(str::to_owned)),
    }
}

/// A payment that was made.
struct Charged<'a> {
    paid: &'a Entry,
    charge: &'a str,
    payment_method: &'a str,
}

/// `paid` as a payment that was made, where it is one. It was asked for as `id`.
fn charged<'a>(paid: Option<&'a Entry>, id: &str) -> Result<Charged<'a>, Refusal> {
    match paid.map(|entry| (entry, &entry.kind)) {
        Some((paid, Kind::Charge { charge, payment_method })) => Ok(Charged { paid, charge, payment_method }),
        Some((_, Kind::Decline { .. } | Kind::Intent { .. })) => {
            let message = format!("This PaymentIntent ({id}) does not have a successful charge to refund.");
            Err(Refusal::invalid("payment_intent", message))
        }
        Some((_, Kind::Refund { .. })) | None => {
            let (status, param) = (StatusCode::NOT_FOUND, "payment_intent");
            Err(Refusal::no_such(status, "payment_intent", param, id))
        }
    }
}

fn amount(asked: Option<i64>, unrefunded: i64, charge: &str) -> Result<i64, Refusal> {
    if unrefunded == 0 {
        let message = format!("Charge {charge} has already been refunded.");
        return Err(Refusal::malformed(StatusCode::BAD_REQUEST, message).code("charge_already_refunded"));
    }
    match asked {
        Some(asked) if asked > unrefunded => {
            let message = format!("Refund amount ({asked}) is greater than unrefunded amount on charge ({unrefunded})");
            Err(Refusal::invalid("amount", message).code("amount_too_large"))
        }
        asked => Ok(asked.unwrap_or(unrefunded)),
    }
}
