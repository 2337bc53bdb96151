//! What the read side knows. Small rows, each written when what it tells changes.

use std::collections::BTreeSet;

use chassis::Row;
use events::{CancelReason, Currency, CustomerId, MinorUnits};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// How much of somebody else's text is kept: a row has a limit.
const TEXT_CHARACTERS: usize = 200;

/// What is known of an order, under its id. It gathers facts in whatever order the stream has them; an order of which only
/// later facts are known is a row too.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Order {
    /// What was placed, first of all that was placed under this id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placed: Option<Placed>,
    /// The time of the first event about it.
    pub known_since: Timestamp,
    /// What has happened.
    pub facts: BTreeSet<Fact>,
    /// Somebody wants it undone, and was not refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<CancelReason>,
    /// The first failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<CancelReason>,
    /// How it ended, first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<End>,
    /// The event that should come next; nothing once it has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<String>,
    /// The time of the event since which it waits for that.
    pub since: Timestamp,
    /// A compensation that does not succeed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stuck: Option<Stuck>,
    /// How many events were heard about it.
    pub events: u64,
    /// The place in the stream of the last one.
    pub last_sequence: u64,
    /// The first lines of its timeline: see [`crate::timeline`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<Box<RawValue>>,
}

/// An order as it was placed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placed {
    pub customer_id: CustomerId,
    pub total: MinorUnits,
    pub currency: Currency,
    pub at: Timestamp,
}

/// What may have happened to an order, beside being placed, asked back, and ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    Reserved,
    Charged,
    Paid,
    Scheduled,
    Dispatched,
    Delivered,
    /// Nothing could be held.
    Short,
    Declined,
    Unserviceable,
    /// Nothing is sent and nothing will be.
    Unshipped,
    Refunded,
    Voided,
    Released,
}

/// How an order ended, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// Nothing where it was completed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancelled: Option<CancelReason>,
    pub at: Timestamp,
}

/// A step back that was tried in vain for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stuck {
    /// Whose step it is.
    pub service: String,
    /// How often it was tried.
    pub attempts: u32,
    /// Why the last attempt was in vain.
    pub reason: String,
    /// When it was said first.
    pub since: Timestamp,
}

impl Row for Order {
    const TABLE: &'static str = "order";
}

impl Order {
    /// An order of which the first event is about to be told.
    pub fn known_since(at: Timestamp) -> Order {
        Order {
            placed: None,
            known_since: at,
            facts: BTreeSet::new(),
            asked: None,
            failed: None,
            end: None,
            waits_for: None,
            since: at,
            stuck: None,
            events: 0,
            last_sequence: 0,
            lines: Vec::new(),
        }
    }

    /// The time by which it is sorted: when it was placed, or first heard of.
    pub fn age(&self) -> Timestamp {
        self.placed.as_ref().map_or(self.known_since, |placed| placed.at)
    }

    /// It is placed once.
    pub fn place(&mut self, placed: Placed) {
        self.placed.get_or_insert(placed);
    }

    /// It ends once: the first end holds.
    pub fn end(&mut self, end: End) {
        self.end.get_or_insert(end);
    }

    pub fn note(&mut self, fact: Fact) {
        self.facts.insert(fact);
    }

    pub fn has(&self, fact: Fact) -> bool {
        self.facts.contains(&fact)
    }
}

/// Somebody else's text as it is kept: of one line, and not long.
pub fn kept(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(TEXT_CHARACTERS).collect()
}

/// The reason in the contract's word.
pub fn word(reason: CancelReason) -> &'static str {
    match reason {
        CancelReason::OutOfStock => "out_of_stock",
        CancelReason::PaymentDeclined => "payment_declined",
        CancelReason::ShippingFailed => "shipping_failed",
        CancelReason::CustomerRequest => "customer_request",
        CancelReason::DeadlinePassed => "deadline_passed",
    }
}
