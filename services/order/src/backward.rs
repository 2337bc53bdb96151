//! The end of the way back: nothing is held, so the order is cancelled.

use chassis::{Turn, Unacceptable};
use events::{CancelReason, InventoryReleased, InventoryReservationFailed, OrderId};

use crate::rows::{End, order};

pub fn cancel_on_reservation_failed(
    turn: &mut Turn<'_>,
    event: &InventoryReservationFailed,
) -> Result<(), Unacceptable> {
    cancel(turn, &event.order_id, |_| CancelReason::OutOfStock)
}

/// Why it was released follows from how far the order was: what is paid fails at shipping, what is not at payment.
pub fn cancel_on_inventory_released(turn: &mut Turn<'_>, event: &InventoryReleased) -> Result<(), Unacceptable> {
    cancel(turn, &event.order_id, |paid| match paid {
        true => CancelReason::ShippingFailed,
        false => CancelReason::PaymentDeclined,
    })
}

fn cancel(
    turn: &mut Turn<'_>,
    order_id: &OrderId,
    reason: impl FnOnce(bool) -> CancelReason,
) -> Result<(), Unacceptable> {
    let mut order = order(turn, order_id);
    if order.end == Some(End::Completed) {
        return Err(Unacceptable::contradicts(format!("the order {order_id} is completed")));
    }
    order.undone = Some(order.undone.unwrap_or(reason(order.paid)));
    order.go_on(turn, order_id);
    Ok(())
}
