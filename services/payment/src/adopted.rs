//! Facts of this service's own kind that it did not say itself: typed by hand, or said before its store was lost.

use chassis::{Turn, Unacceptable};
use events::{Money, OrderId, PaymentCompleted, PaymentFailed, PaymentRefunded, PaymentVoided};

use crate::rows::{Payment, State, payment};

/// The order was charged: by an earlier self, or elsewhere.
pub fn completed(turn: &mut Turn<'_>, event: &PaymentCompleted) -> Result<(), Unacceptable> {
    let mut payment = open(turn, &event.order_id)?;
    let charged = Money { amount: event.amount, currency: event.currency };
    match payment.due.as_ref() {
        Some(due) if due.money == charged => {}
        Some(due) => return contradicts(format!("{charged} was charged and {} is due", due.money)),
        None if turn.remembers() => {}
        None => return contradicts(format!("nothing is due: the order {} is not known", event.order_id)),
    }
    payment.state = State::Charged { transaction_id: event.transaction_id.clone() };
    turn.put(&event.order_id, &payment);
    Ok(())
}

/// The charge failed. Should one that is on its way succeed all the same, it is refunded.
pub fn failed(turn: &mut Turn<'_>, event: &PaymentFailed) -> Result<(), Unacceptable> {
    let mut payment = open(turn, &event.order_id)?;
    payment.state = State::Failed { reason: event.reason.clone() };
    turn.put(&event.order_id, &payment);
    Ok(())
}

/// Nothing will be charged: a promise that cannot be made while a charge is on its way.
pub fn voided(turn: &mut Turn<'_>, event: &PaymentVoided) -> Result<(), Unacceptable> {
    let mut payment = open(turn, &event.order_id)?;
    if payment.state == State::Charging {
        return contradicts(format!("the payment of {} is {}", event.order_id, name(&payment.state)));
    }
    payment.state = State::Voided;
    turn.put(&event.order_id, &payment);
    Ok(())
}

/// The money was given back: by an earlier self, or elsewhere.
pub fn refunded(turn: &mut Turn<'_>, event: &PaymentRefunded) -> Result<(), Unacceptable> {
    let mut payment = payment(turn, &event.order_id);
    match &payment.state {
        State::Charged { transaction_id } | State::Refunding { transaction_id }
            if *transaction_id == event.transaction_id => {}
        state => return contradicts(format!("the payment of {} is {}", event.order_id, name(state))),
    }
    let refund_id = event.refund_id.clone();
    payment.state = State::Refunded { transaction_id: event.transaction_id.clone(), refund_id };
    turn.put(&event.order_id, &payment);
    Ok(())
}

/// The payment, if nothing is known of how it ended.
fn open(turn: &Turn<'_>, order_id: &OrderId) -> Result<Payment, Unacceptable> {
    let payment = payment(turn, order_id);
    match &payment.state {
        State::Waiting | State::Charging => Ok(payment),
        state => Err(Unacceptable::contradicts(format!("the payment of {order_id} is {}", name(state)))),
    }
}

fn contradicts(detail: String) -> Result<(), Unacceptable> {
    Err(Unacceptable::contradicts(detail))
}

fn name(state: &State) -> &'static str {
    match state {
        State::Waiting => "waiting",
        State::Charging => "on its way to the gateway",
        State::Charged { .. } => "charged",
        State::Failed { .. } => "declined",
        State::Refunding { .. } => "being refunded",
        State::Refunded { .. } => "refunded",
        State::Voided => "voided",
    }
}
