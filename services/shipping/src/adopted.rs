//! Facts of this service's own kind that it did not say itself: typed by hand, or said before its store was lost.

use chassis::{Turn, Unacceptable};
use events::{OrderId, ShippingFailed, ShippingScheduled};

use crate::rows::{Shipment, State, shipment};

/// A carrier took the order: booked by an earlier self, or elsewhere.
pub fn scheduled(turn: &mut Turn<'_>, event: &ShippingScheduled) -> Result<(), Unacceptable> {
    let mut shipment = open(turn, &event.order_id)?;
    if !shipment.paid && !turn.remembers() {
        return Err(Unacceptable::contradicts(format!("the order {} is not paid", event.order_id)));
    }
    let ShippingScheduled { shipment_id, carrier, eta, .. } = event.clone();
    shipment.state = State::Scheduled { shipment_id, carrier, eta };
    turn.put(&event.order_id, &shipment);
    Ok(())
}

pub fn failed(turn: &mut Turn<'_>, event: &ShippingFailed) -> Result<(), Unacceptable> {
    let mut shipment = open(turn, &event.order_id)?;
    shipment.state = State::Failed { reason: event.reason.clone() };
    turn.put(&event.order_id, &shipment);
    Ok(())
}

/// The shipment, if nothing is known of how it ended.
fn open(turn: &Turn<'_>, order_id: &OrderId) -> Result<Shipment, Unacceptable> {
    let shipment = shipment(turn, order_id);
    let is = match &shipment.state {
        State::Waiting | State::Booking => return Ok(shipment),
        State::Scheduled { .. } => "scheduled",
        State::Failed { .. } => "refused",
    };
    Err(Unacceptable::contradicts(format!("the shipment of {order_id} is {is}")))
}
