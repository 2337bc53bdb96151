//! Taking a charge back that may be on its way: either it never happens, or it is known how it ended.

use chassis::{Effect, Turn, Unacceptable};
use events::{OrderId, PaymentVoided, TransactionId};
use serde::{Deserialize, Serialize};

use crate::{
    forward::{ChargeOutcome, say_charged, say_declined},
    rows::{Due, State, payment},
};

/// See to it that the order is never charged, or find out that it was. The key is the order: performed again, it finds the
/// same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Void {
    /// The order.
    pub order_id: OrderId,
    /// What the charge asked for.
    pub due: Due,
}

/// What the gateway knows of the charge, for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VoidOutcome {
    /// It never happened and never will.
    Voided,
    /// The customer was charged before.
    Charged {
        /// The charge.
        transaction_id: TransactionId,
    },
    /// It was declined before.
    Declined {
        /// In the gateway's words.
        reason: String,
    },
}

impl From<ChargeOutcome> for VoidOutcome {
    fn from(outcome: ChargeOutcome) -> VoidOutcome {
        match outcome {
            ChargeOutcome::Approved { transaction_id } => VoidOutcome::Charged { transaction_id },
            ChargeOutcome::Declined { reason } => VoidOutcome::Declined { reason },
        }
    }
}

impl Effect for Void {
    const NAME: &'static str = "void";
    type Outcome = VoidOutcome;

    fn key(&self) -> String {
        self.order_id.to_string()
    }
}

/// Says what became of the charge. One that was made is said too, and refunded.
pub fn record_void(turn: &mut Turn<'_>, void: &Void, outcome: &VoidOutcome) -> Result<(), Unacceptable> {
    let Void { order_id, due } = void;
    let mut payment = payment(turn, order_id);
    if payment.state != State::Voiding {
        // An earlier self said how it ended.
        return Ok(());
    }
    payment.state = match outcome {
        VoidOutcome::Voided => {
            turn.emit(&PaymentVoided { order_id: order_id.clone() });
            State::Voided
        }
        VoidOutcome::Charged { transaction_id } => say_charged(turn, order_id, due.money, transaction_id),
        VoidOutcome::Declined { reason } => say_declined(turn, order_id, reason),
    };
    payment.go_on(turn, order_id);
    Ok(())
}
