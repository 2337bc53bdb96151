//! What the way back tells: failures, requests to cancel, and what was undone.

use chassis::{Turn, Unacceptable};
use events::{
    CancelReason, CancelRequestReason, InventoryReleased, InventoryReservationFailed, Money, OrderCancelRequested,
    OrderCancelled, PaymentFailed, PaymentRefundStuck, PaymentRefunded, PaymentVoided, ShippingCancelRefused,
    ShippingCancelled, ShippingFailed, Shortage,
};

use crate::{
    fold::tell,
    rows::{End, Fact, Order, Stuck, kept, word},
    totals,
};

/// What the timeline says of an event that undoes something.
const COMPENSATION: &str = "compensation";

pub fn short(turn: &mut Turn<'_>, event: &InventoryReservationFailed) -> Result<(), Unacceptable> {
    let shortage = |it: &Shortage| format!("{}: {} wanted, {} there", it.sku, it.requested, it.available);
    let shortages: Vec<_> = event.shortages.iter().map(shortage).collect();
    let note = kept(format!("out_of_stock {}", shortages.join("; ")).trim_end());
    tell(turn, event, Some(note), |order| fail(order, Fact::Short, CancelReason::OutOfStock))
}

pub fn declined(turn: &mut Turn<'_>, event: &PaymentFailed) -> Result<(), Unacceptable> {
    let note = Some(kept(&event.reason));
    tell(turn, event, note, |order| fail(order, Fact::Declined, CancelReason::PaymentDeclined))
}

pub fn unserviceable(turn: &mut Turn<'_>, event: &ShippingFailed) -> Result<(), Unacceptable> {
    let note = Some(kept(&event.reason));
    tell(turn, event, note, |order| fail(order, Fact::Unserviceable, CancelReason::ShippingFailed))
}

fn fail(order: &mut Order, fact: Fact, reason: CancelReason) {
    order.note(fact);
    order.failed.get_or_insert(reason);
}

pub fn cancel_requested(turn: &mut Turn<'_>, event: &OrderCancelRequested) -> Result<(), Unacceptable> {
    let reason = match event.reason {
        CancelRequestReason::CustomerRequest => CancelReason::CustomerRequest,
        CancelRequestReason::DeadlinePassed => CancelReason::DeadlinePassed,
    };
    tell(turn, event, Some(word(reason).to_owned()), |order| order.asked = Some(reason))
}

/// The order goes on as if nobody had asked.
pub fn cancel_refused(turn: &mut Turn<'_>, event: &ShippingCancelRefused) -> Result<(), Unacceptable> {
    tell(turn, event, Some("already on its way".to_owned()), |order| order.asked = None)
}

pub fn unshipped(turn: &mut Turn<'_>, event: &ShippingCancelled) -> Result<(), Unacceptable> {
    tell(turn, event, undoes(), |order| order.note(Fact::Unshipped))
}

/// It is stuck from the first time that this is said until the money is back.
pub fn refund_stuck(turn: &mut Turn<'_>, event: &PaymentRefundStuck) -> Result<(), Unacceptable> {
    let (reason, now) = (kept(&event.reason), turn.now());
    let note = kept(&format!("tried {} times: {reason}", event.attempts));
    tell(turn, event, Some(note), |order| {
        if !order.has(Fact::Refunded) {
            let since = order.stuck.as_ref().map_or(now, |stuck| stuck.since);
            let (service, attempts) = ("payment".to_owned(), event.attempts);
            order.stuck = Some(Stuck { service, attempts, reason, since });
        }
    })
}

pub fn refunded(turn: &mut Turn<'_>, event: &PaymentRefunded) -> Result<(), Unacceptable> {
    totals::refund(turn, Money { amount: event.amount, currency: event.currency });
    tell(turn, event, undoes(), |order| {
        order.note(Fact::Refunded);
        order.stuck = None;
    })
}

pub fn voided(turn: &mut Turn<'_>, event: &PaymentVoided) -> Result<(), Unacceptable> {
    tell(turn, event, undoes(), |order| order.note(Fact::Voided))
}

pub fn released(turn: &mut Turn<'_>, event: &InventoryReleased) -> Result<(), Unacceptable> {
    tell(turn, event, undoes(), |order| order.note(Fact::Released))
}

pub fn cancelled(turn: &mut Turn<'_>, event: &OrderCancelled) -> Result<(), Unacceptable> {
    let end = End { cancelled: Some(event.reason), at: turn.now() };
    tell(turn, event, Some(word(event.reason).to_owned()), |order| order.end(end))
}

fn undoes() -> Option<String> {
    Some(COMPENSATION.to_owned())
}
