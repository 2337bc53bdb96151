//! What the shipping service says.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{OrderId, ShipmentId, event::event};

/// A carrier took the order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ShippingScheduled {
    /// The order.
    pub order_id: OrderId,
    /// The shipment.
    pub shipment_id: ShipmentId,
    /// Who brings it.
    pub carrier: String,
    /// When it should arrive.
    pub eta: Timestamp,
}
event!(ShippingScheduled, "shipping.scheduled", order_id, Step);

/// No carrier takes the order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ShippingFailed {
    /// The order.
    pub order_id: OrderId,
    /// Why, `unserviceable_address`.
    pub reason: String,
}
event!(ShippingFailed, "shipping.failed", order_id, Failure);

/// Nothing is sent for the order and nothing will be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ShippingCancelled {
    /// The order.
    pub order_id: OrderId,
    /// The shipment, where one was booked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shipment_id: Option<ShipmentId>,
}
event!(ShippingCancelled, "shipping.cancelled", order_id, Undo);

/// Too late: the parcel is on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ShippingCancelRefused {
    /// The order.
    pub order_id: OrderId,
    /// The shipment.
    pub shipment_id: ShipmentId,
}
event!(ShippingCancelRefused, "shipping.cancel_refused", order_id, Answer);

/// The parcel left the house.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ShippingDispatched {
    /// The order.
    pub order_id: OrderId,
    /// The shipment.
    pub shipment_id: ShipmentId,
}
event!(ShippingDispatched, "shipping.dispatched", order_id, News);

/// The parcel is at its address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ShippingDelivered {
    /// The order.
    pub order_id: OrderId,
    /// The shipment.
    pub shipment_id: ShipmentId,
}
event!(ShippingDelivered, "shipping.delivered", order_id, News);
