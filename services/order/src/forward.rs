//! The way to a fulfilled order.

use chassis::{Turn, Unacceptable};
use events::{InventoryReserved, InventoryStocked, PaymentCompleted, ShippingDelivered, ShippingScheduled};

use crate::rows::{Price, order};

pub fn note_price(turn: &mut Turn<'_>, event: &InventoryStocked) -> Result<(), Unacceptable> {
    let price = Price { name: event.name.clone(), unit_price: event.unit_price, currency: event.currency };
    turn.put(&event.sku, &price);
    Ok(())
}

pub fn confirm_on_inventory_reserved(turn: &mut Turn<'_>, event: &InventoryReserved) -> Result<(), Unacceptable> {
    let mut order = order(turn, &event.order_id);
    order.reserved = true;
    order.go_on(turn, &event.order_id);
    Ok(())
}

pub fn pay_on_payment_completed(turn: &mut Turn<'_>, event: &PaymentCompleted) -> Result<(), Unacceptable> {
    let mut order = order(turn, &event.order_id);
    order.charged = true;
    order.go_on(turn, &event.order_id);
    Ok(())
}

pub fn complete_on_shipping_scheduled(turn: &mut Turn<'_>, event: &ShippingScheduled) -> Result<(), Unacceptable> {
    let mut order = order(turn, &event.order_id);
    order.scheduled = true;
    order.go_on(turn, &event.order_id);
    Ok(())
}

pub fn note_delivered(turn: &mut Turn<'_>, event: &ShippingDelivered) -> Result<(), Unacceptable> {
    let mut order = order(turn, &event.order_id);
    order.delivered = true;
    turn.put(&event.order_id, &order);
    Ok(())
}
