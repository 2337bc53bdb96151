//! The outside of the shop: a payment gateway with a ledger, a carrier and a mail server. Asked again under the same key,
//! they do nothing again and say the same.

use std::collections::BTreeSet;

use chassis::Pending;
use events::{EventId, RefundId, ShipmentId, TransactionId};
use jiff::Timestamp;
use notification::MailOutcome;
use payment::{Charge, ChargeOutcome, Refund, RefundOutcome, Void, VoidOutcome};
use serde::de::DeserializeOwned;
use shipping::{Booking, BookingOutcome};

/// What the gateway did, per order: the witness outside the system.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Charges: order and amount.
    pub charges: Vec<(String, i64)>,
    /// Refunds: order and amount.
    pub refunds: Vec<(String, i64)>,
    /// Idempotency keys that it has seen.
    keys: BTreeSet<String>,
}

impl Ledger {
    /// Does what `effect` asks for, and gives the outcome; why nothing came of it, where it has to be tried again.
    pub fn perform(&mut self, effect: &Pending) -> Result<Vec<u8>, String> {
        let outcome = match effect.name.as_str() {
            "charge" => {
                serde_json::to_vec(&self.charge(&effect.key, &read(effect)).ok_or("the key is taken by a void")?)
            }
            "void" => serde_json::to_vec(&self.void(&effect.key, read(effect))),
            "refund" => serde_json::to_vec(&self.refund(&effect.key, &read(effect))),
            "booking" => serde_json::to_vec(&book(&read(effect))),
            "mail" => serde_json::to_vec(&MailOutcome::Sent),
            other => panic!("nobody performs {other}"),
        };
        Ok(outcome.expect("outcomes serialise"))
    }

    /// Nothing where the key is taken by a void.
    fn charge(&mut self, key: &str, charge: &Charge) -> Option<ChargeOutcome> {
        if self.keys.contains(&format!("void {key}")) {
            return None;
        }
        let new = self.keys.insert(format!("charge {key}"));
        if charge.due.payment_method.as_str() == "pm_card_declined" {
            return Some(ChargeOutcome::Declined { reason: "card_declined".to_owned() });
        }
        if new {
            self.charges.push((charge.order_id.to_string(), charge.due.money.amount.0));
        }
        let id = format!("pi_{}", charge.order_id);
        Some(ChargeOutcome::Approved { transaction_id: TransactionId::try_from(id).expect("short ids in tests") })
    }

    /// A charge that came first decides.
    fn void(&mut self, key: &str, Void { order_id, due }: Void) -> VoidOutcome {
        if !self.keys.contains(&format!("charge {key}")) {
            self.keys.insert(format!("void {key}"));
            return VoidOutcome::Voided;
        }
        self.charge(key, &Charge { order_id, due }).expect("the charge came first").into()
    }

    fn refund(&mut self, key: &str, refund: &Refund) -> RefundOutcome {
        if self.keys.insert(format!("refund {key}")) {
            self.refunds.push((refund.order_id.to_string(), refund.money.amount.0));
        }
        let id = format!("re_{}", refund.order_id);
        RefundOutcome { refund_id: RefundId::try_from(id).expect("short ids in tests") }
    }
}

fn read<T: DeserializeOwned>(effect: &Pending) -> T {
    serde_json::from_str(effect.request.get()).expect("an effect reads back")
}

fn book(booking: &Booking) -> BookingOutcome {
    if booking.ship_to.as_ref().is_some_and(|address| address.postal_code == "00000") {
        return BookingOutcome::Refused { reason: "unserviceable_address".to_owned() };
    }
    let shipment_id = ShipmentId::from(EventId::derived(&["shipment", booking.order_id.as_str()]));
    BookingOutcome::Booked { shipment_id, carrier: "local".to_owned(), eta: Timestamp::UNIX_EPOCH }
}
