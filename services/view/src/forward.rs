//! What the way to a fulfilled order tells.

use chassis::{Turn, Unacceptable};
use events::{
    InventoryReserved, OrderCompleted, OrderCreated, OrderPaid, PaymentCompleted, ShippingDelivered,
    ShippingDispatched, ShippingScheduled,
};

use crate::{
    fold::tell,
    rows::{End, Fact, Placed},
};

/// An order is placed once: what somebody types under its id later is a line of its timeline and changes nothing else.
pub fn placed(turn: &mut Turn<'_>, event: &OrderCreated) -> Result<(), Unacceptable> {
    let OrderCreated { customer_id, total, currency, .. } = event.clone();
    let placed = Placed { customer_id, total, currency, at: turn.now() };
    tell(turn, event, None, |order| order.place(placed))
}

pub fn reserved(turn: &mut Turn<'_>, event: &InventoryReserved) -> Result<(), Unacceptable> {
    tell(turn, event, None, |order| order.note(Fact::Reserved))
}

pub fn charged(turn: &mut Turn<'_>, event: &PaymentCompleted) -> Result<(), Unacceptable> {
    tell(turn, event, None, |order| order.note(Fact::Charged))
}

pub fn paid(turn: &mut Turn<'_>, event: &OrderPaid) -> Result<(), Unacceptable> {
    tell(turn, event, None, |order| order.note(Fact::Paid))
}

pub fn scheduled(turn: &mut Turn<'_>, event: &ShippingScheduled) -> Result<(), Unacceptable> {
    tell(turn, event, None, |order| order.note(Fact::Scheduled))
}

pub fn completed(turn: &mut Turn<'_>, event: &OrderCompleted) -> Result<(), Unacceptable> {
    let end = End { cancelled: None, at: turn.now() };
    tell(turn, event, None, |order| order.end(end))
}

pub fn dispatched(turn: &mut Turn<'_>, event: &ShippingDispatched) -> Result<(), Unacceptable> {
    tell(turn, event, None, |order| order.note(Fact::Dispatched))
}

pub fn delivered(turn: &mut Turn<'_>, event: &ShippingDelivered) -> Result<(), Unacceptable> {
    tell(turn, event, None, |order| order.note(Fact::Delivered))
}
