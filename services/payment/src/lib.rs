//! Payments: what an order owes, whether it was charged, and whether the customer has the money back.

mod adopted;
mod backward;
mod commands;
mod forward;
mod gateway;
mod rows;
mod run;
mod stuck;
mod void;

pub use backward::{Refund, RefundOutcome};
pub use forward::{Charge, ChargeOutcome};
pub use gateway::{Gateway, Unusable};
pub use rows::Due;
pub use run::run;
pub use void::{Void, VoidOutcome};

use chassis::Service;
use events::{
    InventoryReserved, OrderCreated, PaymentCompleted, PaymentFailed, PaymentRefundStuck, PaymentRefunded,
    PaymentVoided, ShippingCancelled, ShippingDispatched, ShippingFailed,
};

/// The service: what it hears, and what it then says and asks of the gateway.
pub fn payment() -> Service {
    Service::new("payment")
        .answers("get", commands::get)
        // Forward
        .on::<OrderCreated>(forward::note_amount_due)
        .performs::<Charge>()
        .performs::<Refund>()
        .on::<InventoryReserved>(forward::charge_on_inventory_reserved)
        .performs::<Charge>()
        .settles::<Charge>(forward::record_charge)
        .says::<PaymentCompleted>()
        .says::<PaymentFailed>()
        .on::<ShippingDispatched>(forward::close_on_shipping_dispatched)
        // Backward
        .on::<ShippingFailed>(backward::undo_on_shipping_failed)
        .says::<PaymentVoided>()
        .performs::<Void>()
        .performs::<Refund>()
        .compensates::<PaymentCompleted>()
        .on::<ShippingCancelled>(backward::undo_on_shipping_cancelled)
        .says::<PaymentVoided>()
        .performs::<Void>()
        .performs::<Refund>()
        .compensates::<PaymentCompleted>()
        .settles::<Void>(void::record_void)
        .says::<PaymentVoided>()
        .says::<PaymentCompleted>()
        .says::<PaymentFailed>()
        .performs::<Refund>()
        .settles::<Refund>(backward::record_refund)
        .says::<PaymentRefunded>()
        // A refund that keeps failing
        .struggles::<Refund>(stuck::say_refund_is_stuck)
        .says::<PaymentRefundStuck>()
        .answers("settle", commands::settle)
        .says::<PaymentRefunded>()
        // Its own facts, said by somebody else
        .adopts::<PaymentCompleted>(adopted::completed)
        .performs::<Refund>()
        .adopts::<PaymentFailed>(adopted::failed)
        .adopts::<PaymentRefundStuck>(adopted::refund_stuck)
        .adopts::<PaymentRefunded>(adopted::refunded)
        .adopts::<PaymentVoided>(adopted::voided)
}
