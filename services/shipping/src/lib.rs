//! Shipping: where an order goes, and who brings it.

mod adopted;
mod backward;
mod carrier;
mod commands;
mod forward;
mod rows;
mod run;

pub use carrier::LocalCarrier;
pub use forward::{Booking, BookingOutcome};
pub use run::run;

use chassis::Service;
use events::{
    OrderCancelRequested, OrderCreated, OrderPaid, ShippingCancelRefused, ShippingCancelled, ShippingDelivered,
    ShippingDispatched, ShippingFailed, ShippingScheduled,
};

/// The service: what it hears, and what it then says and asks of the carrier.
pub fn shipping() -> Service {
    Service::new("shipping")
        .answers("get", commands::get)
        // Forward; that no carrier takes it is where the way back starts
        .on::<OrderCreated>(forward::note_address)
        .performs::<Booking>()
        .on::<OrderPaid>(forward::book_on_order_paid)
        .performs::<Booking>()
        .settles::<Booking>(forward::record_booking)
        .says::<ShippingScheduled>()
        .says::<ShippingFailed>()
        .says::<ShippingCancelled>()
        .compensates::<ShippingScheduled>()
        .answers("dispatch", commands::dispatch)
        .says::<ShippingDispatched>()
        .answers("deliver", commands::deliver)
        .says::<ShippingDelivered>()
        // Backward
        .on::<OrderCancelRequested>(backward::cancel_on_cancel_requested)
        .says::<ShippingCancelled>()
        .says::<ShippingCancelRefused>()
        .compensates::<ShippingScheduled>()
        // Its own facts, said by somebody else
        .adopts::<ShippingScheduled>(adopted::scheduled)
        .adopts::<ShippingFailed>(adopted::failed)
        .adopts::<ShippingCancelled>(adopted::cancelled)
        .adopts::<ShippingCancelRefused>(adopted::cancel_refused)
        .adopts::<ShippingDispatched>(adopted::dispatched)
        .adopts::<ShippingDelivered>(adopted::delivered)
}
