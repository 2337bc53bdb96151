//! What a person asks of the payment service.

use chassis::{Refusal, Turn, Waiting};
use events::OrderId;
use serde::{Deserialize, Serialize};

use crate::{
    backward::Refund,
    forward::Charge,
    rows::{Due, Payment, State},
    void::Void,
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
    #[serde(flatten)]
    due: Option<Due>,
    /// What the gateway was asked in vain so far.
    #[serde(flatten)]
    waiting: Option<Waiting>,
}

/// Where an order's money is.
pub fn get(turn: &mut Turn<'_>, command: Get) -> Result<Shown, Refusal> {
    let order_id = command.order_id;
    let payment: Option<Payment> = turn.row(&order_id);
    let Payment { due, state, .. } =
        payment.ok_or_else(|| Refusal::not_found(format!("no payment is known for the order {order_id}")))?;
    let waiting = match state {
        State::Charging => turn.waiting::<Charge>(&order_id),
        State::Voiding => turn.waiting::<Void>(&order_id),
        State::Refunding { .. } => turn.waiting::<Refund>(&order_id),
        _ => None,
    };
    Ok(Shown { order_id, state, due, waiting })
}
