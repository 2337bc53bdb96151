//! What the notification service knows: where mail reaches a customer, and of each order what the customer is told. The
//! row of an order gathers facts in whatever order they come.

use std::collections::{BTreeMap, btree_map::Entry};

use chassis::{Row, Turn};
use events::{CustomerId, Line, Money, OrderCreated, OrderId};
use serde::{Deserialize, Serialize};

use crate::{
    forward::tell,
    template::{News, Template},
};

/// Where mail reaches a customer, under the customer's id: a copy of what the customer service says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipient {
    /// For people.
    pub name: String,
    /// Where mail goes.
    pub email: String,
}

impl Row for Recipient {
    const TABLE: &'static str = "recipient";
}

/// What is known of an order, under its id.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Order {
    /// Whose it is and what is in it; nothing while only later facts are known.
    pub placed: Option<Placed>,
    /// What happened before it was known whose order it is.
    pub waiting: Vec<News>,
    /// The mails that were decided on.
    pub mails: BTreeMap<Template, State>,
}

impl Row for Order {
    const TABLE: &'static str = "order";
    const ENDS: bool = true;

    /// When the last mail is out, and while it is not known whose order it is.
    fn is_over(&self) -> bool {
        let told = |last: Template| self.mails.get(&last).is_some_and(|mail| *mail != State::Sending);
        self.placed.is_none() || told(Template::OrderCancelled) || told(Template::ShippingDelivered)
    }
}

/// How many lines of an order a mail lists at most: row and mail have to fit into the store.
const LINES_AT_MOST: usize = 20;

/// Whose order it is, and what is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placed {
    pub customer_id: CustomerId,
    /// The first lines.
    pub items: Vec<Line>,
    /// How many lines there are beside them.
    pub more: usize,
    /// The sum of all lines.
    pub total: Money,
}

impl From<&OrderCreated> for Placed {
    fn from(event: &OrderCreated) -> Placed {
        Placed {
            customer_id: event.customer_id.clone(),
            items: event.items.iter().take(LINES_AT_MOST).cloned().collect(),
            more: event.items.len().saturating_sub(LINES_AT_MOST),
            total: event.due(),
        }
    }
}

/// How far a mail is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "status")]
pub enum State {
    /// On its way to the mail server.
    Sending,
    /// Handed over.
    Sent,
    /// Nobody takes it.
    Failed { reason: String },
}

impl Order {
    /// Notes something that the customer is told of. What is said of it again changes nothing.
    pub fn note(&mut self, news: News) {
        if self.waiting.iter().all(|known| known.template() != news.template()) {
            self.waiting.push(news);
        }
    }

    /// Decides on a mail for everything that happened, once it is known whose order it is, and keeps the row.
    pub fn go_on(mut self, turn: &mut Turn<'_>, order_id: &OrderId) {
        if let Some(placed) = &self.placed {
            for news in std::mem::take(&mut self.waiting) {
                if let Entry::Vacant(mail) = self.mails.entry(news.template()) {
                    mail.insert(tell(turn, order_id, placed, &news));
                }
            }
        }
        turn.put(order_id, &self);
    }
}

/// The order, or what is known of one that was not heard of yet.
pub fn order(turn: &Turn<'_>, order_id: &OrderId) -> Order {
    turn.row(order_id).unwrap_or_default()
}
