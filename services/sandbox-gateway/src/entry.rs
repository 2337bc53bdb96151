//! One thing that really happened: a line of the ledger.
//!
//! A line holds all that its answer was made of, so that the answer can be given again from the line alone.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Free-form pairs that the client attaches to an object and gets back with it.
pub type Metadata = BTreeMap<String, String>;

/// One thing that really happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub kind: Kind,
    /// The object that the client was told of: `pi_…` for an intent, a charge or a decline, `re_…` for a refund.
    pub id: String,
    /// The client's key, if it sent one. No two entries share one.
    pub idempotency_key: Option<String>,
    /// A digest of the endpoint and the parameters: what the key was first used for.
    pub request: Uuid,
    /// `metadata[order_id]`; for a refund without one, that of the payment.
    pub order_id: Option<String>,
    /// Minor units of `currency`: intended, charged, declined or given back.
    pub amount: i64,
    /// ISO 4217, in lower case.
    pub currency: String,
    /// The client's own pairs.
    pub metadata: Metadata,
}

/// What happened, with what only this kind has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Kind {
    /// Money was taken.
    Charge {
        /// `ch_…`
        charge: String,
        /// The card that paid.
        payment_method: String,
    },
    /// The card said no, and no money moved.
    Decline {
        /// `ch_…`, the attempt.
        charge: String,
        /// The card that said no.
        payment_method: String,
    },
    /// A payment was begun and not confirmed: no card was asked, and no money moved.
    Intent {
        /// The card that it is meant for, if the client named one.
        payment_method: Option<String>,
    },
    /// Money was given back.
    Refund {
        /// The payment that it was taken by.
        payment_intent: String,
        /// The charge of that payment.
        charge: String,
        /// Stripe's word for why, if the client gave one.
        reason: Option<String>,
    },
}
