//! Orders: what was placed, how far it is, and its two ends.

mod adopted;
mod backward;
mod commands;
mod forward;
mod rows;
mod run;

pub use rows::Deadline;
pub use run::run;

use chassis::Service;
use events::{
    InventoryReleased, InventoryReservationFailed, InventoryReserved, InventoryStocked, OrderCancelRequested,
    OrderCancelled, OrderCompleted, OrderCreated, OrderPaid, PaymentCompleted, ShippingCancelRefused,
    ShippingDelivered, ShippingScheduled,
};

/// The service: what it hears, and what it then says. An order that has not come to its end within `deadline` is
/// cancelled.
pub fn order(deadline: Deadline) -> Service {
    Service::new("order")
        .answers("place", move |turn, command| commands::place(turn, command, deadline))
        .says::<OrderCreated>()
        .reminds(Deadline::NAME)
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
        .on::<ShippingDelivered>(forward::note_delivered)
        // Backward
        .answers("cancel", commands::cancel)
        .says::<OrderCancelRequested>()
        .reminded(Deadline::NAME, backward::cancel_on_deadline_passed)
        .says::<OrderCancelRequested>()
        .on::<ShippingCancelRefused>(backward::go_on_on_cancel_refused)
        .says::<OrderCompleted>()
        .on::<InventoryReservationFailed>(backward::cancel_on_reservation_failed)
        .says::<OrderCancelled>()
        .compensates::<OrderCreated>()
        .on::<InventoryReleased>(backward::cancel_on_inventory_released)
        .says::<OrderCancelled>()
        .compensates::<OrderCreated>()
        // Its own facts, said by somebody else
        .adopts::<OrderCreated>(move |turn, event| adopted::created(turn, event, deadline))
        .reminds(Deadline::NAME)
        .says::<OrderPaid>()
        .says::<OrderCompleted>()
        .says::<OrderCancelled>()
        .adopts::<OrderCancelRequested>(adopted::cancel_requested)
        .adopts::<OrderPaid>(adopted::paid)
        .adopts::<OrderCompleted>(adopted::completed)
        .adopts::<OrderCancelled>(adopted::cancelled)
}
