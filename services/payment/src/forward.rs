//! The way to a fulfilled order: stock is held and the amount is known, so the customer is charged, once.

use chassis::{Effect, Turn, Unacceptable};
use events::{
    InventoryReserved, Money, OrderCreated, OrderId, PaymentCompleted, PaymentFailed, ShippingDispatched, TransactionId,
};
use serde::{Deserialize, Serialize};

use crate::rows::{Due, State, payment};

/// Charge the customer. The key is the order: an order is charged once, however often this is performed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// The order.
    pub order_id: OrderId,
    /// What is owed, and how it is paid.
    pub due: Due,
}

/// What the gateway decided about a charge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChargeOutcome {
    /// The customer was charged.
    Approved {
        /// The charge.
        transaction_id: TransactionId,
    },
    /// The customer was not charged.
    Declined {
        /// In the gateway's words.
        reason: String,
    },
}

impl Effect for Charge {
    const NAME: &'static str = "charge";
    type Outcome = ChargeOutcome;

    fn key(&self) -> String {
        self.order_id.to_string()
    }
}

pub fn note_amount_due(turn: &mut Turn<'_>, event: &OrderCreated) -> Result<(), Unacceptable> {
    let mut payment = payment(turn, &event.order_id);
    // An order is placed once: what somebody types under its id later changes nothing.
    payment.due.get_or_insert(Due { money: event.due(), payment_method: event.payment_method.clone() });
    payment.go_on(turn, &event.order_id);
    Ok(())
}

pub fn charge_on_inventory_reserved(turn: &mut Turn<'_>, event: &InventoryReserved) -> Result<(), Unacceptable> {
    let mut payment = payment(turn, &event.order_id);
    payment.reserved = true;
    payment.go_on(turn, &event.order_id);
    Ok(())
}

/// Nothing is refunded any more: the row need not be kept for ever.
pub fn close_on_shipping_dispatched(turn: &mut Turn<'_>, event: &ShippingDispatched) -> Result<(), Unacceptable> {
    let mut payment = payment(turn, &event.order_id);
    payment.shipped = true;
    payment.go_on(turn, &event.order_id);
    Ok(())
}

/// Says what the gateway decided.
pub fn record_charge(turn: &mut Turn<'_>, charge: &Charge, outcome: &ChargeOutcome) -> Result<(), Unacceptable> {
    let Charge { order_id, due } = charge;
    let mut payment = payment(turn, order_id);
    if payment.state != State::Charging {
        // An earlier self said how it ended.
        return Ok(());
    }
    payment.state = match outcome {
        ChargeOutcome::Approved { transaction_id } => say_charged(turn, order_id, due.money, transaction_id),
        ChargeOutcome::Declined { reason } => say_declined(turn, order_id, reason),
    };
    payment.go_on(turn, order_id);
    Ok(())
}

pub fn say_charged(turn: &mut Turn<'_>, order_id: &OrderId, money: Money, transaction_id: &TransactionId) -> State {
    let Money { amount, currency } = money;
    let (order_id, transaction_id) = (order_id.clone(), transaction_id.clone());
    turn.emit(&PaymentCompleted { order_id, transaction_id: transaction_id.clone(), amount, currency });
    State::Charged { transaction_id }
}

pub fn say_declined(turn: &mut Turn<'_>, order_id: &OrderId, reason: &str) -> State {
    turn.emit(&PaymentFailed { order_id: order_id.clone(), reason: reason.to_owned() });
    State::Failed { reason: reason.to_owned() }
}
