//! What is ordered, and what then has to be said.

use serde_json::{Value, json};

/// What is said of an order that is fulfilled.
pub const FULFILLED: &[&str] = &[
    "order.created",
    "inventory.reserved",
    "payment.completed",
    "order.paid",
    "shipping.scheduled",
    "order.completed",
];

/// What is said of an order whose payment is declined.
pub const DECLINED: &[&str] =
    &["order.created", "inventory.reserved", "payment.failed", "inventory.released", "order.cancelled"];

/// What is said of an order that no carrier takes.
pub const UNSERVICEABLE: &[&str] = &[
    "order.created",
    "inventory.reserved",
    "payment.completed",
    "order.paid",
    "shipping.failed",
    "payment.refunded",
    "inventory.released",
    "order.cancelled",
];

/// What is said of an order for more than there is.
pub const OUT_OF_STOCK: &[&str] = &["order.created", "inventory.reservation_failed", "order.cancelled"];

/// The sku that most tests order, its price, and how many there are.
pub const WIDGET: &str = "widget";
pub const WIDGET_PRICE: i64 = 1999;
pub const WIDGETS: i64 = 20_000;

/// An order of `quantity` widgets that goes well.
pub fn order(quantity: i64) -> Value {
    json!({
        "customer_id": "alice",
        "items": [{"sku": WIDGET, "quantity": quantity}],
        "payment_method": "pm_card_visa",
        "ship_to": {
            "name": "Alice", "line1": "1 Main St", "city": "Springfield", "postal_code": "12345", "country": "US",
        },
    })
}

/// An order of one widget that is paid with `card`.
pub fn paid_with(card: &str) -> Value {
    let mut order = order(1);
    order["payment_method"] = json!(card);
    order
}

/// An order of one widget that no carrier takes.
pub fn unserviceable() -> Value {
    let mut order = order(1);
    order["ship_to"]["postal_code"] = json!("00000");
    order
}

/// The order of that `number`, with what has to be said of it: 70 % of them go well, 15 % are declined and 15 % are not
/// taken by a carrier. Each brings an idempotency key, so that it can be placed until it is answered.
pub fn mixed(number: usize) -> (Value, &'static [&'static str]) {
    let (mut order, said) = match number % 20 {
        3 | 9 | 16 => (paid_with("pm_card_declined"), DECLINED),
        6 | 13 | 19 => (unserviceable(), UNSERVICEABLE),
        _ => (order(1 + (number % 3) as i64), FULFILLED),
    };
    order["idempotency_key"] = json!(format!("mixed-{number}"));
    (order, said)
}

/// What is said of an order that is cancelled before stock is held for it.
pub const CANCELLED_PENDING: &[&str] = &[
    "order.created",
    "order.cancel_requested",
    "shipping.cancelled",
    "payment.voided",
    "inventory.reserved",
    "inventory.released",
    "order.cancelled",
];

/// What is said of an order that is cancelled while its payment waits for the gateway.
pub const CANCELLED_CONFIRMED: &[&str] = &[
    "order.created",
    "inventory.reserved",
    "order.cancel_requested",
    "shipping.cancelled",
    "payment.voided",
    "inventory.released",
    "order.cancelled",
];

/// What is said of an order that is cancelled before the order service hears that it is charged.
pub const CANCELLED_CHARGED: &[&str] = &[
    "order.created",
    "inventory.reserved",
    "payment.completed",
    "order.cancel_requested",
    "shipping.cancelled",
    "payment.refunded",
    "inventory.released",
    "order.cancelled",
];

/// What is said of an order that is cancelled before a carrier is asked, which is asked nevertheless.
pub const CANCELLED_PAID: &[&str] = &[
    "order.created",
    "inventory.reserved",
    "payment.completed",
    "order.paid",
    "order.cancel_requested",
    "shipping.scheduled",
    "shipping.cancelled",
    "payment.refunded",
    "inventory.released",
    "order.cancelled",
];

/// What is said of an order that is cancelled before the order service hears that a carrier took it.
pub const CANCELLED_SCHEDULED: &[&str] = &[
    "order.created",
    "inventory.reserved",
    "payment.completed",
    "order.paid",
    "shipping.scheduled",
    "order.cancel_requested",
    "shipping.cancelled",
    "payment.refunded",
    "inventory.released",
    "order.cancelled",
];

/// What is said of an order that should be cancelled when it has left the house.
pub const CANCEL_REFUSED: &[&str] = &[
    "order.created",
    "inventory.reserved",
    "payment.completed",
    "order.paid",
    "shipping.scheduled",
    "shipping.dispatched",
    "order.cancel_requested",
    "shipping.cancel_refused",
    "order.completed",
];

/// What is said of an order that reached the customer.
pub const DELIVERED: &[&str] = &[
    "order.created",
    "inventory.reserved",
    "payment.completed",
    "order.paid",
    "shipping.scheduled",
    "order.completed",
    "shipping.dispatched",
    "shipping.delivered",
];
