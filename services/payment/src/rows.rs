//! What the payment service knows of an order's money. The row gathers facts in whatever order they come.

use chassis::{Row, Turn};
use events::{Money, OrderId, PaymentMethod, RefundId, TransactionId};
use serde::{Deserialize, Serialize};

use crate::{backward::Refund, forward::Charge, void::Void};

/// What is known of an order's payment, under the order's id.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Payment {
    /// What is owed, once the order is known.
    pub due: Option<Due>,
    /// Stock is held, so the charge may be made.
    pub reserved: bool,
    /// It has to be undone: a charge that is on its way is taken back, one that was made is refunded once the amount is
    /// known.
    pub unwanted: bool,
    /// The goods have left the house: nobody undoes it any more.
    #[serde(default, skip_serializing_if = "is_false")]
    pub shipped: bool,
    /// Where the money is.
    pub state: State,
    /// What was said last about a refund that kept failing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stuck: Option<Stuck>,
    /// What the person wrote who settled the refund by hand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A refund that was tried in vain so often that somebody should look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stuck {
    /// How often.
    pub attempts: u32,
    /// Why the last attempt was in vain.
    pub reason: String,
}

/// What is owed, and how it is paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Due {
    /// How much.
    #[serde(flatten)]
    pub money: Money,
    /// In the gateway's words.
    pub payment_method: PaymentMethod,
}

/// Where the money is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "status")]
pub enum State {
    /// With the customer.
    #[default]
    Waiting,
    /// A charge is on its way.
    Charging,
    /// A charge was on its way when it was taken back, and nobody knows yet which of the two came first.
    Voiding,
    /// With us.
    Charged { transaction_id: TransactionId },
    /// With the customer: the charge was declined.
    Failed { reason: String },
    /// With us, and a refund is on its way.
    Refunding { transaction_id: TransactionId },
    /// With the customer again.
    Refunded { transaction_id: TransactionId, refund_id: RefundId },
    /// With the customer, for good: a tombstone for what comes late.
    Voided,
}

impl State {
    /// What the payment is, for a sentence.
    pub fn described(&self) -> &'static str {
        match self {
            State::Waiting => "waiting",
            State::Charging => "on its way to the gateway",
            State::Voiding => "being taken back from the gateway",
            State::Charged { .. } => "charged",
            State::Failed { .. } => "declined",
            State::Refunding { .. } => "being refunded",
            State::Refunded { .. } => "refunded",
            State::Voided => "voided",
        }
    }
}

impl Row for Payment {
    const TABLE: &'static str = "payment";
    const ENDS: bool = true;

    /// While nothing was asked of the gateway, and when there is nothing left to give back.
    fn is_over(&self) -> bool {
        match self.state {
            State::Charged { .. } => self.shipped,
            State::Charging | State::Voiding | State::Refunding { .. } => false,
            State::Waiting | State::Failed { .. } | State::Refunded { .. } | State::Voided => true,
        }
    }
}

fn is_false(value: &bool) -> bool {
    !value
}

impl Payment {
    /// Asks for what follows from everything that is known by now, the charge or its way back, and keeps the row.
    pub fn go_on(mut self, turn: &mut Turn<'_>, order_id: &OrderId) {
        match (&self.state, &self.due) {
            (State::Waiting, Some(due)) if self.reserved => {
                turn.perform(&Charge { order_id: order_id.clone(), due: due.clone() });
                self.state = State::Charging;
            }
            (State::Charging, Some(due)) if self.unwanted => {
                turn.withdraw::<Charge>(order_id);
                turn.perform(&Void { order_id: order_id.clone(), due: due.clone() });
                self.state = State::Voiding;
            }
            (State::Charged { transaction_id }, Some(due)) if self.unwanted => {
                let transaction_id = transaction_id.clone();
                let refund =
                    Refund { order_id: order_id.clone(), transaction_id: transaction_id.clone(), money: due.money };
                turn.perform(&refund);
                self.state = State::Refunding { transaction_id };
            }
            _ => {}
        }
        turn.put(order_id, &self);
    }
}

/// The payment of an order, or what is known of one whose order was not heard of yet.
pub fn payment(turn: &Turn<'_>, order_id: &OrderId) -> Payment {
    turn.row(order_id).unwrap_or_default()
}
