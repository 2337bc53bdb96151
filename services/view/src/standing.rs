//! Where an order stands: its status in the contract's words, whose turn it is, and what should come next. Pure functions
//! of what is known.

use events::{
    CancelReason, Event, InventoryReleased, InventoryReserved, OrderCancelled, OrderCompleted, OrderCreated, OrderPaid,
    PaymentCompleted, PaymentRefunded, PaymentVoided, ShippingCancelled, ShippingScheduled,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::rows::{
    End,
    Fact::{
        Charged, Declined, Delivered, Paid, Refunded, Released, Reserved, Scheduled, Short, Unserviceable, Unshipped,
        Voided,
    },
    Order,
};

/// How far an order is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Pending,
    Confirmed,
    Paid,
    Shipped,
    Delivered,
    Cancelling,
    Cancelled,
}

/// How far an order's saga is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SagaStatus {
    Pending,
    Completed,
    Compensating,
    Failed,
}

impl Status {
    /// All of them, in the order in which orders go through them.
    pub const ALL: [Status; 7] = [
        Status::Pending,
        Status::Confirmed,
        Status::Paid,
        Status::Shipped,
        Status::Delivered,
        Status::Cancelling,
        Status::Cancelled,
    ];

    pub fn word(self) -> &'static str {
        match self {
            Status::Pending => "pending",
            Status::Confirmed => "confirmed",
            Status::Paid => "paid",
            Status::Shipped => "shipped",
            Status::Delivered => "delivered",
            Status::Cancelling => "cancelling",
            Status::Cancelled => "cancelled",
        }
    }

    pub fn saga(self) -> SagaStatus {
        match self {
            Status::Pending | Status::Confirmed | Status::Paid => SagaStatus::Pending,
            Status::Shipped | Status::Delivered => SagaStatus::Completed,
            Status::Cancelling => SagaStatus::Compensating,
            Status::Cancelled => SagaStatus::Failed,
        }
    }
}

impl Order {
    pub fn status(&self) -> Status {
        match &self.end {
            Some(End { cancelled: Some(_), .. }) => Status::Cancelled,
            Some(_) if self.has(Delivered) => Status::Delivered,
            Some(_) => Status::Shipped,
            None if self.is_undone() => Status::Cancelling,
            None if self.has(Paid) => Status::Paid,
            None if self.has(Reserved) => Status::Confirmed,
            None => Status::Pending,
        }
    }

    /// Why it is being undone, or was.
    pub fn reason(&self) -> Option<CancelReason> {
        match &self.end {
            Some(end) => end.cancelled,
            None => self.asked.or(self.failed),
        }
    }

    /// Notes what should come next, and since when: the time `at` of the event that was just told, where it changed that.
    pub fn go_on(&mut self, at: Timestamp) {
        let next = self.next();
        if self.waits_for.as_deref() != next {
            self.waits_for = next.map(str::to_owned);
            self.since = at;
        }
    }

    fn is_undone(&self) -> bool {
        let back = [Short, Declined, Unserviceable, Unshipped, Refunded, Voided, Released];
        self.asked.is_some() || back.into_iter().any(|fact| self.has(fact))
    }

    /// The event that should come next; its service's turn it is. The first line that holds decides: the way back comes
    /// before the way forward, and on each what is further along comes first.
    fn next(&self) -> Option<&'static str> {
        if self.end.is_some() {
            return None;
        }
        let placed = self.placed.is_some();
        let held_nothing = self.has(Released) || self.has(Short);
        let money_is_back = self.has(Declined) || self.has(Voided) || self.has(Refunded);
        let nothing_is_sent = self.has(Unserviceable) || self.has(Unshipped);
        let table = [
            // Backward: shipping, payment, inventory, order
            (held_nothing && placed, OrderCancelled::TYPE),
            (held_nothing, OrderCreated::TYPE),
            (money_is_back, InventoryReleased::TYPE),
            (nothing_is_sent && self.has(Charged), PaymentRefunded::TYPE),
            (nothing_is_sent, PaymentVoided::TYPE),
            (self.asked.is_some(), ShippingCancelled::TYPE),
            // Forward
            (!placed, OrderCreated::TYPE),
            (!self.has(Reserved), InventoryReserved::TYPE),
            (!self.has(Charged), PaymentCompleted::TYPE),
            (!self.has(Paid), OrderPaid::TYPE),
            (!self.has(Scheduled), ShippingScheduled::TYPE),
            (true, OrderCompleted::TYPE),
        ];
        table.into_iter().find(|(holds, _)| *holds).map(|(_, kind)| kind)
    }
}

/// Whose turn it is where `kind` should come next.
pub fn whose(kind: &str) -> &str {
    kind.split('.').next().unwrap_or(kind)
}

#[cfg(test)]
mod tests {
    use events::{Currency, CustomerId, MinorUnits};

