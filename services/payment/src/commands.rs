//! What a person asks of the payment service.

use chassis::{Refusal, Turn, Waiting};
use events::{OrderId, RefundId, TransactionId};
use serde::{Deserialize, Serialize};

use crate::{
    backward::{Refund, say_refunded},
    forward::Charge,
    rows::{Due, Payment, State, Stuck},
    stuck::{STUCK_AFTER, stuck},
    void::Void,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Get {
    order_id: OrderId,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settle {
    order_id: OrderId,
    /// What the refund is called where it was made.
    refund_id: RefundId,
    /// For whoever reads it later.
    note: Option<String>,
}

#[derive(Serialize)]
pub struct Shown {
    order_id: OrderId,
    #[serde(flatten)]
    place: Place,
    #[serde(flatten)]
    due: Option<Due>,
    /// What the gateway was asked in vain so far.
    #[serde(flatten)]
    waiting: Option<Waiting>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

/// Where the money is, and whether it comes back by itself.
#[derive(Serialize)]
#[serde(untagged)]
enum Place {
    Known(State),
    Stuck {
        status: &'static str,
        transaction_id: TransactionId,
        #[serde(flatten)]
        stuck: Stuck,
    },
}

/// Where an order's money is.
pub fn get(turn: &mut Turn<'_>, command: Get) -> Result<Shown, Refusal> {
    let payment = known(turn, &command.order_id)?;
    Ok(show(turn, command.order_id, payment))
}

/// Takes a person's word that the money was given back in another way, for a refund that is stuck: it is not tried again.
/// An attempt that is on its way at that moment may still go through. The same word twice is taken once.
pub fn settle(turn: &mut Turn<'_>, command: Settle) -> Result<Shown, Refusal> {
    let Settle { order_id, refund_id, note } = command;
    let mut payment = known(turn, &order_id)?;
    let stuck = stuck(turn, &order_id, &payment);
    match (&payment.state, &payment.due) {
        (State::Refunded { refund_id: known, .. }, _) if *known == refund_id => {}
        (State::Refunding { transaction_id }, Some(due)) if stuck.is_some() => {
            turn.withdraw::<Refund>(&order_id);
            payment.state = say_refunded(turn, &order_id, transaction_id, &refund_id, due.money);
            payment.note = note;
            turn.put(&order_id, &payment);
        }
        (State::Refunding { .. }, _) => {
            return Err(Refusal::conflict(format!(
                "the refund of {order_id} is still being tried: settle it when it has failed {STUCK_AFTER} times"
            )));
        }
        (state, _) => {
            let is = state.described();
            return Err(Refusal::conflict(format!(
                "the payment of {order_id} is {is}: only a refund that is stuck is settled by hand"
            )));
        }
    }
    Ok(show(turn, order_id, payment))
}

fn known(turn: &Turn<'_>, order_id: &OrderId) -> Result<Payment, Refusal> {
    turn.row(order_id).ok_or_else(|| Refusal::not_found(format!("no payment is known for the order {order_id}")))
}

fn show(turn: &Turn<'_>, order_id: OrderId, payment: Payment) -> Shown {
    let waiting = match payment.state {
        State::Charging => turn.waiting::<Charge>(&order_id),
        State::Voiding => turn.waiting::<Void>(&order_id),
        State::Refunding { .. } => turn.waiting::<Refund>(&order_id),
        _ => None,
    };
    let stuck = stuck(turn, &order_id, &payment);
    let Payment { due, state, note, .. } = payment;
    let (place, waiting) = match (state, stuck) {
        (State::Refunding { transaction_id }, Some(stuck)) => {
            (Place::Stuck { status: "stuck", transaction_id, stuck }, None)
        }
        (state, _) => (Place::Known(state), waiting),
    };
    Shown { order_id, place, due, waiting, note }
}
