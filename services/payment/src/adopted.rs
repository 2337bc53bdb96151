//! Facts of this service's own kind that it did not say itself: typed by hand, or said before its store was lost.

use chassis::{Turn, Unacceptable};
use events::{Money, OrderId, PaymentCompleted, PaymentFailed, PaymentRefundStuck, PaymentRefunded, PaymentVoided};

use crate::{
    backward::Refund,
    forward::Charge,
    rows::{Payment, State, Stuck, payment},
    void::Void,
};

/// The order was charged elsewhere: it is not charged here.
pub fn completed(turn: &mut Turn<'_>, event: &PaymentCompleted) -> Result<(), Unacceptable> {
    let mut payment = open(turn, &event.order_id)?;
    let charged = Money { amount: event.amount, currency: event.currency };
    match payment.due.as_ref().map(|due| due.money) {
        _ if turn.remembers() => {}
        Some(due) if due != charged => return contradicts(format!("{charged} was charged and {due} is due")),
        _ => return contradicts(format!("nothing is held for the order {}", event.order_id)),
    }
    payment.state = State::Charged { transaction_id: event.transaction_id.clone() };
    payment.go_on(turn, &event.order_id);
    Ok(())
}

pub fn failed(turn: &mut Turn<'_>, event: &PaymentFailed) -> Result<(), Unacceptable> {
    let mut payment = open(turn, &event.order_id)?;
    payment.state = State::Failed { reason: event.reason.clone() };
    turn.put(&event.order_id, &payment);
    Ok(())
}

pub fn voided(turn: &mut Turn<'_>, event: &PaymentVoided) -> Result<(), Unacceptable> {
    let mut payment = open(turn, &event.order_id)?;
    payment.state = State::Voided;
    turn.put(&event.order_id, &payment);
    Ok(())
}

/// The money was given back elsewhere, while a refund is wanted anyway.
pub fn refunded(turn: &mut Turn<'_>, event: &PaymentRefunded) -> Result<(), Unacceptable> {
    let mut payment = payment(turn, &event.order_id);
    let whole = payment.due.as_ref().is_some_and(|due| due.money.amount == event.amount);
    match &payment.state {
        State::Charged { transaction_id } if turn.remembers() && *transaction_id == event.transaction_id => {}
        State::Refunding { transaction_id } if whole && *transaction_id == event.transaction_id => {}
        state => return contradicts(format!("the payment of {} is {}", event.order_id, state.described())),
    }
    turn.withdraw::<Refund>(&event.order_id);
    let refund_id = event.refund_id.clone();
    payment.state = State::Refunded { transaction_id: event.transaction_id.clone(), refund_id };
    turn.put(&event.order_id, &payment);
    Ok(())
}

/// How a refund is getting on is only known to who tries it.
pub fn refund_stuck(turn: &mut Turn<'_>, event: &PaymentRefundStuck) -> Result<(), Unacceptable> {
    let PaymentRefundStuck { order_id, attempts, reason } = event.clone();
    if !turn.remembers() {
        return contradicts(format!("nobody but this service knows how the refund of {order_id} is getting on"));
    }
    let mut payment = payment(turn, &order_id);
    if payment.stuck.as_ref().is_none_or(|known| known.attempts < attempts) {
        payment.stuck = Some(Stuck { attempts, reason });
        turn.put(&order_id, &payment);
    }
    Ok(())
}

/// The payment, if nothing has happened to it yet. While a charge is on its way, or being taken back, nobody but an earlier
/// self knows how it ends.
fn open(turn: &mut Turn<'_>, order_id: &OrderId) -> Result<Payment, Unacceptable> {
    let payment = payment(turn, order_id);
    match &payment.state {
        State::Waiting => Ok(payment),
        State::Charging | State::Voiding if turn.remembers() => {
            turn.withdraw::<Charge>(order_id);
            turn.withdraw::<Void>(order_id);
            Ok(payment)
        }
        state => Err(Unacceptable::contradicts(format!("the payment of {order_id} is {}", state.described()))),
    }
}

fn contradicts(detail: String) -> Result<(), Unacceptable> {
    Err(Unacceptable::contradicts(detail))
}
