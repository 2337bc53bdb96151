//! The way back: what was charged is refunded; what was not never will be; what is on its way is taken back.

use chassis::{Effect, Turn, Unacceptable};
use events::{
    Money, OrderId, PaymentRefunded, PaymentVoided, RefundId, ShippingCancelled, ShippingFailed, TransactionId,
};
use serde::{Deserialize, Serialize};

use crate::rows::{State, payment};

/// Give the money back. The key is the order: an order is refunded once, however often this is performed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// The order.
    pub order_id: OrderId,
    /// The charge.
    pub transaction_id: TransactionId,
    /// How much.
    pub money: Money,
}

/// What the gateway did about a refund. That it refuses is no outcome: a compensation is tried until it succeeds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundOutcome {
    /// The refund.
    pub refund_id: RefundId,
}

impl Effect for Refund {
    const NAME: &'static str = "refund";
    type Outcome = RefundOutcome;

    fn key(&self) -> String {
        self.order_id.to_string()
    }
}

pub fn undo_on_shipping_failed(turn: &mut Turn<'_>, event: &ShippingFailed) -> Result<(), Unacceptable> {
    undo(turn, &event.order_id);
    Ok(())
}

pub fn undo_on_shipping_cancelled(turn: &mut Turn<'_>, event: &ShippingCancelled) -> Result<(), Unacceptable> {
    undo(turn, &event.order_id);
    Ok(())
}

/// Undoes the payment from wherever it is; where there is nothing to undo, leaves a tombstone.
fn undo(turn: &mut Turn<'_>, order_id: &OrderId) {
    let mut payment = payment(turn, order_id);
    match payment.state {
        State::Waiting => {
            payment.state = State::Voided;
            turn.emit(&PaymentVoided { order_id: order_id.clone() });
        }
        State::Charging | State::Charged { .. } => payment.unwanted = true,
        State::Failed { .. } | State::Voiding | State::Refunding { .. } | State::Refunded { .. } | State::Voided => {}
    }
    payment.go_on(turn, order_id);
}

pub fn record_refund(turn: &mut Turn<'_>, refund: &Refund, outcome: &RefundOutcome) -> Result<(), Unacceptable> {
    let Refund { order_id, transaction_id, money } = refund;
    let mut payment = payment(turn, order_id);
    if let State::Refunded { .. } = payment.state {
        // Somebody said so meanwhile: the outcome tells nothing new.
        return Ok(());
    }
    payment.state = say_refunded(turn, order_id, transaction_id, &outcome.refund_id, *money);
    turn.put(order_id, &payment);
    Ok(())
}

pub fn say_refunded(
    turn: &mut Turn<'_>,
    order_id: &OrderId,
    transaction_id: &TransactionId,
    refund_id: &RefundId,
    money: Money,
) -> State {
    let Money { amount, currency } = money;
    let (order_id, transaction_id, refund_id) = (order_id.clone(), transaction_id.clone(), refund_id.clone());
    let state = State::Refunded { transaction_id: transaction_id.clone(), refund_id: refund_id.clone() };
    turn.emit(&PaymentRefunded { order_id, transaction_id, refund_id, amount, currency });
    state
}
