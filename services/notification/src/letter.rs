//! What a mail says: a subject and plain text for each template. Pure: the same facts give the same letter.

use events::{CancelReason, Line, OrderId};

use crate::{
    money::{priced, shown},
    rows::{Placed, Recipient},
    template::News,
};

/// A mail's subject and text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// One line, of ASCII.
    pub subject: String,
    /// Plain text; lines end in `\n`.
    pub text: String,
}

impl Letter {
    /// The letter that tells `to` of `news`.
    pub fn about(order_id: &OrderId, placed: &Placed, news: &News, to: &Recipient) -> Letter {
        let (subject, message) = match news {
            News::OrderCompleted => (
                format!("Your order {order_id} is paid and will be sent"),
                "thank you for your order. It is paid, and a carrier is booked.".to_owned(),
            ),
            News::OrderCancelled { reason } => (
                format!("Your order {order_id} is cancelled"),
                format!("your order is cancelled: {}. What you had paid for it is refunded.", cancelled(*reason)),
            ),
            News::PaymentFailed { reason } => (
                format!("The payment of your order {order_id} failed"),
                format!("your order could not be charged: {}. You have paid nothing.", declined(reason)),
            ),
            News::ShippingDispatched { shipment_id } => (
                format!("Your order {order_id} is on its way"),
                format!("your order has left our house, as shipment {shipment_id}."),
            ),
            News::ShippingDelivered { shipment_id } => (
                format!("Your order {order_id} is delivered"),
                format!("your order is delivered, as shipment {shipment_id}."),
            ),
        };
        let text = format!("Hello {},\n\n{message}\n\nOrder {order_id}\n{}", to.name, contents(placed));
        Letter { subject, text }
    }
}

/// The lines of an order and its total.
fn contents(placed: &Placed) -> String {
    let line = |Line { sku, quantity, unit_price }: &Line| {
        format!("  {quantity} x {sku} at {}\n", priced(*unit_price, placed.total.currency))
    };
    let lines: String = placed.items.iter().map(line).collect();
    let more = match placed.more {
        0 => String::new(),
        1 => "  and 1 line more\n".to_owned(),
        more => format!("  and {more} lines more\n"),
    };
    format!("{lines}{more}Total: {}\n", shown(placed.total))
}

fn cancelled(reason: CancelReason) -> &'static str {
    match reason {
        CancelReason::OutOfStock => "not everything that you ordered is in stock",
        CancelReason::PaymentDeclined => "the payment was declined",
        CancelReason::ShippingFailed => "no carrier delivers to your address",
        CancelReason::CustomerRequest => "you asked for it",
        CancelReason::DeadlinePassed => "it could not be fulfilled in time",
    }
}

/// The gateway's word for it in the customer's.
fn declined(reason: &str) -> String {
    match reason {
        "card_declined" | "generic_decline" => "the card was declined".to_owned(),
        "insufficient_funds" => "there is not enough money on the account".to_owned(),
        "expired_card" => "the card has expired".to_owned(),
        "incorrect_cvc" | "incorrect_number" => "the number of the card or its check digits are wrong".to_owned(),
        other => other.replace('_', " "),
    }
}

/// The first `most` characters of somebody else's words, as one line.
pub fn one_line(words: &str, most: usize) -> String {
    words.chars().map(|it| if it.is_control() { ' ' } else { it }).take(most).collect()
}

#[cfg(test)]
mod tests {
    use events::{Currency, CustomerId, MinorUnits, Money, Quantity, ShipmentId, Sku};

    use super::*;

    fn placed(lines: usize, more: usize) -> Placed {
        let line = Line {
            sku: Sku::try_from("widget").unwrap(),
            quantity: Quantity::try_from(2).unwrap(),
            unit_price: MinorUnits(1999),
        };
        let customer_id = CustomerId::try_from("alice").unwrap();
        let total = Money { amount: MinorUnits(3998), currency: Currency::USD };
        Placed { customer_id, items: vec![line; lines], more, total }
    }

    fn letter(news: &News) -> Letter {
        let to = Recipient { name: "Zoë Archer".to_owned(), email: "zoe@example.com".to_owned() };
        Letter::about(&OrderId::try_from("o-1").unwrap(), &placed(1, 0), news, &to)
    }

    #[track_caller]
    fn check(news: &News, subject: &str, sentence: &str) {
        let Letter { subject: said, text } = letter(news);
        assert_eq!(said, subject);
        let expected =
            format!("Hello Zoë Archer,\n\n{sentence}\n\nOrder o-1\n  2 x widget at 19.99 USD\nTotal: 39.98 USD\n");
        assert_eq!(text, expected);
    }

    #[test]
    fn each_template_says_what_happened_to_which_order() {
        let shipment_id = || ShipmentId::try_from("s-1").unwrap();
        let reason = CancelReason::OutOfStock;
        check(
            &News::OrderCompleted,
            "Your order o-1 is paid and will be sent",
            "thank you for your order. It is paid, and a carrier is booked.",
        );
        check(
            &News::OrderCancelled { reason },
            "Your order o-1 is cancelled",
            "your order is cancelled: not everything that you ordered is in stock. What you had paid for it is refunded.",
        );
        check(
            &News::PaymentFailed { reason: "card_declined".to_owned() },
            "The payment of your order o-1 failed",
            "your order could not be charged: the card was declined. You have paid nothing.",
        );
        check(
            &News::ShippingDispatched { shipment_id: shipment_id() },
            "Your order o-1 is on its way",
            "your order has left our house, as shipment s-1.",
        );
        check(
            &News::ShippingDelivered { shipment_id: shipment_id() },
            "Your order o-1 is delivered",
            "your order is delivered, as shipment s-1.",
        );
    }

    #[test]
    fn a_reason_that_nobody_foresaw_is_shown_as_it_is() {
        assert_eq!(declined("do_not_honor"), "do not honor");
    }

    #[test]
    fn lines_that_are_not_listed_are_counted() {
        assert!(contents(&placed(2, 1)).contains("and 1 line more\nTotal"));
        assert!(contents(&placed(2, 7)).contains("and 7 lines more\nTotal"));
    }

    #[test]
    fn somebody_elses_words_are_one_short_line() {
        assert_eq!(one_line("a\r\nb\0c", 100), "a  b c");
        assert_eq!(one_line(&"ä".repeat(200), 100), "ä".repeat(100));
    }
}
