//! Which mails there are, and what each is about.

use std::fmt;

use events::{CancelReason, ShipmentId};
use serde::{Deserialize, Serialize};

/// How the customer is told: the contract's word for mail.
pub const CHANNEL: &str = "email";

/// A text, one for each kind of event that a customer is told of. An order has at most one mail of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Template {
    /// It is paid, and a shipment is booked.
    OrderCompleted,
    /// It is undone.
    OrderCancelled,
    /// It could not be charged.
    PaymentFailed,
    /// It left the house.
    ShippingDispatched,
    /// It is there.
    ShippingDelivered,
}

impl Template {
    const ALL: [Template; 5] = [
        Template::OrderCompleted,
        Template::OrderCancelled,
        Template::PaymentFailed,
        Template::ShippingDispatched,
        Template::ShippingDelivered,
    ];

    /// The template of this name; none where this version of the service has none.
    pub fn named(name: &str) -> Option<Template> {
        Template::ALL.into_iter().find(|template| template.name() == name)
    }

    /// The event that it tells of, as one word.
    pub fn name(self) -> &'static str {
        match self {
            Template::OrderCompleted => "order_completed",
            Template::OrderCancelled => "order_cancelled",
            Template::PaymentFailed => "payment_failed",
            Template::ShippingDispatched => "shipping_dispatched",
            Template::ShippingDelivered => "shipping_delivered",
        }
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Something that a customer is told of, with what the text needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "what")]
pub enum News {
    OrderCompleted,
    OrderCancelled { reason: CancelReason },
    PaymentFailed { reason: String },
    ShippingDispatched { shipment_id: ShipmentId },
    ShippingDelivered { shipment_id: ShipmentId },
}

impl News {
    /// The text that tells of it.
    pub fn template(&self) -> Template {
        match self {
            News::OrderCompleted => Template::OrderCompleted,
            News::OrderCancelled { .. } => Template::OrderCancelled,
            News::PaymentFailed { .. } => Template::PaymentFailed,
            News::ShippingDispatched { .. } => Template::ShippingDispatched,
            News::ShippingDelivered { .. } => Template::ShippingDelivered,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_said_and_stored_under_its_name() {
        for template in Template::ALL {
            assert_eq!(Template::named(template.name()), Some(template));
            assert_eq!(serde_json::to_string(&template).unwrap(), format!("\"{template}\""));
        }
        assert_eq!(Template::named("newsletter"), None);
    }
}
