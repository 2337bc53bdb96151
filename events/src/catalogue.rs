//! All events, in the order of the contract.

use crate::*;

/// An event's type with the version that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schema {
    /// `order.created`.
    pub kind: &'static str,
    /// The newest version.
    pub version: u32,
}

const fn schema<E: Event>() -> Schema {
    Schema { kind: E::TYPE, version: E::VERSION }
}

/// All events, in the order of the contract.
pub const CATALOGUE: &[Schema] = &[
    schema::<CustomerRegistered>(),
    schema::<CustomerUpdated>(),
    schema::<InventoryStocked>(),
    schema::<OrderCreated>(),
    schema::<OrderPaid>(),
    schema::<OrderCompleted>(),
    schema::<OrderCancelRequested>(),
    schema::<OrderCancelled>(),
    schema::<InventoryReserved>(),
    schema::<InventoryReservationFailed>(),
    schema::<InventoryReleased>(),
    schema::<PaymentCompleted>(),
    schema::<PaymentFailed>(),
    schema::<PaymentRefunded>(),
    schema::<PaymentRefundStuck>(),
    schema::<PaymentVoided>(),
    schema::<ShippingScheduled>(),
    schema::<ShippingFailed>(),
    schema::<ShippingCancelled>(),
    schema::<ShippingCancelRefused>(),
    schema::<ShippingDispatched>(),
    schema::<ShippingDelivered>(),
    schema::<NotificationSent>(),
    schema::<NotificationFailed>(),
];
