//! The mail server, over SMTP (RFC 5321), a connection for each mail.
//!
//! What the server says about the recipient or the letter decides. Everything before that (the connection, TLS, the
//! password, our own address) is about us: it is tried again until somebody has mended it, and no mail is lost meanwhile.

mod address;

use std::time::Duration;

use chassis::Retry;
use lettre::{
    Message,
    transport::smtp::{
        Error,
        authentication::DEFAULT_MECHANISMS,
        client::{AsyncSmtpConnection, Tls},
        commands::{Data, Mail as MailFrom, Rcpt},
    },
};
use tokio::time::timeout;

use self::address::Address;
use crate::{forward::MailOutcome, letter::one_line};

/// How long the server has to take the connection.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// How long it has for all of a mail. Some let senders wait on purpose.
const SEND_WITHIN: Duration = Duration::from_secs(45);
/// How long it has to say goodbye, when all is done.
const QUIT_WITHIN: Duration = Duration::from_secs(1);

/// How much of the server's words is kept.
const WORDS_CHARACTERS: usize = 200;

/// A mail server that takes our mail.
#[derive(Clone)]
pub struct Relay {
    address: Address,
}

impl Relay {
    /// The server at `url`; or why that cannot be one.
    pub fn at(url: &str) -> Result<Relay, String> {
        Ok(Relay { address: url.parse()? })
    }

    /// Hands `message` over, once. An answer that is lost is no answer: the server may get the message again.
    pub async fn send(&self, message: &Message) -> Result<MailOutcome, Retry> {
        let silent = |_| Retry::because(format!("the mail server did not answer within {SEND_WITHIN:?}"));
        let (result, mut connection) = timeout(SEND_WITHIN, async {
            let mut connection = self.connect().await.map_err(|error| undecided("before it was asked", &error))?;
            Ok((hand_over(&mut connection, message).await, connection))
        })
        .await
        .map_err(silent)??;
        // It is decided: that the server does not say goodbye changes nothing.
        drop(timeout(QUIT_WITHIN, connection.quit()).await);
        result
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Error> {
        let Address { host, port, tls, hello, credentials } = &self.address;
        let wrapped = match tls {
            Tls::Wrapper(parameters) => Some(parameters.clone()),
            _ => None,
        };
        let server = (host.as_str(), *port);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(server, Some(CONNECT_WITHIN), hello, wrapped, None).await?;
        match tls {
            Tls::Required(parameters) => connection.starttls(parameters.clone(), hello).await?,
            Tls::Opportunistic(parameters) if connection.can_starttls() => {
                connection.starttls(parameters.clone(), hello).await?;
            }
            _ => {}
        }
        if let Some(credentials) = credentials {
            connection.auth(DEFAULT_MECHANISMS, credentials).await?;
        }
        Ok(connection)
    }
}

/// The dialogue about one mail.
async fn hand_over(connection: &mut AsyncSmtpConnection, message: &Message) -> Result<MailOutcome, Retry> {
    let envelope = message.envelope();
    let sender = MailFrom::new(envelope.from().cloned(), Vec::new());
    connection.command(sender).await.map_err(|error| undecided("about the sender", &error))?;
    for recipient in envelope.to() {
        if let Err(error) = connection.command(Rcpt::new(recipient.clone(), Vec::new())).await {
            return decided("about the recipient", &error);
        }
    }
    if let Err(error) = connection.command(Data).await {
        return decided("about the letter", &error);
    }
    match connection.message(&message.formatted()).await {
        Ok(_) => Ok(MailOutcome::Sent),
        Err(error) => decided("about the letter", &error),
    }
}

/// A refusal for good is an outcome.
fn decided(about: &str, error: &Error) -> Result<MailOutcome, Retry> {
    match error.is_permanent() {
        true => Ok(MailOutcome::Refused { reason: words(error) }),
        false => Err(undecided(about, error)),
    }
}

fn undecided(about: &str, error: &Error) -> Retry {
    Retry::because(match error.status() {
        Some(_) => format!("the mail server answered {about}: {}", words(error)),
        None => format!("the mail server cannot be reached, or the connection broke: {}", words(error)),
    })
}

/// The server's code and words; or what went wrong on the way.
fn words(error: &Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    let code = error.status().map(|code| format!("{code} ")).unwrap_or_default();
    one_line(&format!("{code}{cause}"), WORDS_CHARACTERS)
}
