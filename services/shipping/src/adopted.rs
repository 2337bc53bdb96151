//! Facts of this service's own kind that it did not say itself: typed by hand, or said before its store was lost.

use chassis::{Turn, Unacceptable};
use events::{
    OrderId, ShipmentId, ShippingCancelRefused, ShippingCancelled, ShippingDelivered, ShippingDispatched,
    ShippingFailed, ShippingScheduled,
};

use crate::{
    forward::Booking,
    rows::{Parcel, Shipment, State, shipment},
};

/// A carrier took the order elsewhere: it is not booked here.
pub fn scheduled(turn: &mut Turn<'_>, event: &ShippingScheduled) -> Result<(), Unacceptable> {
    let mut shipment = open(turn, &event.order_id)?;
    paid(turn, &event.order_id, &shipment)?;
    let ShippingScheduled { shipment_id, carrier, eta, .. } = event.clone();
    shipment.state = State::Scheduled(Parcel { shipment_id, carrier: Some(carrier), eta: Some(eta) });
    turn.put(&event.order_id, &shipment);
    Ok(())
}

pub fn failed(turn: &mut Turn<'_>, event: &ShippingFailed) -> Result<(), Unacceptable> {
    let mut shipment = open(turn, &event.order_id)?;
    paid(turn, &event.order_id, &shipment)?;
    shipment.state = State::Failed { reason: event.reason.clone() };
    turn.put(&event.order_id, &shipment);
    Ok(())
}

/// Nothing will be sent for the order. A booked one is cancelled by cancelling the order, since it may be completed.
pub fn cancelled(turn: &mut Turn<'_>, event: &ShippingCancelled) -> Result<(), Unacceptable> {
    let mut shipment = shipment(turn, &event.order_id);
    match shipment.state {
        State::Waiting => {}
        State::Booking | State::Scheduled(_) if turn.remembers() => turn.withdraw::<Booking>(&event.order_id),
        state => return contradicts(&event.order_id, &state),
    }
    shipment.state = State::Cancelled { shipment_id: event.shipment_id.clone() };
    turn.put(&event.order_id, &shipment);
    Ok(())
}

/// That it is too late follows from where the parcel is: only this service says so.
pub fn cancel_refused(turn: &mut Turn<'_>, event: &ShippingCancelRefused) -> Result<(), Unacceptable> {
    match turn.remembers() {
        true => Ok(()),
        false => contradicts(&event.order_id, &shipment(turn, &event.order_id).state),
    }
}

/// It has left the house: a warehouse may say so instead of sending the command.
pub fn dispatched(turn: &mut Turn<'_>, event: &ShippingDispatched) -> Result<(), Unacceptable> {
    let mut shipment = shipment(turn, &event.order_id);
    let parcel = match &shipment.state {
        State::Scheduled(parcel) if parcel.shipment_id == event.shipment_id => parcel.clone(),
        State::Waiting | State::Booking if turn.remembers() => unseen(turn, &event.order_id, &event.shipment_id),
        state => return contradicts(&event.order_id, state),
    };
    shipment.state = State::Dispatched(parcel);
    turn.put(&event.order_id, &shipment);
    Ok(())
}

/// The customer has it: a carrier may say so instead of sending the command.
pub fn delivered(turn: &mut Turn<'_>, event: &ShippingDelivered) -> Result<(), Unacceptable> {
    let mut shipment = shipment(turn, &event.order_id);
    let parcel = match &shipment.state {
        State::Dispatched(parcel) if parcel.shipment_id == event.shipment_id => parcel.clone(),
        State::Waiting | State::Booking if turn.remembers() => unseen(turn, &event.order_id, &event.shipment_id),
        state => return contradicts(&event.order_id, state),
    };
    shipment.state = State::Delivered(parcel);
    turn.put(&event.order_id, &shipment);
    Ok(())
}

/// A parcel of which only what happened last is remembered: it was booked by a fact that somebody typed, say.
fn unseen(turn: &mut Turn<'_>, order_id: &OrderId, shipment_id: &ShipmentId) -> Parcel {
    turn.withdraw::<Booking>(order_id);
    Parcel { shipment_id: shipment_id.clone(), carrier: None, eta: None }
}

/// Before an order is paid nobody ships it, and nobody fails to.
fn paid(turn: &Turn<'_>, order_id: &OrderId, shipment: &Shipment) -> Result<(), Unacceptable> {
    match shipment.paid || turn.remembers() {
        true => Ok(()),
        false => Err(Unacceptable::contradicts(format!("the order {order_id} is not paid"))),
    }
}

/// The shipment, if nothing has been asked of a carrier yet. While a booking is on its way nobody but an earlier self
/// knows how it ends.
fn open(turn: &mut Turn<'_>, order_id: &OrderId) -> Result<Shipment, Unacceptable> {
    let shipment = shipment(turn, order_id);
    match &shipment.state {
        State::Waiting => Ok(shipment),
        State::Booking if turn.remembers() => {
            turn.withdraw::<Booking>(order_id);
            Ok(shipment)
        }
        state => contradicts(order_id, state),
    }
}

fn contradicts<T>(order_id: &OrderId, state: &State) -> Result<T, Unacceptable> {
    Err(Unacceptable::contradicts(format!("the shipment of {order_id} is {}", state.name())))
}
