//! What the customer service says. The key is the customer id.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::CustomerId;

/// The longest name, in characters.
const MAX_NAME_CHARACTERS: usize = 200;

/// The longest address that a mail server has to take (RFC 5321, 4.5.3.1.3, less the angle brackets).
const MAX_EMAIL_BYTES: usize = 254;

/// A customer is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CustomerRegistered {
    /// The customer.
    pub customer_id: CustomerId,
    /// For people.
    pub name: String,
    /// Where mail goes.
    pub email: String,
}

/// A customer's name or address changed; both are as they are now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CustomerUpdated {
    /// The customer.
    pub customer_id: CustomerId,
    /// For people.
    pub name: String,
    /// Where mail goes.
    pub email: String,
}

macro_rules! about_a_customer {
    ($name:ident, $kind:literal) => {
        impl crate::Event for $name {
            const TYPE: &'static str = $kind;
            const VERSION: u32 = 1;
            const ROLE: crate::Role = crate::Role::News;

            fn key(&self) -> crate::Key {
                crate::Key::from(&self.customer_id)
            }

            fn check(&self) -> Result<(), String> {
                check_name(&self.name)?;
                check_email(&self.email)
            }
        }
    };
}
about_a_customer!(CustomerRegistered, "customer.registered");
about_a_customer!(CustomerUpdated, "customer.updated");

/// A name stands in the header of a mail: one line, of a length that a person may have.
fn check_name(name: &str) -> Result<(), String> {
    let characters = name.chars().count();
    if name.trim().is_empty() || characters > MAX_NAME_CHARACTERS {
        return Err(format!("the name has {characters} characters: use 1 to {MAX_NAME_CHARACTERS}, not only blanks"));
    }
    match name.chars().any(char::is_control) {
        true => Err("the name has a line break or another control character: leave it out".to_owned()),
        false => Ok(()),
    }
}

fn check_email(email: &str) -> Result<(), String> {
    if email.len() > MAX_EMAIL_BYTES {
        return Err(format!("the email address has {} bytes: use at most {MAX_EMAIL_BYTES}", email.len()));
    }
    let sound = email.split_once('@').is_some_and(|(local, domain)| is_local_part(local) && is_domain(domain));
    match sound {
        true => Ok(()),
        false => Err(format!("{email:?} is not an email address: use one such as alice@example.com")),
    }
}

/// A dot-atom of ASCII (RFC 5322, 3.2.3). What would have to be quoted is in nobody's real address.
fn is_local_part(text: &str) -> bool {
    let is_atext = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
    text.len() <= 64 && text.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(is_atext))
}

/// A host name (RFC 1123, 2.1); one in another script as it stands in the DNS, `xn--…`.
fn is_domain(text: &str) -> bool {
    text.split('.').all(|label| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Event;

    fn check(name: &str, email: &str) -> Result<(), String> {
        let customer_id = CustomerId::try_from("alice").unwrap();
        CustomerRegistered { customer_id, name: name.to_owned(), email: email.to_owned() }.check()
    }

    #[test]
    fn a_name_is_one_line_of_one_to_200_characters() {
        for good in ["A", "Zoë Ångström-O'Neil", "李小龍", &"ä".repeat(200)] {
            assert_eq!(check(good, "a@b.example"), Ok(()), "{good:?}");
        }
        for (bad, hint) in [
            ("", "0 characters"),
            ("  ", "not only blanks"),
            (&*"x".repeat(201), "201 characters"),
            ("Eve\r\nBcc: all@example.com", "control character"),
            ("Eve\0", "control character"),
            ("Eve\u{85}", "control character"),
        ] {
            assert!(check(bad, "a@b.example").unwrap_err().contains(hint), "{bad:?}");
        }
    }

    #[test]
    fn an_email_address_is_one_that_a_mail_server_takes() {
        for good in ["alice@example.com", "a.b+c'd@x-1.example", "root@localhost", "a@xn--bcher-kva.example"] {
            assert_eq!(check("Alice", good), Ok(()), "{good:?}");
        }
        for bad in [
            "",
            "alice",
            "@example.com",
            "alice@",
            "a@b@c.example",
            "a..b@c.example",
            ".a@c.example",
            "a@-c.example",
            "a@c..example",
            "a b@c.example",
            "\"a b\"@c.example",
            "Alice <a@c.example>",
            "a@c.example\r\nBcc: all@example.com",
            "a\0@c.example",
            "ä@c.example",
            "a@c.example,b@c.example",
        ] {
            assert!(check("Alice", bad).unwrap_err().contains("is not an email address"), "{bad:?} was taken");
        }
        let long = format!("{}@{}.example", "a".repeat(64), vec!["b".repeat(60); 4].join("."));
        assert!(check("Alice", &long).unwrap_err().contains("at most 254"), "{long}");
    }
}
