//! Headers, to and from the client library's own map.

use async_nats::{HeaderMap, HeaderName, HeaderValue};
use events::Headers;

/// For the wire. A value that no message can carry is left out; what comes from the wire or from an envelope never is.
pub(crate) fn to_wire(headers: &Headers) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse::<HeaderValue>()) {
            map.insert(name, value);
        }
    }
    map
}

/// From the wire; of a header that is there more than once, the first value.
pub(crate) fn from_wire(map: Option<&HeaderMap>) -> Headers {
    let Some(map) = map else { return Headers::new() };
    let pairs = || map.iter().filter_map(first);
    let bytes = pairs().map(|(name, value)| name.len() + value.len()).sum();
    let mut headers = Headers::with_capacity(map.len(), bytes);
    headers.extend(pairs());
    headers
}

fn first<'m>((name, values): (&'m HeaderName, &'m Vec<HeaderValue>)) -> Option<(&'m str, &'m str)> {
    Some((name.as_ref(), values.first()?.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_header_that_comes_twice_the_first_value_is_read_and_one_without_a_value_is_there() {
        let mut map = HeaderMap::new();
        map.append("ce-id", "one");
        map.append("ce-id", "another");
        map.append("Odd", "");
        assert_eq!(from_wire(Some(&map)), Headers::from([("ce-id", "one"), ("Odd", "")]));
        assert!(from_wire(None).is_empty());
    }

    #[test]
    fn headers_come_back_from_the_wire_as_they_went() {
        let headers = Headers::from([("ce-id", "one"), ("ce-time", "2026-01-01T00:00:00Z")]);
        assert_eq!(from_wire(Some(&to_wire(&headers))), headers);
    }
}
