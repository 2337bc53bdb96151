//! A mail as it goes over the wire (RFC 5322).
//!
//! It is the same, byte for byte, however often it is sent: its date and its message id come from the effect. Where the
//! word of the server is lost it gets the mail again, and can tell by the message id.

use jiff::Timestamp;
use lettre::{
    Message,
    address::AddressError,
    message::{
        Mailbox,
        header::{ContentType, HeaderName, HeaderValue},
    },
};

use crate::{forward::Mail, letter::one_line};

/// More than a name or a subject may have.
const LINE_CHARACTERS: usize = 300;

/// `mail`, sent by `from`; or why it cannot be one.
pub fn message(from: &Mailbox, mail: &Mail) -> Result<Message, String> {
    let address = mail.to.email.parse().map_err(|error: AddressError| error.to_string())?;
    let id = format!("<{}.{}@{}>", mail.order_id, mail.template, from.email.domain());
    // The edge refuses names of several lines; the library would panic at one.
    let name = one_line(&mail.to.name, LINE_CHARACTERS);
    let by_itself = HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned());
    let message = Message::builder()
        .from(from.clone())
        .to(Mailbox::new(Some(name), address))
        .subject(one_line(&mail.subject, LINE_CHARACTERS))
        .date(date(mail.at).into())
        .message_id(Some(id))
        .raw_header(by_itself)
        .header(ContentType::TEXT_PLAIN);
    message.body(mail.text.clone()).map_err(|error| error.to_string())
}

/// A date that a mail can have. A time before 1970 was typed by hand.
pub fn date(at: Timestamp) -> Timestamp {
    at.max(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{rows::Recipient, template::Template};

    fn mail(name: &str, email: &str) -> Mail {
        Mail {
            order_id: events::OrderId::try_from("o-1").unwrap(),
            template: Template::OrderCompleted,
            at: "2026-01-02T03:04:05Z".parse().unwrap(),
            to: Recipient { name: name.to_owned(), email: email.to_owned() },
            subject: "Your order o-1".to_owned(),
            text: "Hello,\n\n.a line that starts with a point\n".to_owned(),
        }
    }

    fn wire(mail: &Mail) -> Result<String, String> {
        let from = "Shop <orders@shop.example>".parse().unwrap();
        Ok(String::from_utf8(message(&from, mail)?.formatted()).unwrap())
    }

    #[test]
    fn a_mail_is_the_same_letter_every_time() {
        let letter = wire(&mail("Alice", "alice@example.com")).unwrap();
        assert_eq!(wire(&mail("Alice", "alice@example.com")).unwrap(), letter);
        for header in [
            "Message-ID: <o-1.order_completed@shop.example>\r\n",
            "Date: Fri, 02 Jan 2026 03:04:05 +0000\r\n",
            "From: Shop <orders@shop.example>\r\n",
            "To: Alice <alice@example.com>\r\n",
            "Auto-Submitted: auto-generated\r\n",
            "Content-Type: text/plain; charset=utf-8\r\n",
        ] {
            assert!(letter.contains(header), "{header} is missing in {letter}");
        }
    }

    #[test]
    fn every_name_and_address_of_a_customer_is_a_header_of_its_own() {
        for name in ["Zoë Ångström", "李小龍", "O'Neil, \"Bob\" <x@y.example>", "a\\", "(comment)", &"ä".repeat(200)]
        {
            for email in ["a.b+c'd@x-1.example", "!#$%&'*+-/=?^_`{|}~@localhost", "root@1.2.3.4"] {
                let letter = wire(&mail(name, email)).unwrap_or_else(|why| panic!("{name} {email}: {why}"));
                let (headers, _) = letter.split_once("\r\n\r\n").unwrap();
                let new = |line: &&str| !line.starts_with(' ');
                assert_eq!(headers.split("\r\n").filter(new).count(), 8, "{headers}");
                assert!(letter.is_ascii() && letter.contains(&format!("<{email}>")), "{headers}");
            }
        }
    }

    #[test]
    fn what_got_past_the_edge_injects_nothing() {
        let letter = wire(&mail("Eve\r\nBcc: all@example.com", "eve@example.com")).unwrap();
        assert!(!letter.contains("\r\nBcc:"), "{letter}");
        assert!(wire(&mail("Eve", "eve@example.com\r\nBcc: all@example.com")).is_err());
    }

    #[test]
    fn a_date_that_was_typed_by_hand_is_one_that_a_mail_can_have() {
        for at in [Timestamp::MIN, Timestamp::UNIX_EPOCH, Timestamp::MAX] {
            wire(&Mail { at, ..mail("Alice", "alice@example.com") }).unwrap();
        }
    }
}
