//! What happened to an order is known, and whose it is: the customer is told by one mail.

use chassis::{Effect, Turn, Unacceptable};
use events::{
    CustomerRegistered, CustomerUpdated, NotificationFailed, NotificationSent, OrderCancelled, OrderCompleted,
    OrderCreated, OrderId, PaymentFailed, ShippingDelivered, ShippingDispatched,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    letter::{Letter, one_line},
    rows::{Order, Placed, Recipient, State, order},
    template::{CHANNEL, News, Template},
};

/// The reason of a mail to a customer whom nobody registered.
const NO_ADDRESS: &str = "no_address";

/// How much of a reason is kept.
pub const REASON_CHARACTERS: usize = 100;

/// Send a mail. Its key is the order and the template: an order has one mail of each, and it is the same letter, under
/// the same message id, however often this is performed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// The order.
    pub order_id: OrderId,
    /// Which text.
    pub template: Template,
    /// When it was decided on: the date of the letter.
    pub at: Timestamp,
    /// Who gets it.
    pub to: Recipient,
    /// One line.
    pub subject: String,
    /// Plain text.
    pub text: String,
}

/// What the mail server decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailOutcome {
    /// It takes the mail.
    Sent,
    /// It does not, and never will.
    Refused {
        /// In the server's words.
        reason: String,
    },
}

impl Effect for Mail {
    const NAME: &'static str = "mail";
    type Outcome = MailOutcome;

    fn key(&self) -> String {
        key(&self.order_id, self.template)
    }
}

/// The key of the mail that tells of an order by `template`.
pub fn key(order_id: &OrderId, template: Template) -> String {
    format!("{order_id}/{template}")
}

pub fn note_recipient(turn: &mut Turn<'_>, event: &CustomerRegistered) -> Result<(), Unacceptable> {
    // A customer is registered once: what comes later, or late behind an update, changes nothing.
    if turn.row::<Recipient>(&event.customer_id).is_none() {
        let CustomerRegistered { customer_id, name, email } = event.clone();
        turn.put(customer_id, &Recipient { name, email });
    }
    Ok(())
}

pub fn note_change(turn: &mut Turn<'_>, event: &CustomerUpdated) -> Result<(), Unacceptable> {
    let CustomerUpdated { customer_id, name, email } = event.clone();
    turn.put(customer_id, &Recipient { name, email });
    Ok(())
}

pub fn note_order(turn: &mut Turn<'_>, event: &OrderCreated) -> Result<(), Unacceptable> {
    let mut order = order(turn, &event.order_id);
    // An order is placed once: what somebody types under its id later changes nothing.
    order.placed.get_or_insert_with(|| Placed::from(event));
    order.go_on(turn, &event.order_id);
    Ok(())
}

pub fn tell_on_order_completed(turn: &mut Turn<'_>, event: &OrderCompleted) -> Result<(), Unacceptable> {
    happened(turn, &event.order_id, News::OrderCompleted)
}

pub fn tell_on_order_cancelled(turn: &mut Turn<'_>, event: &OrderCancelled) -> Result<(), Unacceptable> {
    happened(turn, &event.order_id, News::OrderCancelled { reason: event.reason })
}

pub fn tell_on_payment_failed(turn: &mut Turn<'_>, event: &PaymentFailed) -> Result<(), Unacceptable> {
    let reason = one_line(&event.reason, REASON_CHARACTERS);
    happened(turn, &event.order_id, News::PaymentFailed { reason })
}

pub fn tell_on_shipping_dispatched(turn: &mut Turn<'_>, event: &ShippingDispatched) -> Result<(), Unacceptable> {
    happened(turn, &event.order_id, News::ShippingDispatched { shipment_id: event.shipment_id.clone() })
}

pub fn tell_on_shipping_delivered(turn: &mut Turn<'_>, event: &ShippingDelivered) -> Result<(), Unacceptable> {
    happened(turn, &event.order_id, News::ShippingDelivered { shipment_id: event.shipment_id.clone() })
}

fn happened(turn: &mut Turn<'_>, order_id: &OrderId, news: News) -> Result<(), Unacceptable> {
    let mut order: Order = order(turn, order_id);
    order.note(news);
    order.go_on(turn, order_id);
    Ok(())
}

/// Asks for the mail that tells of `news`; or says at once that nobody knows where it should go.
pub fn tell(turn: &mut Turn<'_>, order_id: &OrderId, placed: &Placed, news: &News) -> State {
    let template = news.template();
    let Some(to) = turn.row::<Recipient>(&placed.customer_id) else {
        say_failed(turn, order_id, template, NO_ADDRESS);
        return State::Failed { reason: NO_ADDRESS.to_owned() };
    };
    let Letter { subject, text } = Letter::about(order_id, placed, news, &to);
    turn.perform(&Mail { order_id: order_id.clone(), template, at: turn.now(), to, subject, text });
    State::Sending
}

/// Says what the mail server decided.
pub fn record_mail(turn: &mut Turn<'_>, mail: &Mail, outcome: &MailOutcome) -> Result<(), Unacceptable> {
    let Mail { order_id, template, .. } = mail;
    let mut order = order(turn, order_id);
    if order.mails.get(template) != Some(&State::Sending) {
        // An earlier self said how it ended.
        return Ok(());
    }
    let state = match outcome {
        MailOutcome::Sent => {
            let (channel, template) = (CHANNEL.to_owned(), template.to_string());
            turn.emit(&NotificationSent { order_id: order_id.clone(), channel, template });
            State::Sent
        }
        MailOutcome::Refused { reason } => {
            let reason = one_line(reason, REASON_CHARACTERS);
            say_failed(turn, order_id, *template, &reason);
            State::Failed { reason }
        }
    };
    order.mails.insert(*template, state);
    turn.put(order_id, &order);
    Ok(())
}

fn say_failed(turn: &mut Turn<'_>, order_id: &OrderId, template: Template, reason: &str) {
    let (channel, template) = (CHANNEL.to_owned(), template.to_string());
    turn.emit(&NotificationFailed { order_id: order_id.clone(), channel, template, reason: reason.to_owned() });
}
