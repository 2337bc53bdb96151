//! What a person asks of the shipping service.

use chassis::{Refusal, Turn, Waiting};
use events::{Address, OrderId};
use serde::{Deserialize, Serialize};

use crate::{
    forward::Booking,
    rows::{Shipment, State},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Get {
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
pub fn get(turn: &mut Turn<'_>, command: Get) -> Result<Shown, Refusal> {
    let order_id = command.order_id;
    let shipment: Option<Shipment> = turn.row(&order_id);
    let Shipment { destination, state, .. } =
        shipment.ok_or_else(|| Refusal::not_found(format!("no shipment is known for the order {order_id}")))?;
    let waiting = match state {
        State::Booking => turn.waiting::<Booking>(&order_id),
        _ => None,
    };
    Ok(Shown { order_id, state, ship_to: destination.and_then(|it| it.ship_to), waiting })
}
