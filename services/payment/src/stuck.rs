//! A refund that keeps failing. It is tried again for as long as it takes, and meanwhile it is said and shown, so that
//! a person can see to it and settle it.

use chassis::{Turn, Unacceptable, Waiting};
use events::{OrderId, PaymentRefundStuck};

use crate::{
    backward::Refund,
    rows::{Payment, State, Stuck, payment},
};

/// How often a refund is tried in vain before it counts as stuck: some seconds of outage are nobody's business.
pub const STUCK_AFTER: u32 = 5;

/// Says that a refund is stuck, and again each time that the attempts have doubled. What an earlier self said is not said
/// again, although its store, and the count in it, is gone.
pub fn say_refund_is_stuck(turn: &mut Turn<'_>, refund: &Refund, waiting: &Waiting) -> Result<(), Unacceptable> {
    let order_id = &refund.order_id;
    let mut payment = payment(turn, order_id);
    let due = payment.stuck.as_ref().map_or(STUCK_AFTER, |said| said.attempts.saturating_mul(2));
    if waiting.attempts >= due {
        let Stuck { attempts, reason } = payment.stuck.insert(Stuck::from(waiting)).clone();
        turn.put(order_id, &payment);
        turn.emit(&PaymentRefundStuck { order_id: order_id.clone(), attempts, reason });
    }
    Ok(())
}

/// How the refund of an order is stuck by now; none where there is none, or where it may still go through by itself.
pub fn stuck(turn: &Turn<'_>, order_id: &OrderId, payment: &Payment) -> Option<Stuck> {
    let State::Refunding { .. } = payment.state else { return None };
    let waiting = turn.waiting::<Refund>(order_id).filter(|it| it.attempts >= STUCK_AFTER);
    waiting.as_ref().map(Stuck::from).or_else(|| payment.stuck.clone())
}

impl From<&Waiting> for Stuck {
    fn from(waiting: &Waiting) -> Stuck {
        Stuck { attempts: waiting.attempts, reason: waiting.last_error.clone().unwrap_or_default() }
    }
}
