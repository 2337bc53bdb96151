//! The way back: a parcel that is still in the house stays there.

use chassis::{Turn, Unacceptable};
use events::{OrderCancelRequested, ShippingCancelRefused};

use crate::rows::{State, shipment};

pub fn cancel_on_cancel_requested(turn: &mut Turn<'_>, event: &OrderCancelRequested) -> Result<(), Unacceptable> {
    let shipment = shipment(turn, &event.order_id);
    match shipment.state {
        State::Dispatched(parcel) | State::Delivered(parcel) => {
            let shipment_id = parcel.shipment_id;
            turn.emit(&ShippingCancelRefused { order_id: event.order_id.clone(), shipment_id });
        }
        _ => shipment.undo(turn, &event.order_id),
    }
    Ok(())
}
