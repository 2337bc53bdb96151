//! `/v1/payment_intents`: charge a card.

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};

use crate::{
    ambient,
    cards::Verdict,
    entry::{Entry, Kind, Metadata},
    gateway::Gateway,
    idempotency::Key,
    ids,
    parameters::Parameters,
    refusal::Refusal,
    stripe,
};

/// Where payment intents live.
pub const ENDPOINT: &str = "/v1/payment_intents";

const KNOWN: &[&str] = &[
    "amount",
    "confirm",
    "currency",
    "error_on_requires_action",
    "metadata[",
    "payment_method",
    "payment_method_types[",
];

/// Charges a card, at most once per idempotency key.
pub async fn create(State(gateway): State<Gateway>, key: Key, parameters: Parameters) -> Result<Response, Refusal> {
    let request = parameters.digest(ENDPOINT);
    let cards = gateway.clone();
    let name = key.0.clone();
    gateway
        .once(&key, request, move |_| {
            let payment = Payment::read(&parameters)?;
            let verdict = cards.cards().ask(&payment.payment_method, name.as_deref())?;
            let charge = ids::object_id("ch", name.as_deref());
            let payment_method = payment.payment_method;
            let kind = match verdict {
                Verdict::Approved => Kind::Charge { charge, payment_method },
                Verdict::Declined => Kind::Decline { charge, payment_method },
            };
            Ok(Entry {
                at: ambient::now(),
                kind,
                id: ids::object_id("pi", name.as_deref()),
                idempotency_key: name,
                request,
                order_id: payment.metadata.get("order_id").cloned(),
                amount: payment.amount,
                currency: payment.currency,
                metadata: payment.metadata,
            })
        })
        .await
}

/// Shows a payment intent, charged or declined.
pub async fn show(State(gateway): State<Gateway>, Path(id): Path<String>) -> Result<Response, Refusal> {
    match gateway.book().by_id(&id) {
        Some(entry) if !matches!(entry.kind, Kind::Refund { .. }) => Ok(stripe::object(entry)),
        _ => Err(Refusal::no_such(StatusCode::NOT_FOUND, "payment_intent", "intent", &id)),
    }
}

struct Payment {
    amount: i64,
    currency: String,
    payment_method: String,
    metadata: Metadata,
}

impl Payment {
    fn read(parameters: &Parameters) -> Result<Self, Refusal> {
        parameters.only(KNOWN)?;
        let amount = parameters.amount()?.ok_or_else(|| Refusal::missing("amount"))?;
        let currency = parameters.required("currency")?;
        if currency.len() != 3 || !currency.bytes().all(|b| b.is_ascii_lowercase()) {
            let message = format!("Invalid currency: {currency}. Use a lower-case ISO 4217 code.");
            return Err(Refusal::invalid("currency", message));
        }
        let payment_method = parameters.required("payment_method")?;
        if parameters.required("confirm")? != "true" {
            let message = "This sandbox charges at once, or not at all: confirm must be true.";
            return Err(Refusal::invalid("confirm", message));
        }
        if !matches!(parameters.optional("error_on_requires_action")?, None | Some("true" | "false")) {
            let name = "error_on_requires_action";
            return Err(Refusal::invalid(name, "This value must be true or false."));
        }
        if let Some(other) = parameters.list("payment_method_types").find(|&kind| kind != "card") {
            let message = format!("The payment method type \"{other}\" is invalid: this sandbox has cards only.");
            return Err(Refusal::invalid("payment_method_types", message));
        }
        Ok(Self {
            amount,
            currency: currency.to_owned(),
            payment_method: payment_method.to_owned(),
            metadata: parameters.metadata(),
        })
    }
}
