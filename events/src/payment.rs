//! What the payment service says.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Currency, MinorUnits, OrderId, RefundId, TransactionId, event::event};

/// The customer was charged, once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PaymentCompleted {
    /// The order.
    pub order_id: OrderId,
    /// The charge.
    pub transaction_id: TransactionId,
    /// Minor units.
    pub amount: MinorUnits,
    /// Of the amount.
    pub currency: Currency,
}
event!(PaymentCompleted, "payment.completed", order_id, Step);

/// The customer was not charged and will not be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PaymentFailed {
    /// The order.
    pub order_id: OrderId,
    /// In the gateway's words, `card_declined`.
    pub reason: String,
}
event!(PaymentFailed, "payment.failed", order_id, Failure);

/// The customer has the money back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PaymentRefunded {
    /// The order.
    pub order_id: OrderId,
    /// The charge.
    pub transaction_id: TransactionId,
    /// The refund.
    pub refund_id: RefundId,
    /// Minor units.
    pub amount: MinorUnits,
    /// Of the amount.
    pub currency: Currency,
}
event!(PaymentRefunded, "payment.refunded", order_id, Undo);

/// A refund that is wanted has been tried in vain for a while: somebody should look. It is tried again all the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PaymentRefundStuck {
    /// The order.
    pub order_id: OrderId,
    /// How often it was tried.
    pub attempts: u32,
    /// Why the last attempt was in vain.
    pub reason: String,
}
event!(PaymentRefundStuck, "payment.refund_stuck", order_id, News);

/// A promise: this order will never be charged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PaymentVoided {
    /// The order.
    pub order_id: OrderId,
}
event!(PaymentVoided, "payment.voided", order_id, Undo);
