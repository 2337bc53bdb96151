//! Facts of this service's own kind that it did not say itself: typed by hand, or said before its store was lost.

use chassis::{Turn, Unacceptable};
use events::{InventoryReleased, InventoryReservationFailed, InventoryReserved, InventoryStocked};

use crate::{
    commands::add,
    rows::{Reservation, hold, per_sku, release, shortages},
};

/// Units came in.
pub fn stocked(turn: &mut Turn<'_>, event: &InventoryStocked) -> Result<(), Unacceptable> {
    add(turn, event);
    Ok(())
}

/// Holds what the fact says is held, where it can be.
pub fn reserved(turn: &mut Turn<'_>, event: &InventoryReserved) -> Result<(), Unacceptable> {
    undecided(turn, &event.order_id)?;
    let wanted = per_sku(event.items.iter().map(|line| (&line.sku, line.quantity)));
    if let Some(short) = shortages(turn, &wanted).first() {
        let detail = format!("there are {} of {} and {} should be held", short.available, short.sku, short.requested);
        return Err(Unacceptable::contradicts(detail));
    }
    hold(turn, &wanted);
    let held = Reservation::Held { reservation_id: event.reservation_id.clone(), items: event.items.clone() };
    turn.put(&event.order_id, &held);
    Ok(())
}

pub fn reservation_failed(turn: &mut Turn<'_>, event: &InventoryReservationFailed) -> Result<(), Unacceptable> {
    undecided(turn, &event.order_id)?;
    turn.put(&event.order_id, &Reservation::Failed);
    Ok(())
}

/// Nothing will be held for the order. What is held is free only when the payment is undone, and then this service says
/// so itself.
pub fn released(turn: &mut Turn<'_>, event: &InventoryReleased) -> Result<(), Unacceptable> {
    if let (false, Some(Reservation::Held { .. })) = (turn.remembers(), turn.row(&event.order_id)) {
        let detail = format!("the payment of the order {} is not undone", event.order_id);
        return Err(Unacceptable::contradicts(detail));
    }
    match release(turn, &event.order_id) {
        Some((_, items)) if items == event.items => Ok(()),
        Some(_) => Err(Unacceptable::contradicts(format!("the order {} holds something else", event.order_id))),
        None => Err(Unacceptable::contradicts(format!("the order {} holds nothing any more", event.order_id))),
    }
}

fn undecided(turn: &Turn<'_>, order_id: &events::OrderId) -> Result<(), Unacceptable> {
    match turn.row::<Reservation>(order_id) {
        None => Ok(()),
        Some(_) => Err(Unacceptable::contradicts(format!("the reservation of the order {order_id} is decided"))),
    }
}
