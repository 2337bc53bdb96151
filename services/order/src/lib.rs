//! Orders: what was placed, how far it is, and its two ends.

mod adopted;
mod backward;
mod commands;
mod forward;
mod rows;

use chassis::Service;
use events::{
    InventoryReleased, InventoryReservationFailed, InventoryReserved, InventoryStocked, OrderCancelled, OrderCompleted,
    OrderCreated, OrderPaid, PaymentCompleted, ShippingScheduled,
};

/// The service: what it hears, and what it then says.
pub fn order() -> Service {
    Service::new("order")
        .answers("place", commands::place)
        .says::<OrderCreated>()
        .answers("get", commands::get)
        // Forward
        .on::<InventoryStocked>(forward::note_price)
        .on::<InventoryReserved>(forward::confirm_on_inventory_reserved)
        .says::<OrderPaid>()
        .says::<OrderCompleted>()
        .on::<PaymentCompleted>(forward::pay_on_payment_completed)
        .says::<OrderPaid>()
        .says::<OrderCompleted>()
        .on::<ShippingScheduled>(forward::complete_on_shipping_scheduled)
        .says::<OrderCompleted>()
        // Backward
        .on::<InventoryReservationFailed>(backward::cancel_on_reservation_failed)
        .says::<OrderCancelled>()
        .on::<InventoryReleased>(backward::cancel_on_inventory_released)
        .says::<OrderCancelled>()
        // Its own facts, said by somebody else
        .adopts::<OrderCreated>(adopted::created)
        .says::<OrderPaid>()
        .says::<OrderCompleted>()
        .says::<OrderCancelled>()
        .adopts::<OrderPaid>(adopted::paid)
        .adopts::<OrderCompleted>(adopted::completed)
        .adopts::<OrderCancelled>(adopted::cancelled)
}
