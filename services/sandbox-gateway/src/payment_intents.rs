//! `/v1/payment_intents`: charge a card, or only say that it is meant to be charged.

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};

use crate::{
    ambient,
    cards::{Cards, Verdict},
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

/// Charges a card with `confirm`, and writes the intent down without; at most once per idempotency key.
pub async fn create(State(gateway): State<Gateway>, key: Key, parameters: Parameters) -> Result<Response, Refusal> {
    let request = parameters.digest(ENDPOINT);
    let cards = gateway.clone();
    let name = key.0.clone();
    gateway
        .once(&key, request, move |_| {
            let payment = Payment::read(&parameters)?;
            Ok(Entry {
                at: ambient::now(),
                kind: decide(payment.step, cards.cards(), name.as_deref())?,
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

/// Shows a payment intent: charged, declined or not confirmed.
pub async fn show(State(gateway): State<Gateway>, Path(id): Path<String>) -> Result<Response, Refusal> {
    let entry = gateway.book().by_id(&id)?;
    match entry {
        Some(entry) if !matches!(entry.kind, Kind::Refund { .. }) => Ok(stripe::object(&entry)),
        _ => Err(Refusal::no_such(StatusCode::NOT_FOUND, "payment_intent", "intent", &id)),
    }
}

struct Payment {
    amount: i64,
    currency: String,
    step: Step,
    metadata: Metadata,
}

/// How far a payment is to go with this request.
enum Step {
    Charge { payment_method: String },
    Intend { payment_method: Option<String> },
}

fn decide(step: Step, cards: &Cards, key: Option<&str>) -> Result<Kind, Refusal> {
    let payment_method = match step {
        Step::Charge { payment_method } => payment_method,
        Step::Intend { payment_method } => return Ok(Kind::Intent { payment_method }),
    };
    let charge = ids::object_id("ch", key);
    Ok(match cards.ask(&payment_method, key)? {
        Verdict::Approved => Kind::Charge { charge, payment_method },
        Verdict::Declined => Kind::Decline { charge, payment_method },
    })
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
        let step = Step::read(parameters)?;
        if let Some(other) = parameters.list("payment_method_types").find(|&kind| kind != "card") {
            let message = format!("The payment method type \"{other}\" is invalid: this sandbox has cards only.");
            return Err(Refusal::invalid("payment_method_types", message));
        }
        Ok(Self { amount, currency: currency.to_owned(), step, metadata: parameters.metadata() })
    }
}

impl Step {
    fn read(parameters: &Parameters) -> Result<Self, Refusal> {
        let confirm = parameters.flag("confirm")?;
        let name = "error_on_requires_action";
        match (confirm.unwrap_or(false), parameters.flag(name)?) {
            (true, _) => Ok(Self::Charge { payment_method: parameters.required("payment_method")?.to_owned() }),
            (false, None) => {
                Ok(Self::Intend { payment_method: parameters.optional("payment_method")?.map(str::to_owned) })
            }
            (false, Some(_)) => Err(Refusal::invalid(name, format!("{name} goes with confirm=true only."))),
        }
    }
}
