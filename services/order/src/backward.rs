//! The way back, from both ends: an order that is to be undone, and one of which nothing is held any more.

use chassis::{Turn, Unacceptable};
use events::{
    CancelReason, CancelRequestReason, InventoryReleased, InventoryReservationFailed, OrderId, ShippingCancelRefused,
};

use crate::rows::{End, Order, order};

/// An order that is late is undone, unless it is on its way back or to the customer already.
pub fn cancel_on_deadline_passed(turn: &mut Turn<'_>, order_id: &str) -> Result<(), Unacceptable> {
    let order_id = OrderId::try_from(order_id).map_err(Unacceptable::contradicts)?;
    let order = order(turn, &order_id);
    if order.placed.is_some() && order.goes_on() && !order.cancel_refused {
        order.request_cancel(turn, &order_id, CancelRequestReason::DeadlinePassed);
    }
    Ok(())
}

/// Too late to undo it: what was held back while it was to be undone is said now.
pub fn go_on_on_cancel_refused(turn: &mut Turn<'_>, event: &ShippingCancelRefused) -> Result<(), Unacceptable> {
    let mut order = order(turn, &event.order_id);
    order.cancelling = None;
    order.cancel_refused = true;
    order.go_on(turn, &event.order_id);
    Ok(())
}

pub fn cancel_on_reservation_failed(
    turn: &mut Turn<'_>,
    event: &InventoryReservationFailed,
) -> Result<(), Unacceptable> {
    cancel(turn, &event.order_id, |_| CancelReason::OutOfStock)
}

/// Why it was released: because somebody wanted it so, or else it follows from how far the order was, since what is paid
/// fails at shipping, and what is not at payment.
pub fn cancel_on_inventory_released(turn: &mut Turn<'_>, event: &InventoryReleased) -> Result<(), Unacceptable> {
    cancel(turn, &event.order_id, |order| match order.cancelling {
        Some(CancelRequestReason::CustomerRequest) => CancelReason::CustomerRequest,
        Some(CancelRequestReason::DeadlinePassed) => CancelReason::DeadlinePassed,
        None if order.paid => CancelReason::ShippingFailed,
        None => CancelReason::PaymentDeclined,
    })
}

fn cancel(
    turn: &mut Turn<'_>,
    order_id: &OrderId,
    reason: impl FnOnce(&Order) -> CancelReason,
) -> Result<(), Unacceptable> {
    let mut order = order(turn, order_id);
    if order.end == Some(End::Completed) {
        return Err(Unacceptable::contradicts(format!("the order {order_id} is completed")));
    }
    order.undone = Some(order.undone.unwrap_or_else(|| reason(&order)));
    order.go_on(turn, order_id);
    Ok(())
}
