//! Facts of this service's own kind that it did not say itself: typed by hand, or said before its store was lost.

use chassis::{Turn, Unacceptable};
use events::{OrderCancelled, OrderCompleted, OrderCreated, OrderId, OrderPaid};

use crate::rows::{End, Order, order};

/// Adopts the order as pending. Its prices are the ones that it came with.
pub fn created(turn: &mut Turn<'_>, event: &OrderCreated) -> Result<(), Unacceptable> {
    let mut order = order(turn, &event.order_id);
    if order.placed.is_some() {
        return Err(Unacceptable::contradicts(format!("the order {} was placed before", event.order_id)));
    }
    order.placed = Some(event.clone());
    order.go_on(turn, &event.order_id);
    Ok(())
}

pub fn paid(turn: &mut Turn<'_>, event: &OrderPaid) -> Result<(), Unacceptable> {
    let mut order = open(turn, &event.order_id)?;
    if !turn.remembers() && (!order.charged || order.undone.is_some()) {
        return Err(Unacceptable::contradicts(format!("the order {} is not charged", event.order_id)));
    }
    order.paid = true;
    turn.put(&event.order_id, &order);
    Ok(())
}

pub fn completed(turn: &mut Turn<'_>, event: &OrderCompleted) -> Result<(), Unacceptable> {
    let mut order = open(turn, &event.order_id)?;
    let possible = order.paid && order.scheduled;
    if !turn.remembers() && !possible {
        return Err(Unacceptable::contradicts(format!("the order {} is not paid and shipped", event.order_id)));
    }
    order.end = Some(End::Completed);
    turn.put(&event.order_id, &order);
    Ok(())
}

pub fn cancelled(turn: &mut Turn<'_>, event: &OrderCancelled) -> Result<(), Unacceptable> {
    let mut order = open(turn, &event.order_id)?;
    if !turn.remembers() && order.undone.is_none() {
        return Err(Unacceptable::contradicts(format!("nothing of the order {} is undone", event.order_id)));
    }
    order.end = Some(End::Cancelled(event.reason));
    turn.put(&event.order_id, &order);
    Ok(())
}

/// The order, if it was placed and has not ended. What an earlier self said of it needs no placing before.
fn open(turn: &Turn<'_>, order_id: &OrderId) -> Result<Order, Unacceptable> {
    let order = order(turn, order_id);
    match (&order.placed, order.end) {
        (None, _) if !turn.remembers() => Err(Unacceptable::contradicts(format!("there is no order {order_id}"))),
        (_, Some(_)) => Err(Unacceptable::contradicts(format!("the order {order_id} is {}", order.status()))),
        (_, None) => Ok(order),
    }
}
