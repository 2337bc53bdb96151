//! Where a mail server is: `smtp://user:password@host:port`, `smtps://…`, with `?tls=required` or `?tls=opportunistic`, and
//! as its path the name that we say hello with. These are the addresses that `lettre` itself takes.

use std::str::FromStr;

use lettre::transport::smtp::{
    SMTP_PORT, SUBMISSION_PORT, SUBMISSIONS_PORT,
    authentication::Credentials,
    client::{Tls, TlsParameters},
    extension::ClientId,
};
use percent_encoding::percent_decode_str;
use url::{Host, Url};

/// Where a mail server is, and how it is spoken to. It has no `Debug`: it carries a password.
#[derive(Clone)]
pub struct Address {
    pub host: String,
    pub port: u16,
    pub tls: Tls,
    pub hello: ClientId,
    pub credentials: Option<Credentials>,
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Address, String> {
        let url = Url::parse(text).map_err(|error| error.to_string())?;
        let host = match url.host() {
            Some(Host::Ipv6(address)) => address.to_string(),
            Some(host) => host.to_string(),
            None => return Err("it names no host".to_owned()),
        };
        let parameters = || TlsParameters::new(host.clone()).map_err(|error| error.to_string());
        let wanted = url.query_pairs().find_map(|(name, value)| (name == "tls").then(|| value.into_owned()));
        let (port, tls) = match (url.scheme(), wanted.as_deref()) {
            ("smtp", None) => (SMTP_PORT, Tls::None),
            ("smtp", Some("required")) => (SUBMISSION_PORT, Tls::Required(parameters()?)),
            ("smtp", Some("opportunistic")) => (SUBMISSION_PORT, Tls::Opportunistic(parameters()?)),
            ("smtps", None) => (SUBMISSIONS_PORT, Tls::Wrapper(parameters()?)),
            ("smtp" | "smtps", Some(_)) => return Err("tls is neither required nor opportunistic".to_owned()),
            (scheme, _) => return Err(format!("{scheme} is neither smtp nor smtps")),
        };
        let hello = match url.path().trim_matches('/') {
            "" => ClientId::default(),
            name => ClientId::Domain(name.to_owned()),
        };
        let credentials = match url.password() {
            Some(password) => Some(Credentials::new(plain(url.username())?, plain(password)?)),
            None if url.username().is_empty() => None,
            None => return Err("it has a user and no password".to_owned()),
        };
        Ok(Address { port: url.port().unwrap_or(port), host, tls, hello, credentials })
    }
}

fn plain(encoded: &str) -> Result<String, String> {
    let decoded = percent_decode_str(encoded).decode_utf8();
    decoded.map(|it| it.into_owned()).map_err(|_| "its user or password is not UTF-8".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, host: &str, port: u16, tls: &str) -> Address {
        let address: Address = text.parse().unwrap_or_else(|why| panic!("{text}: {why}"));
        let spoken = match address.tls {
            Tls::None => "none",
            Tls::Opportunistic(_) => "opportunistic",
            Tls::Required(_) => "required",
            Tls::Wrapper(_) => "wrapped",
        };
        assert_eq!((address.host.as_str(), address.port, spoken), (host, port, tls), "{text}");
        address
    }

    #[test]
    fn an_address_says_where_the_server_is_and_how_it_is_spoken_to() {
        check("smtp://127.0.0.1:2525", "127.0.0.1", 2525, "none");
        check("smtp://mail.example", "mail.example", 25, "none");
        check("smtp://[::1]:2525", "::1", 2525, "none");
        check("smtp://mail.example?tls=required", "mail.example", 587, "required");
        check("smtp://mail.example:25?tls=opportunistic", "mail.example", 25, "opportunistic");
        check("smtps://mail.example", "mail.example", 465, "wrapped");
    }

    #[test]
    fn credentials_are_percent_decoded_and_the_path_is_who_we_are() {
        let address =
            check("smtps://me%40shop.example:p%2F%3As@mail.example/shop.example", "mail.example", 465, "wrapped");
        assert_eq!(address.credentials, Some(Credentials::new("me@shop.example".to_owned(), "p/:s".to_owned())));
        assert_eq!(address.hello, ClientId::Domain("shop.example".to_owned()));
        assert_eq!(check("smtp://mail.example", "mail.example", 25, "none").credentials, None);
    }

    #[test]
    fn what_is_no_address_of_a_mail_server_is_said() {
        for (bad, hint) in [
            ("mail.example", "relative URL"),
            ("http://mail.example", "neither smtp nor smtps"),
            ("smtp:mail.example", "names no host"),
            ("smtp://mail.example?tls=perhaps", "neither required nor opportunistic"),
            ("smtp://me@mail.example", "no password"),
            ("smtp://mail.example:mail", "invalid port"),
        ] {
            let why = bad.parse::<Address>().err().unwrap_or_else(|| panic!("{bad} was taken"));
            assert!(why.contains(hint), "{bad}: {why}");
        }
    }
}
