//! The contract as types: every event, its subject, its versions and its golden JSON.
//!
//! Nothing here does I/O and nothing is async. An event is the same value whether it was said by a service, typed by
//! hand with the `nats` CLI, or read back from a file: [`encode`] and [`decode`] are the only way to and from the wire.

mod address;
mod catalogue;
mod customer;
mod envelope;
mod error;
mod event;
mod headers;
mod id;
mod inventory;
mod line;
mod money;
mod notification;
mod order;
mod order_created;
mod order_created_v1;
mod payment;
mod role;
mod schema;
mod shipping;
mod subject;

pub use address::Address;
pub use catalogue::{CATALOGUE, OLDER, Schema, TYPED};
pub use customer::{CustomerRegistered, CustomerUpdated};
pub use envelope::{Arrival, Envelope, child_trace, header, trace};
pub use error::Error;
pub use event::{Event, MAX_BODY_BYTES, decode, encode};
pub use headers::Headers;
pub use id::{
    CustomerId, EventId, Key, OrderId, PaymentMethod, RefundId, ReservationId, ShipmentId, Sku, TransactionId,
};
pub use inventory::{
    InventoryReleased, InventoryReservationFailed, InventoryReserved, InventoryStocked, ReservationFailure, Shortage,
};
pub use line::{Line, MAX_QUANTITY, Quantity, ReservedLine, total};
pub use money::{Currency, MinorUnits, Money};
pub use notification::{NotificationFailed, NotificationSent};
pub use order::{CancelReason, CancelRequestReason, OrderCancelRequested, OrderCancelled, OrderCompleted, OrderPaid};
pub use order_created::OrderCreated;
pub use payment::{PaymentCompleted, PaymentFailed, PaymentRefundStuck, PaymentRefunded, PaymentVoided};
pub use role::Role;
pub use shipping::{
    ShippingCancelRefused, ShippingCancelled, ShippingDelivered, ShippingDispatched, ShippingFailed, ShippingScheduled,
};
pub use subject::{DEAD_LETTERS, EVENTS, Subject, dead_letter_subject};