    use super::*;
    use crate::rows::{Fact, Placed};

    const AT: Timestamp = Timestamp::UNIX_EPOCH;

    fn unplaced(facts: &[Fact]) -> Order {
        Order { facts: facts.iter().copied().collect(), ..Order::known_since(AT) }
    }

    fn placed(facts: &[Fact]) -> Order {
        let customer_id = CustomerId::try_from("alice").unwrap();
        let placed = Placed { customer_id, total: MinorUnits(1), currency: Currency::USD, at: AT };
        Order { placed: Some(placed), ..unplaced(facts) }
    }

    fn asked(order: Order) -> Order {
        Order { asked: Some(CancelReason::CustomerRequest), ..order }
    }

    fn ended(order: Order, cancelled: Option<CancelReason>) -> Order {
        Order { end: Some(End { cancelled, at: AT }), ..order }
    }

    #[track_caller]
    fn check(order: &Order, status: Status, saga: SagaStatus, next: Option<&str>) {
        assert_eq!((order.status(), order.status().saga(), order.next()), (status, saga, next), "{order:?}");
    }

    #[test]
    fn an_order_that_goes_well_waits_for_one_service_after_the_other() {
        use SagaStatus::{Completed, Pending};
        check(&placed(&[]), Status::Pending, Pending, Some("inventory.reserved"));
        check(&placed(&[Reserved]), Status::Confirmed, Pending, Some("payment.completed"));
        check(&placed(&[Reserved, Charged]), Status::Confirmed, Pending, Some("order.paid"));
        check(&placed(&[Reserved, Charged, Paid]), Status::Paid, Pending, Some("shipping.scheduled"));
        let scheduled = placed(&[Reserved, Charged, Paid, Scheduled]);
        check(&scheduled, Status::Paid, Pending, Some("order.completed"));
        let dispatched = Order { facts: [Fact::Dispatched].into(), ..scheduled.clone() };
        check(&ended(dispatched, None), Status::Shipped, Completed, None);
        check(&ended(placed(&[Delivered]), None), Status::Delivered, Completed, None);
    }

    #[test]
    fn a_failure_goes_back_from_where_it_happens() {
        use SagaStatus::{Compensating, Failed};
        let cancelling = |order: Order, next| check(&order, Status::Cancelling, Compensating, Some(next));
        cancelling(placed(&[Short]), "order.cancelled");
        cancelling(placed(&[Reserved, Declined]), "inventory.released");
        cancelling(placed(&[Reserved, Declined, Released]), "order.cancelled");
        cancelling(placed(&[Reserved, Charged, Paid, Unserviceable]), "payment.refunded");
        cancelling(placed(&[Reserved, Charged, Paid, Unserviceable, Refunded]), "inventory.released");
        check(&ended(placed(&[Released]), Some(CancelReason::ShippingFailed)), Status::Cancelled, Failed, None);
    }

    #[test]
    fn an_order_that_somebody_wants_undone_goes_the_whole_way_back() {
        let cancelling = |order: Order, next| check(&order, Status::Cancelling, SagaStatus::Compensating, Some(next));
        cancelling(asked(placed(&[])), "shipping.cancelled");
        cancelling(asked(placed(&[Unshipped])), "payment.voided");
        cancelling(asked(placed(&[Reserved, Charged, Paid, Scheduled, Unshipped])), "payment.refunded");
        cancelling(asked(placed(&[Unshipped, Voided])), "inventory.released");
        cancelling(asked(placed(&[Unshipped, Voided, Released])), "order.cancelled");
    }

    #[test]
    fn an_order_of_which_only_later_facts_are_known_waits_to_be_placed() {
        check(&unplaced(&[Reserved, Charged]), Status::Confirmed, SagaStatus::Pending, Some("order.created"));
        let released = unplaced(&[Declined, Released]);
        check(&released, Status::Cancelling, SagaStatus::Compensating, Some("order.created"));
        let declined = unplaced(&[Declined]);
        check(&declined, Status::Cancelling, SagaStatus::Compensating, Some("inventory.released"));
        check(&ended(unplaced(&[]), None), Status::Shipped, SagaStatus::Completed, None);
    }

    #[test]
    fn it_waits_since_the_event_that_changed_what_it_waits_for() {
        let second = |n: i64| Timestamp::from_second(n).unwrap();
        let mut order = placed(&[]);
        order.go_on(second(1));
        order.go_on(second(2));
        assert_eq!((order.waits_for.as_deref(), order.since), (Some("inventory.reserved"), second(1)));
        order.facts.insert(Reserved);
        order.go_on(second(3));
        assert_eq!((order.waits_for.as_deref(), order.since), (Some("payment.completed"), second(3)));
        assert_eq!(whose("payment.completed"), "payment");
    }
}
