//! What is asked of the gateway, and what its answer means.

use chassis::{Perform, Retry};
use events::{OrderId, RefundId, TransactionId};
use reqwest::StatusCode;

use super::{Answer, Gateway, undecided};
use crate::{
    backward::{Refund, RefundOutcome},
    forward::{Charge, ChargeOutcome},
    rows::Due,
    void::{Void, VoidOutcome},
};

const PAYMENT_INTENTS: &str = "/v1/payment_intents";

impl Gateway {
    /// The one request that charges an order: asked again, it has to be the same to the letter.
    async fn charge(&self, order_id: &OrderId, due: &Due) -> Result<ChargeOutcome, Retry> {
        let form = [
            ("amount", due.money.amount.to_string()),
            ("currency", due.money.currency.to_string().to_lowercase()),
            ("payment_method", due.payment_method.to_string()),
            ("payment_method_types[]", "card".to_owned()),
            ("confirm", "true".to_owned()),
            ("error_on_requires_action", "true".to_owned()),
            ("metadata[order_id]", order_id.to_string()),
        ];
        match self.post(PAYMENT_INTENTS, order_id.as_str(), &form).await? {
            Answer::Made(made) if made.status == "succeeded" => {
                let transaction_id = TransactionId::try_from(made.id).map_err(Retry::because)?;
                Ok(ChargeOutcome::Approved { transaction_id })
            }
            Answer::Made(made) => Err(Retry::because(format!("the payment intent {} is {}", made.id, made.status))),
            Answer::Refused(refused) => Ok(ChargeOutcome::Declined { reason: refused.reason() }),
            Answer::KeyOfAnother(failure) => Err(undecided(StatusCode::BAD_REQUEST, Some(&failure))),
        }
    }
}

impl Perform<Charge> for Gateway {
    async fn perform(&self, charge: Charge) -> Result<ChargeOutcome, Retry> {
        self.charge(&charge.order_id, &charge.due).await
    }
}

impl Perform<Void> for Gateway {
    async fn perform(&self, Void { order_id, due }: Void) -> Result<VoidOutcome, Retry> {
        let form = [
            ("amount", due.money.amount.to_string()),
            ("currency", due.money.currency.to_string().to_lowercase()),
            ("metadata[order_id]", order_id.to_string()),
            ("metadata[void]", "true".to_owned()),
        ];
        match self.post(PAYMENT_INTENTS, order_id.as_str(), &form).await? {
            // The charge's key is taken: no charge can happen under it any more.
            Answer::Made(made) if made.status == "requires_payment_method" => Ok(VoidOutcome::Voided),
            Answer::Made(made) => Err(Retry::because(format!("the payment intent {} is {}", made.id, made.status))),
            // The charge came first, and it alone knows what became of it.
            Answer::KeyOfAnother(_) => Ok(self.charge(&order_id, &due).await?.into()),
            Answer::Refused(refused) => Err(undecided(StatusCode::BAD_REQUEST, Some(&refused))),
        }
    }
}

impl Perform<Refund> for Gateway {
    async fn perform(&self, refund: Refund) -> Result<RefundOutcome, Retry> {
        let form = [
            ("payment_intent", refund.transaction_id.to_string()),
            ("amount", refund.money.amount.to_string()),
            ("metadata[order_id]", refund.order_id.to_string()),
        ];
        match self.post("/v1/refunds", &format!("{}/refund", refund.order_id), &form).await? {
            Answer::Made(made) if made.status == "succeeded" || made.status == "pending" => {
                Ok(RefundOutcome { refund_id: RefundId::try_from(made.id).map_err(Retry::because)? })
            }
            Answer::Made(made) => Err(Retry::because(format!("the refund {} is {}", made.id, made.status))),
            // Somebody gave the money back in the gateway's own dashboard: that is what was asked for.
            Answer::Refused(refused) if refused.reason() == "charge_already_refunded" => {
                Ok(RefundOutcome { refund_id: RefundId::try_from("refunded_elsewhere").map_err(Retry::because)? })
            }
            Answer::Refused(failure) | Answer::KeyOfAnother(failure) => {
                Err(undecided(StatusCode::BAD_REQUEST, Some(&failure)))
            }
        }
    }
}
