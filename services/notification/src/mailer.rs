//! Who brings the mail: a mail server, or a folder where there is none. The settings say which.

use std::path::Path;

use chassis::{Pace, Perform, Retry, settings};
use lettre::message::Mailbox;

use crate::{
    forward::{Mail, MailOutcome},
    letter::one_line,
    mbox::{Entry, Mbox},
    message::{date, message},
    relay::Relay,
};

/// Sends mails.
#[derive(Clone)]
pub struct Mailer {
    from: Mailbox,
    way: Way,
}

#[derive(Clone)]
enum Way {
    Server(Relay),
    Folder(Mbox),
}

/// The mailer cannot be used as it is set.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// There is no such sender.
    #[error("MAIL_FROM={from:?} cannot be used ({why}): use one such as \"My Shop <orders@shop.example>\"")]
    From {
        /// Its value.
        from: String,
        /// What is wrong with it.
        why: String,
    },
    /// There is no such server.
    #[error(
        "SMTP_URL={url:?} cannot be used ({why}): use one such as smtp://user:password@mail.example:587?tls=required"
    )]
    Server {
        /// Its value, without credentials.
        url: String,
        /// What is wrong with it.
        why: String,
    },
}

impl Mailer {
    /// The mailer of `SMTP_URL`; without it, the folder `mail` in `data_dir`. `MAIL_FROM` is the sender.
    pub fn from_env(data_dir: &Path) -> Result<Mailer, Unusable> {
        let from = settings::text("MAIL_FROM", "Murmuration <orders@murmuration.example>");
        match settings::text("SMTP_URL", "").as_str() {
            "" => Mailer::into_folder(&data_dir.join("mail"), &from),
            url => Mailer::through_server(url, &from),
        }
    }

    /// How many mails go at once: a mail server takes fewer connections of one sender than a payment gateway does, and a
    /// folder writes what comes together with one sync.
    pub fn pace(&self) -> Pace {
        match &self.way {
            Way::Server(_) => Pace { at_once: 8, ..Pace::DEFAULT },
            Way::Folder(_) => Pace { at_once: 128, ..Pace::DEFAULT },
        }
    }

    /// Sends through the mail server at `url`.
    pub fn through_server(url: &str, from: &str) -> Result<Mailer, Unusable> {
        let shown = || settings::without_credentials(url);
        let relay = Relay::at(url).map_err(|why| Unusable::Server { url: shown(), why })?;
        Ok(Mailer { from: sender(from)?, way: Way::Server(relay) })
    }

    /// Appends the mails to files in the folder `path`, which is made with the first one. [`kept`](crate::kept) reads them.
    pub fn into_folder(path: &Path, from: &str) -> Result<Mailer, Unusable> {
        Ok(Mailer { from: sender(from)?, way: Way::Folder(Mbox::at(path)) })
    }
}

impl Perform<Mail> for Mailer {
    async fn perform(&self, mail: Mail) -> Result<MailOutcome, Retry> {
        let message = match message(&self.from, &mail) {
            Ok(message) => message,
            // It does not depend on anything that will be otherwise tomorrow.
            Err(why) => return Ok(MailOutcome::Refused { reason: one_line(&format!("bad_address: {why}"), 200) }),
        };
        match &self.way {
            Way::Server(relay) => relay.send(&message).await,
            Way::Folder(folder) => {
                let key = format!("{}.{}", mail.order_id, mail.template);
                let sender = self.from.email.as_ref();
                folder.keep(Entry::new(key, sender, date(mail.at), &message.formatted())).await?;
                Ok(MailOutcome::Sent)
            }
        }
    }
}

fn sender(from: &str) -> Result<Mailbox, Unusable> {
    let unusable = |why: String| Unusable::From { from: from.to_owned(), why };
    let mailbox: Mailbox = from.parse().map_err(|error: lettre::address::AddressError| unusable(error.to_string()))?;
    // Its domain stands in message ids.
    match AsRef::<str>::as_ref(&mailbox.email).is_ascii() {
        true => Ok(mailbox),
        false => Err(unusable("the address is not ASCII".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_that_cannot_be_used_is_said() {
        for bad in ["", "shop", "Shop <orders@>", "ä@shop.example", "orders@münchen.example"] {
            let said = sender(bad).unwrap_err().to_string();
            assert!(said.starts_with("MAIL_FROM=") && said.contains("My Shop <orders@shop.example>"), "{said}");
        }
        for good in ["orders@shop.example", "\"The Shop\" <orders@shop.example>", "Läden <orders@shop.example>"] {
            assert!(sender(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn a_server_that_cannot_be_used_is_said_without_its_credentials() {
        let url = "imap://me:s3cret@mail.example";
        let said = Mailer::through_server(url, "orders@shop.example").err().unwrap().to_string();
        assert!(said.starts_with("SMTP_URL=\"imap://mail.example\" cannot be used") && !said.contains("s3cret"));
    }
}
