//! The headers of a message, in two pieces of memory however many they are: a service reads a dozen with each message that it
//! hears, and most of them only once or never.

use std::{
    cmp::Ordering,
    fmt::{self, Display, Write},
    hash::{Hash, Hasher},
    ops::Index,
    slice,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Message headers, ascending by name; each name has one value. Names are case-sensitive on the wire.
#[derive(Clone, Default)]
pub struct Headers {
    /// Names and values, one behind the other, and what was removed or replaced.
    text: String,
    /// Where they stand, ascending by name.
    places: Vec<Place>,
}

/// Where a header stands in the text.
#[derive(Clone, Copy)]
struct Place {
    /// How its name begins, see [`beginning`].
    begins: u64,
    name: usize,
    value: usize,
    end: usize,
}

impl Place {
    fn name(self, text: &str) -> &str {
        &text[self.name..self.value]
    }

    fn value(self, text: &str) -> &str {
        &text[self.value..self.end]
    }

    /// In which order its name and `name`, which so begins, stand.
    fn compare(self, text: &str, begins: u64, name: &str) -> Ordering {
        self.begins.cmp(&begins).then_with(|| self.name(text).cmp(name))
    }
}

/// The first eight bytes of a name, in the order of names: nearly all names differ there, and two numbers are compared at once.
fn beginning(name: &str) -> u64 {
    let mut first = [0; 8];
    let length = name.len().min(first.len());
    first[..length].copy_from_slice(&name.as_bytes()[..length]);
    u64::from_be_bytes(first)
}

impl Headers {
    /// None.
    pub fn new() -> Headers {
        Headers::default()
    }

    /// None, with room for so many of them, and for so many bytes in their names and values.
    pub fn with_capacity(headers: usize, bytes: usize) -> Headers {
        Headers { text: String::with_capacity(bytes), places: Vec::with_capacity(headers) }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The value of this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        let at = self.find(name).ok()?;
        Some(self.places[at].value(&self.text))
    }

    /// Whether there is one of this name.
    pub fn contains_key(&self, name: &str) -> bool {
        self.find(name).is_ok()
    }

    /// Sets a header; a value that it had is replaced.
    pub fn insert(&mut self, name: &str, value: impl Display) {
        let at = self.find(name);
        let place =
            self.write(name, |text| write!(text, "{value}").expect("a value writes itself, and a text takes it"));
        match at {
            Ok(at) => self.places[at] = place,
            Err(at) => self.places.insert(at, place),
        }
    }

    /// Takes a header away; one that is not there is no error.
    pub fn remove(&mut self, name: &str) {
        if let Ok(at) = self.find(name) {
            self.places.remove(at);
        }
    }

    /// Takes away all but those that `keeps` says, given name and value.
    pub fn retain(&mut self, mut keeps: impl FnMut(&str, &str) -> bool) {
        let text = &self.text;
        self.places.retain(|place| keeps(place.name(text), place.value(text)));
    }

    /// Names and values, ascending by name.
    pub fn iter(&self) -> Iter<'_> {
        Iter { text: &self.text, places: self.places.iter() }
    }

    /// Where a header of this name stands, or where it would.
    fn find(&self, name: &str) -> Result<usize, usize> {
        let begins = beginning(name);
        self.places.binary_search_by(|place| place.compare(&self.text, begins, name))
    }

    /// Writes a name and a value behind all others, where nobody finds them yet.
    fn write(&mut self, name: &str, value: impl FnOnce(&mut String)) -> Place {
        let begin = self.text.len();
        self.text.push_str(name);
        let middle = self.text.len();
        value(&mut self.text);
        Place { begins: beginning(name), name: begin, value: middle, end: self.text.len() }
    }
}

/// Names and values of [`Headers`].
#[derive(Clone)]
pub struct Iter<'h> {
    text: &'h str,
    places: slice::Iter<'h, Place>,
}

impl<'h> Iterator for Iter<'h> {
    type Item = (&'h str, &'h str);

