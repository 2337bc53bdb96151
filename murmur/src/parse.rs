//! What is typed on the command line, read.

use std::{io::Read, str::FromStr, time::Duration};

use serde::Serialize;

use crate::Error;

/// A line of an order as it is typed: `widget:2`. Whether there is such a thing, and whether so many can be had, is for
/// the services to say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Item {
    pub sku: String,
    pub quantity: i64,
}

impl FromStr for Item {
    type Err = String;

    fn from_str(text: &str) -> Result<Item, String> {
        let how = || format!("{text:?} is not <sku>:<quantity>, such as widget:2");
        let (sku, quantity) = text.rsplit_once(':').ok_or_else(how)?;
        match quantity.parse() {
            Ok(quantity) if !sku.is_empty() => Ok(Item { sku: sku.to_owned(), quantity }),
            _ => Err(how()),
        }
    }
}

/// A header as it is typed: `name:value`. What a message cannot carry is refused, for it would be left out in silence.
pub(crate) fn header(text: &str) -> Result<(String, String), String> {
    let how = || format!("{text:?} is not a header: use name:value, such as ce-id:test-1");
    let (name, value) = text.split_once(':').ok_or_else(how)?;
    let (name, value) = (name.trim(), value.trim());
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_graphic()) || value.chars().any(char::is_control) {
        return Err(how());
    }
    Ok((name.to_owned(), value.to_owned()))
}

/// Where a command goes. Anything else would be stored as an event, and taken for one.
pub(crate) fn command(text: &str) -> Result<String, String> {
    match text.starts_with("svc.") || text.starts_with("$SRV.") {
        true => subject(text),
        false => Err("a command goes to svc.<service>.<command>: an event is published with `murmur pub`".to_owned()),
    }
}

/// A subject that can be published to.
pub(crate) fn subject(text: &str) -> Result<String, String> {
    let token = |token: &str| !token.is_empty() && !token.contains(|c: char| c.is_whitespace() || c.is_control());
    if text.len() <= 1000 && text.split('.').all(token) && !text.contains(['*', '>']) {
        return Ok(text.to_owned());
    }
    Err(format!("{text:?} is not a subject: use words joined by dots, such as order.created"))
}

/// Seconds, from 1 to a day.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(seconds @ 1..=86_400) => Ok(Duration::from_secs(seconds)),
        _ => Err("use whole seconds, from 1 to 86400".to_owned()),
    }
}

/// A body as it is typed; `-` stands for what comes on standard input.
pub(crate) fn body(typed: String) -> Result<Vec<u8>, Error> {
    if typed != "-" {
        return Ok(typed.into_bytes());
    }
    let mut body = Vec::new();
    let read = std::io::stdin().lock().read_to_end(&mut body);
    read.map_err(|source| Error::System { doing: "read standard input", source })?;
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_is_a_sku_and_a_quantity() {
        let item = |sku: &str, quantity| Ok(Item { sku: sku.to_owned(), quantity });
        assert_eq!("widget:2".parse(), item("widget", 2));
        assert_eq!("a:b:-1".parse(), item("a:b", -1));
        assert_eq!("widget:1000000000000000000".parse(), item("widget", 1_000_000_000_000_000_000));
        for bad in ["", "widget", "widget:", ":2", "widget:two", "widget:2.5", "widget:99999999999999999999"] {
            assert!(bad.parse::<Item>().unwrap_err().contains("widget:2"), "{bad:?} was taken");
        }
    }

    #[test]
    fn a_header_is_a_name_and_a_value() {
        assert_eq!(header("ce-id: test-1"), Ok(("ce-id".to_owned(), "test-1".to_owned())));
        assert_eq!(header("a:b:c"), Ok(("a".to_owned(), "b:c".to_owned())));
        assert_eq!(header("empty:"), Ok(("empty".to_owned(), String::new())));
        for bad in ["", "name", ":value", "a b:c", "name:a\r\nb:c", "n\u{e4}me:x"] {
            assert!(header(bad).is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn a_subject_has_no_wildcards_and_no_spaces() {
        for good in ["order.created", "svc.order.place", "$SRV.STATS"] {
            assert_eq!(subject(good), Ok(good.to_owned()));
        }
        for bad in ["", "order.", ".created", "order..created", "order.*", "order.>", "a b", "a\r\nb"] {
            assert!(subject(bad).is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn seconds_have_limits() {
        assert_eq!(seconds("30"), Ok(Duration::from_secs(30)));
        for bad in ["0", "-1", "1.5", "86401", "soon"] {
            assert!(seconds(bad).is_err(), "{bad:?} was taken");
        }
    }
}
