//! What the order service says after an order was placed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{OrderId, event::event};

/// Why an order was cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CancelReason {
    /// Not every line could be held.
    OutOfStock,
    /// The charge was declined.
    PaymentDeclined,
    /// No carrier took it.
    ShippingFailed,
    /// The customer wanted it so.
    CustomerRequest,
    /// It took longer than an order may.
    DeadlinePassed,
}

/// Why a cancellation was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CancelRequestReason {
    /// The customer wants it so.
    CustomerRequest,
    /// It takes longer than an order may.
    DeadlinePassed,
}

/// The order is paid and still wanted: it may be shipped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OrderPaid {
    /// The order.
    pub order_id: OrderId,
}
event!(OrderPaid, "order.paid", order_id, Answer);

/// Terminal: the shipment is booked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OrderCompleted {
    /// The order.
    pub order_id: OrderId,
}
event!(OrderCompleted, "order.completed", order_id, End);

/// Somebody wants the order undone: the backward chain starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OrderCancelRequested {
    /// The order.
    pub order_id: OrderId,
    /// Who wants it.
    pub reason: CancelRequestReason,
}
event!(OrderCancelRequested, "order.cancel_requested", order_id, Failure);

/// Terminal: everything that was done for the order is undone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OrderCancelled {
    /// The order.
    pub order_id: OrderId,
    /// Why.
    pub reason: CancelReason,
}
event!(OrderCancelled, "order.cancelled", order_id, End);
