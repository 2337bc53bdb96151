//! What the order service knows. An order's row gathers facts in whatever order they come; its status follows from them.

use std::time::Duration;

use chassis::{Row, Turn};
use events::{
    CancelReason, CancelRequestReason, Currency, MinorUnits, OrderCancelRequested, OrderCancelled, OrderCompleted,
    OrderCreated, OrderId, OrderPaid,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How long an order may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline(pub Duration);

impl Deadline {
    /// What an order takes at most, unless somebody says otherwise.
    pub const DEFAULT: Deadline = Deadline(Duration::from_secs(15 * 60));

    /// The reminder's name.
    pub(crate) const NAME: &'static str = "deadline";

    /// Asks for the reminder. The time counts from when the order reached the system, whatever its sender says.
    pub(crate) fn set(self, turn: &mut Turn<'_>, order_id: &OrderId) {
        let at = turn.arrived().saturating_add(self.0).unwrap_or(Timestamp::MAX);
        turn.remind(Self::NAME, order_id, at);
    }
}

/// What one unit costs, under its sku.
#[derive(Debug, Serialize, Deserialize)]
pub struct Price {
    pub name: String,
    pub unit_price: MinorUnits,
    pub currency: Currency,
}

impl Row for Price {
    const TABLE: &'static str = "price";
}

/// What is known of an order, under its id.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Order {
    /// What was placed; nothing while only later facts are known.
    pub placed: Option<OrderCreated>,
    /// Stock is held.
    pub reserved: bool,
    /// The customer was charged.
    pub charged: bool,
    /// `order.paid` was said.
    pub paid: bool,
    /// A shipment is booked.
    pub scheduled: bool,
    /// Somebody wants it undone: nothing is said forward any more.
    #[serde(default)]
    pub cancelling: Option<CancelRequestReason>,
    /// It was on its way when it should have been undone: it goes on.
    #[serde(default)]
    pub cancel_refused: bool,
    /// The customer has it.
    #[serde(default)]
    pub delivered: bool,
    /// Nothing is held any more, or nothing could be.
    pub undone: Option<CancelReason>,
    /// A terminal event was said.
    pub end: Option<End>,
}

/// How an order ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    Completed,
    Cancelled(CancelReason),
}

impl Row for Order {
    const TABLE: &'static str = "order";
    const ENDS: bool = true;

    /// When the customer has it, or will not get it; and what was heard of an order that nobody placed.
    fn is_over(&self) -> bool {
        match self.end {
            Some(End::Completed) => self.delivered,
            Some(End::Cancelled(_)) => true,
            None => self.placed.is_none(),
        }
    }
}

impl Order {
    /// How far it is, in the contract's words.
    pub fn status(&self) -> &'static str {
        match self.end {
            Some(End::Completed) if self.delivered => "delivered",
            Some(End::Completed) => "shipped",
            Some(End::Cancelled(_)) => "cancelled",
            None if self.undone.is_some() || self.cancelling.is_some() => "cancelling",
            None if self.paid => "paid",
            None if self.reserved => "confirmed",
            None => "pending",
        }
    }

    /// Whether it is on its way forward: it has not ended, and neither is it undone nor does anybody want that.
    pub fn goes_on(&self) -> bool {
        self.end.is_none() && self.undone.is_none() && self.cancelling.is_none()
    }

    /// Says what follows from everything that is known by now, and keeps the row. Each fact is said once, whatever the
    /// order in which its conditions became known; nothing is said of an order before it was placed.
    pub fn go_on(mut self, turn: &mut Turn<'_>, order_id: &OrderId) {
        if self.placed.is_some() && self.end.is_none() {
            let order_id = || order_id.clone();
            if let Some(reason) = self.undone {
                self.end = Some(End::Cancelled(reason));
                turn.emit(&OrderCancelled { order_id: order_id(), reason });
            } else if self.cancelling.is_none() {
                if self.reserved && self.charged && !self.paid {
                    self.paid = true;
                    turn.emit(&OrderPaid { order_id: order_id() });
                }
                if self.paid && self.scheduled {
                    self.end = Some(End::Completed);
                    turn.emit(&OrderCompleted { order_id: order_id() });
                }
            }
        }
        if self.end.is_some() {
            turn.forget(Deadline::NAME, order_id);
        }
        turn.put(order_id, &self);
    }

    /// Asks for everything to be undone, once.
    pub fn request_cancel(mut self, turn: &mut Turn<'_>, order_id: &OrderId, reason: CancelRequestReason) -> Order {
        self.cancelling = Some(reason);
        turn.emit(&OrderCancelRequested { order_id: order_id.clone(), reason });
        turn.put(order_id, &self);
        self
    }
}

/// The order, or what is known of one that was not placed yet.
pub fn order(turn: &Turn<'_>, order_id: &OrderId) -> Order {
    turn.row(order_id).unwrap_or_default()
}
