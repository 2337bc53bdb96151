//! Facts of this service's own kind that it did not say itself: typed by hand, or said before its store was lost.

use chassis::{Turn, Unacceptable};
use events::{OrderCancelRequested, OrderCancelled, OrderCompleted, OrderCreated, OrderId, OrderPaid};

use crate::rows::{Deadline, End, Order, order};

/// Adopts the order as pending. Its prices are the ones that it came with.
pub fn created(turn: &mut Turn<'_>, event: &OrderCreated, deadline: Deadline) -> Result<(), Unacceptable> {
    let mut order = order(turn, &event.order_id);
    if order.placed.is_some() {
        return Err(Unacceptable::contradicts(format!("the order {} was placed before", event.order_id)));
    }
    order.placed = Some(event.clone());
    deadline.set(turn, &event.order_id);
    order.go_on(turn, &event.order_id);
    Ok(())
}

/// Somebody wants the order undone. One that was not placed yet is cancelled as soon as it is.
pub fn cancel_requested(turn: &mut Turn<'_>, event: &OrderCancelRequested) -> Result<(), Unacceptable> {
    let mut order = order(turn, &event.order_id);
    let too_late = !order.goes_on() || order.cancel_refused;
    if too_late && !turn.remembers() {
        let detail = format!("the order {} is {} and cannot be cancelled now", event.order_id, order.status());
        return Err(Unacceptable::contradicts(detail));
    }
    order.cancelling = Some(event.reason);
    turn.put(&event.order_id, &order);
    Ok(())
}

pub fn paid(turn: &mut Turn<'_>, event: &OrderPaid) -> Result<(), Unacceptable> {
    remember(turn, &event.order_id, |order| order.paid = true)
}

pub fn completed(turn: &mut Turn<'_>, event: &OrderCompleted) -> Result<(), Unacceptable> {
    remember(turn, &event.order_id, |order| order.end = Some(End::Completed))
}

pub fn cancelled(turn: &mut Turn<'_>, event: &OrderCancelled) -> Result<(), Unacceptable> {
    remember(turn, &event.order_id, |order| order.end = Some(End::Cancelled(event.reason)))
}

/// Takes back what an earlier self said. From anybody else it contradicts: these facts follow from others, and once they
/// do this service has said them.
fn remember(turn: &mut Turn<'_>, order_id: &OrderId, change: impl FnOnce(&mut Order)) -> Result<(), Unacceptable> {
    let mut order = order(turn, order_id);
    if !turn.remembers() || order.end.is_some() {
        let detail = format!("the order {order_id} is {}, and says itself what follows from that", order.status());
        return Err(Unacceptable::contradicts(detail));
    }
    change(&mut order);
    if order.end.is_some() {
        turn.forget(Deadline::NAME, order_id);
    }
    turn.put(order_id, &order);
    Ok(())
}
