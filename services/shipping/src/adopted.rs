//! Facts of this service's own kind that it did not say itself: typed by hand, or said before its store was lost.

use chassis::{Turn, Unacceptable};
use events::{OrderId, ShippingFailed, ShippingScheduled};

use crate::{
    forward::Booking,
    rows::{Shipment, State, shipment},
};

/// A carrier took the order elsewhere: it is not booked here.
pub fn scheduled(turn: &mut Turn<'_>, event: &ShippingScheduled) -> Result<(), Unacceptable> {
    let mut shipment = open(turn, &event.order_id)?;
    paid(turn, &event.order_id, &shipment)?;
    let ShippingScheduled { shipment_id, carrier, eta, .. } = event.clone();
    shipment.state = State::Scheduled { shipment_id, carrier, eta };
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
    let is = match &shipment.state {
        State::Waiting => return Ok(shipment),
        State::Booking if turn.remembers() => {
            turn.withdraw::<Booking>(order_id);
            return Ok(shipment);
        }
        State::Booking => "on its way to the carrier",
        State::Scheduled { .. } => "scheduled",
        State::Failed { .. } => "refused",
    };
    Err(Unacceptable::contradicts(format!("the shipment of {order_id} is {is}")))
}
