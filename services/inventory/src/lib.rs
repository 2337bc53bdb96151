//! Inventory: what is there, what is held for whom, and what it costs.

mod adopted;
mod backward;
mod commands;
mod forward;
mod rows;
mod run;

pub use run::run;

use chassis::Service;
use events::{
    InventoryReleased, InventoryReservationFailed, InventoryReserved, InventoryStocked, OrderCreated, PaymentFailed,
    PaymentRefunded, PaymentVoided, ShippingDispatched,
};

/// The service: what it hears, and what it then says.
pub fn inventory() -> Service {
    Service::new("inventory")
        .answers("stock", commands::stock)
        .says::<InventoryStocked>()
        .answers("get", commands::get)
        // Forward
        .on::<OrderCreated>(forward::reserve_on_order_created)
        .says::<InventoryReserved>()
        .says::<InventoryReservationFailed>()
        .on::<ShippingDispatched>(forward::let_go_on_shipping_dispatched)
        // Backward
        .on::<PaymentFailed>(backward::release_on_payment_failed)
        .says::<InventoryReleased>()
        .compensates::<InventoryReserved>()
        .on::<PaymentRefunded>(backward::release_on_payment_refunded)
        .says::<InventoryReleased>()
        .compensates::<InventoryReserved>()
        .on::<PaymentVoided>(backward::release_on_payment_voided)
        .says::<InventoryReleased>()
        .compensates::<InventoryReserved>()
        // Its own facts, said by somebody else
        .adopts::<InventoryStocked>(adopted::stocked)
        .adopts::<InventoryReserved>(adopted::reserved)
        .adopts::<InventoryReservationFailed>(adopted::reservation_failed)
        .adopts::<InventoryReleased>(adopted::released)
}
