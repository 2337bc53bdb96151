//! Shipping: where an order goes, and who brings it.

mod adopted;
mod carrier;
mod commands;
mod forward;
mod rows;

pub use carrier::LocalCarrier;
pub use forward::{Booking, BookingOutcome};

use chassis::Service;
use events::{OrderCreated, OrderPaid, ShippingFailed, ShippingScheduled};

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
        // Its own facts, said by somebody else
        .adopts::<ShippingScheduled>(adopted::scheduled)
        .adopts::<ShippingFailed>(adopted::failed)
}
