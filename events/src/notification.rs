//! What the notification service says. Nobody's saga depends on it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{OrderId, event::event};

/// The customer was told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotificationSent {
    /// The order.
    pub order_id: OrderId,
    /// `email`.
    pub channel: String,
    /// Which text.
    pub template: String,
}
event!(NotificationSent, "notification.sent", order_id, News);

/// The customer could not be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotificationFailed {
    /// The order.
    pub order_id: OrderId,
    /// `email`.
    pub channel: String,
    /// Which text.
    pub template: String,
    /// Why.
    pub reason: String,
}
event!(NotificationFailed, "notification.failed", order_id, News);
