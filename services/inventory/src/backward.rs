//! The way back: what was held is free again, once, and a tombstone stays.

use chassis::{Turn, Unacceptable};
use events::{InventoryReleased, OrderId, PaymentFailed, PaymentRefunded, PaymentVoided};

use crate::rows::release;

pub fn release_on_payment_failed(turn: &mut Turn<'_>, event: &PaymentFailed) -> Result<(), Unacceptable> {
    release_and_say(turn, &event.order_id)
}

pub fn release_on_payment_refunded(turn: &mut Turn<'_>, event: &PaymentRefunded) -> Result<(), Unacceptable> {
    release_and_say(turn, &event.order_id)
}

pub fn release_on_payment_voided(turn: &mut Turn<'_>, event: &PaymentVoided) -> Result<(), Unacceptable> {
    release_and_say(turn, &event.order_id)
}

fn release_and_say(turn: &mut Turn<'_>, order_id: &OrderId) -> Result<(), Unacceptable> {
    if let Some((reservation_id, items)) = release(turn, order_id) {
        turn.emit(&InventoryReleased { order_id: order_id.clone(), reservation_id, items });
    }
    Ok(())
}
