//! The way to a fulfilled order: all lines are held, or none; and what is held leaves the house.

use chassis::{Turn, Unacceptable};
use events::{
    InventoryReservationFailed, InventoryReserved, OrderCreated, ReservationFailure, ReservationId, ReservedLine,
    ShippingDispatched,
};

use crate::rows::{Reservation, Stock, hold, per_sku, shortages};

pub fn reserve_on_order_created(turn: &mut Turn<'_>, event: &OrderCreated) -> Result<(), Unacceptable> {
    if turn.row::<Reservation>(&event.order_id).is_some() {
        // Decided before, or undone before it was done: the late event changes nothing.
        return Ok(());
    }
    let order_id = event.order_id.clone();
    let wanted = per_sku(event.items.iter().map(|line| (&line.sku, line.quantity)));
    let shortages = shortages(turn, &wanted);
    if !shortages.is_empty() {
        turn.put(&order_id, &Reservation::Failed);
        turn.emit(&InventoryReservationFailed { order_id, reason: ReservationFailure::OutOfStock, shortages });
        return Ok(());
    }
    hold(turn, &wanted);
    let reservation_id = ReservationId::from(turn.new_id("reservation"));
    let line = |line: &events::Line| ReservedLine { sku: line.sku.clone(), quantity: line.quantity };
    let items: Vec<_> = event.items.iter().map(line).collect();
    turn.put(&order_id, &Reservation::Held { reservation_id: reservation_id.clone(), items: items.clone() });
    turn.emit(&InventoryReserved { order_id, reservation_id, items });
    Ok(())
}

pub fn let_go_on_shipping_dispatched(turn: &mut Turn<'_>, event: &ShippingDispatched) -> Result<(), Unacceptable> {
    let (reservation_id, items) = match turn.row::<Reservation>(&event.order_id) {
        Some(Reservation::Held { reservation_id, items }) => (reservation_id, items),
        Some(Reservation::Left { .. }) => return Ok(()),
        Some(Reservation::Failed | Reservation::Released { .. }) | None => {
            return Err(Unacceptable::contradicts(format!("nothing is held for the order {}", event.order_id)));
        }
    };
    for (sku, quantity) in per_sku(items.iter().map(|line| (&line.sku, line.quantity))) {
        if let Some(mut stock) = turn.row::<Stock>(sku) {
            stock.held -= quantity;
            stock.left += quantity;
            turn.put(sku, &stock);
        }
    }
    turn.put(&event.order_id, &Reservation::Left { reservation_id, items });
    Ok(())
}
