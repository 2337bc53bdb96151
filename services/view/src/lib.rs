//! The read side: everything that was said, folded into one row per order and totals per day.
//!
//! Invariant: the rows depend on the stream and on nothing else. Forgotten and heard again, they are the same. It says
//! nothing and asks nobody for anything.

mod backward;
mod beside;
mod commands;
mod fold;
mod forward;
mod index;
mod rows;
mod run;
mod sheets;
mod standing;
mod timeline;
mod totals;

pub use run::run;

use chassis::Service;
use events::{
    CustomerRegistered, CustomerUpdated, InventoryReleased, InventoryReservationFailed, InventoryReserved,
    InventoryStocked, NotificationFailed, NotificationSent, OrderCancelRequested, OrderCancelled, OrderCompleted,
    OrderCreated, OrderPaid, PaymentCompleted, PaymentFailed, PaymentRefundStuck, PaymentRefunded, PaymentVoided,
    ShippingCancelRefused, ShippingCancelled, ShippingDelivered, ShippingDispatched, ShippingFailed, ShippingScheduled,
};

/// The service: it hears every event of the contract.
pub fn view() -> Service {
    Service::new("view")
        .answers("order", commands::order::show)
        .answers("orders", commands::orders::list)
        .answers("stats", commands::stats::sum_up)
        .answers("rebuild", commands::rebuild::start_over)
        // Forward
        .on::<OrderCreated>(forward::placed)
        .on::<InventoryReserved>(forward::reserved)
        .on::<PaymentCompleted>(forward::charged)
        .on::<OrderPaid>(forward::paid)
        .on::<ShippingScheduled>(forward::scheduled)
        .on::<OrderCompleted>(forward::completed)
        .on::<ShippingDispatched>(forward::dispatched)
        .on::<ShippingDelivered>(forward::delivered)
        // Backward
        .on::<InventoryReservationFailed>(backward::short)
        .on::<PaymentFailed>(backward::declined)
        .on::<ShippingFailed>(backward::unserviceable)
        .on::<OrderCancelRequested>(backward::cancel_requested)
        .on::<ShippingCancelRefused>(backward::cancel_refused)
        .on::<ShippingCancelled>(backward::unshipped)
        .on::<PaymentRefundStuck>(backward::refund_stuck)
        .on::<PaymentRefunded>(backward::refunded)
        .on::<PaymentVoided>(backward::voided)
        .on::<InventoryReleased>(backward::released)
        .on::<OrderCancelled>(backward::cancelled)
        // Beside the sagas
        .on::<NotificationSent>(beside::notified)
        .on::<NotificationFailed>(beside::not_notified)
        .on::<InventoryStocked>(beside::stocked)
        .on::<CustomerRegistered>(beside::registered)
        .on::<CustomerUpdated>(beside::updated)
}

#[cfg(test)]
mod tests {
    use chassis::Trigger;

    use super::*;

    #[test]
    fn it_hears_every_event_of_the_contract_and_says_nothing() {
        let view = view();
        let mut heard: Vec<_> =
            view.reactions().filter(|it| it.trigger == Trigger::Event).map(|it| it.hears.clone()).collect();
        let mut all: Vec<_> = events::CATALOGUE.iter().map(|schema| schema.kind.to_owned()).collect();
        heard.sort();
        all.sort();
        assert_eq!(heard, all);
        assert!(view.reactions().all(|it| it.says.is_empty() && it.performs.is_empty() && it.reminds.is_empty()));
        assert!(!view.owns_events());
    }
}
