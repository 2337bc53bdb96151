//! What a person asks of the shipping service.

use chassis::{Refusal, Turn, Waiting};
use events::{Address, OrderId, ShippingDelivered, ShippingDispatched};
use serde::{Deserialize, Serialize};

use crate::{
    forward::Booking,
    rows::{Shipment, State},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Of {
    order_id: OrderId,
}

#[derive(Serialize)]
pub struct Shown {
    order_id: OrderId,
    #[serde(flatten)]
    state: State,
    #[serde(skip_serializing_if = "Option::is_none")]
    ship_to: Option<Address>,
    /// What the carrier was asked in vain so far.
    #[serde(flatten)]
    waiting: Option<Waiting>,
}

/// How far an order's shipment is.
pub fn get(turn: &mut Turn<'_>, Of { order_id }: Of) -> Result<Shown, Refusal> {
    let shipment = known(turn, &order_id)?;
    Ok(shown(turn, order_id, shipment))
}

/// The parcel leaves the house. Said again, it changes nothing.
pub fn dispatch(turn: &mut Turn<'_>, Of { order_id }: Of) -> Result<Shown, Refusal> {
    let mut shipment = known(turn, &order_id)?;
    match shipment.state {
        State::Scheduled(parcel) => {
            let shipment_id = parcel.shipment_id.clone();
            turn.emit(&ShippingDispatched { order_id: order_id.clone(), shipment_id });
            shipment.state = State::Dispatched(parcel);
            turn.put(&order_id, &shipment);
        }
        State::Dispatched(_) | State::Delivered(_) => {}
        state => return Err(not_now(&order_id, &state, "dispatched")),
    }
    Ok(shown(turn, order_id, shipment))
}

/// The customer has the parcel. Said again, it changes nothing.
pub fn deliver(turn: &mut Turn<'_>, Of { order_id }: Of) -> Result<Shown, Refusal> {
    let mut shipment = known(turn, &order_id)?;
    match shipment.state {
        State::Dispatched(parcel) => {
            let shipment_id = parcel.shipment_id.clone();
            turn.emit(&ShippingDelivered { order_id: order_id.clone(), shipment_id });
            shipment.state = State::Delivered(parcel);
            turn.put(&order_id, &shipment);
        }
        State::Delivered(_) => {}
        state => return Err(not_now(&order_id, &state, "delivered")),
    }
    Ok(shown(turn, order_id, shipment))
}

fn known(turn: &Turn<'_>, order_id: &OrderId) -> Result<Shipment, Refusal> {
    turn.row(order_id).ok_or_else(|| Refusal::not_found(format!("no shipment is known for the order {order_id}")))
}

fn not_now(order_id: &OrderId, state: &State, what: &str) -> Refusal {
    let hint = match state {
        State::Waiting | State::Booking => ": ask again when it is scheduled",
        State::Scheduled(_) => ": dispatch it first",
        _ => "",
    };
    Refusal::conflict(format!("the shipment of {order_id} is {} and cannot be {what} now{hint}", state.name()))
}

fn shown(turn: &Turn<'_>, order_id: OrderId, shipment: Shipment) -> Shown {
    let Shipment { destination, state, .. } = shipment;
    let waiting = match state {
        State::Booking => turn.waiting::<Booking>(&order_id),
        _ => None,
    };
    Shown { order_id, state, ship_to: destination.and_then(|it| it.ship_to), waiting }
}