    fn next(&mut self) -> Option<(&'h str, &'h str)> {
        self.places.next().map(|place| (place.name(self.text), place.value(self.text)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.places.size_hint()
    }
}

impl<'h> IntoIterator for &'h Headers {
    type Item = (&'h str, &'h str);
    type IntoIter = Iter<'h>;

    fn into_iter(self) -> Iter<'h> {
        self.iter()
    }
}

/// However many they are: they are put in order once.
impl<N: AsRef<str>, V: AsRef<str>> Extend<(N, V)> for Headers {
    fn extend<T: IntoIterator<Item = (N, V)>>(&mut self, headers: T) {
        for (name, value) in headers {
            let place = self.write(name.as_ref(), |text| text.push_str(value.as_ref()));
            self.places.push(place);
        }
        let Headers { text, places } = self;
        // Of those with one name the last one stays.
        places.reverse();
        places.sort_by(|one, other| one.compare(text, other.begins, other.name(text)));
        places.dedup_by(|one, other| one.name(text) == other.name(text));
    }
}

/// Of a name that comes more than once, the last value.
impl<N: AsRef<str>, V: AsRef<str>> FromIterator<(N, V)> for Headers {
    fn from_iter<T: IntoIterator<Item = (N, V)>>(headers: T) -> Headers {
        let mut all = Headers::new();
        all.extend(headers);
        all
    }
}

impl<N: AsRef<str>, V: AsRef<str>, const COUNT: usize> From<[(N, V); COUNT]> for Headers {
    fn from(headers: [(N, V); COUNT]) -> Headers {
        headers.into_iter().collect()
    }
}

/// The value of a header that has to be there.
impl Index<&str> for Headers {
    type Output = str;

    fn index(&self, name: &str) -> &str {
        self.get(name).unwrap_or_else(|| panic!("there is no header {name}"))
    }
}

impl PartialEq for Headers {
    fn eq(&self, other: &Headers) -> bool {
        self.iter().eq(other)
    }
}

impl Eq for Headers {}

impl Hash for Headers {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.len().hash(hasher);
        self.iter().for_each(|pair| pair.hash(hasher));
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self).finish()
    }
}

impl Serialize for Headers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self)
    }
}

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Headers, D::Error> {
        deserializer.deserialize_map(Map)
    }
}

/// Reads them from a map.
struct Map;

impl<'de> de::Visitor<'de> for Map {
    type Value = Headers;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("headers, by name")
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Headers, A::Error> {
        std::iter::from_fn(|| map.next_entry::<String, String>().transpose()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_the_same_however_they_came() {
        let mut headers = Headers::from([("b", "1"), ("c", "2"), ("a", "3"), ("b", "4")]);
        headers.insert("d", 5);
        headers.remove("c");
        headers.remove("e");
        let pairs = [("a", "3"), ("b", "4"), ("d", "5")];
        assert_eq!(headers, Headers::from(pairs));
        assert_eq!(headers.iter().collect::<Vec<_>>(), pairs);
        assert_eq!((headers.get("b"), headers.get("c"), &headers["d"]), (Some("4"), None, "5"));
        assert_ne!(headers, Headers::from([("a", "3"), ("b", "4"), ("d", "6")]));
        headers.extend([("d", "7"), ("c", "8"), ("d", "5")]);
        assert_eq!(headers.iter().collect::<Vec<_>>(), [("a", "3"), ("b", "4"), ("c", "8"), ("d", "5")]);
        headers.retain(|name, value| name == "a" || value == "5");
        assert_eq!(headers, Headers::from([("a", "3"), ("d", "5")]));
    }

    #[test]
    fn headers_stand_in_the_order_of_their_names_however_those_begin() {
        let names =
            ["", "Nats-Batch", "Nats-Batch-Id", "ce-datas", "ce-datasch", "ce-dataschema", "ce-id", "ce-time", "ß"];
        let headers: Headers = names.iter().rev().map(|name| (name, name)).collect();
        assert!(headers.iter().map(|(name, _)| name).eq(names));
        let mut one_by_one = Headers::new();
        names.iter().rev().for_each(|name| one_by_one.insert(name, name));
        assert_eq!(one_by_one, headers);
        assert!(names.iter().all(|name| headers.get(name) == Some(name)), "{headers:?}");
        let others = ["c", "ce-data", "ce-datass", "ce-dataschemas"];
        assert!(others.iter().all(|name| headers.get(name).is_none()), "{headers:?}");
    }

    #[test]
    fn headers_stand_as_a_map_in_json() {
        let headers = Headers::from([("b", "\"quoted\""), ("a", "")]);
        let json = serde_json::to_string(&headers).unwrap();
        assert_eq!(json, r#"{"a":"","b":"\"quoted\""}"#);
        assert_eq!(serde_json::from_str::<Headers>(&json).unwrap(), headers);
        assert!(serde_json::from_str::<Headers>(r#"{"a":1}"#).is_err());
    }
}
