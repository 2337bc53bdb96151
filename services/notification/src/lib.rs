//! Notifications: the customer is told, by mail, what became of an order. Nobody's saga depends on it.
//!
//! A mail is written once per order and template, as soon as it is known whose order it is, to the address that the
//! customer has then. Nobody waits for an address: a customer who is not known at that moment is not told
//! (`notification.failed`, `no_address`), and hears of what happens after the registration.

mod adopted;
mod forward;
mod letter;
mod mailer;
mod mbox;
mod message;
mod money;
mod relay;
mod rows;
mod run;
mod template;

pub use forward::{Mail, MailOutcome};
pub use mailer::{Mailer, Unusable};
pub use mbox::{Kept, kept};
pub use rows::Recipient;
pub use run::run;
pub use template::Template;

use chassis::Service;
use events::{
    CustomerRegistered, CustomerUpdated, NotificationFailed, NotificationSent, OrderCancelled, OrderCompleted,
    OrderCreated, PaymentFailed, ShippingDelivered, ShippingDispatched,
};

/// The service: what it hears, and what it then says and asks of the mail server.
pub fn notification() -> Service {
    Service::new("notification")
        // Whom to tell
        .on::<CustomerRegistered>(forward::note_recipient)
        .on::<CustomerUpdated>(forward::note_change)
        .on::<OrderCreated>(forward::note_order)
        .performs::<Mail>()
        .says::<NotificationFailed>()
        // What to tell
        .on::<OrderCompleted>(forward::tell_on_order_completed)
        .performs::<Mail>()
        .says::<NotificationFailed>()
        .on::<OrderCancelled>(forward::tell_on_order_cancelled)
        .performs::<Mail>()
        .says::<NotificationFailed>()
        .on::<PaymentFailed>(forward::tell_on_payment_failed)
        .performs::<Mail>()
        .says::<NotificationFailed>()
        .on::<ShippingDispatched>(forward::tell_on_shipping_dispatched)
        .performs::<Mail>()
        .says::<NotificationFailed>()
        .on::<ShippingDelivered>(forward::tell_on_shipping_delivered)
        .performs::<Mail>()
        .says::<NotificationFailed>()
        .settles::<Mail>(forward::record_mail)
        .says::<NotificationSent>()
        .says::<NotificationFailed>()
        // Its own facts, said by somebody else
        .adopts::<NotificationSent>(adopted::sent)
        .adopts::<NotificationFailed>(adopted::failed)
}
