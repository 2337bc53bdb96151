//! The mailer against a mail server on a real socket, and against a real folder.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod folder;
mod server;
mod sink;

use events::OrderId;
use notification::{Mail, Recipient, Template};

/// Our own address.
const FROM: &str = "Shop <orders@shop.example>";

/// A text that is not ASCII, with lines that mean something to SMTP, and a long one.
const TEXT: &str = "Hello Zoë,\n\n.\n..\n.hidden\nFrom here on\nQUIT\n";

/// A mail about the order `order_id`.
fn mail(order_id: &str) -> Mail {
    Mail {
        order_id: OrderId::try_from(order_id).unwrap(),
        template: Template::OrderCompleted,
        at: "2026-01-02T03:04:05Z".parse().unwrap(),
        to: Recipient { name: "Zoë Archer".to_owned(), email: "zoe@example.com".to_owned() },
        subject: format!("Your order {order_id}"),
        text: format!("{TEXT}{}\n", "long ".repeat(300)),
    }
}
