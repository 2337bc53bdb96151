//! The one way from a typed event to the wire and back.

use serde::{Serialize, de::DeserializeOwned};

use crate::{Envelope, Error, Key, Role};

/// The largest body of an event. Above it, a store would put the row that holds it where no sync reaches.
pub const MAX_BODY_BYTES: usize = 6 * 1024;

/// A fact that a service says: past tense, immutable, about one key.
pub trait Event: Serialize + DeserializeOwned + Clone + std::fmt::Debug + PartialEq + Send + Sync + 'static {
    /// The event's type, `<producer>.<event>`.
    const TYPE: &'static str;
    /// The version that is written.
    const VERSION: u32;
    /// What it is to its saga: whether something has to follow, and whether there has to be a way back.
    const ROLE: Role;

    /// What it is about.
    fn key(&self) -> Key;

    /// Reads a body of any version that must still be taken.
    fn read(envelope: &Envelope, body: &[u8]) -> Result<Self, Error> {
        match version(envelope, Self::TYPE, Self::VERSION)? {
            None => parse(Self::TYPE, body),
            Some(version) if version == Self::VERSION => parse(Self::TYPE, body),
            Some(version) => Err(unknown(Self::TYPE, &version.to_string(), Self::VERSION)),
        }
    }

    /// What types alone cannot say: why this event cannot be true.
    fn check(&self) -> Result<(), String> {
        Ok(())
    }
}

/// The body of `event` as JSON.
pub fn encode<E: Event>(event: &E) -> Result<Vec<u8>, Error> {
    let body = serde_json::to_vec(event)
        .map_err(|error| Error::Malformed { kind: E::TYPE.to_owned(), why: error.to_string() })?;
    if body.len() > MAX_BODY_BYTES {
        return Err(Error::TooLarge { bytes: body.len() });
    }
    Ok(body)
}

/// The event that a message carries.
pub fn decode<E: Event>(envelope: &Envelope, body: &[u8]) -> Result<E, Error> {
    if body.len() > MAX_BODY_BYTES {
        return Err(Error::TooLarge { bytes: body.len() });
    }
    let event = E::read(envelope, body)?;
    event.check().map_err(|why| Error::Invalid { kind: E::TYPE.to_owned(), why })?;
    match envelope.subject.key() {
        Some(key) if *key != event.key() => {
            Err(Error::KeyMismatch { subject: key.to_string(), body: event.key().to_string() })
        }
        _ => Ok(event),
    }
}

pub(crate) fn parse<T: DeserializeOwned>(kind: &str, body: &[u8]) -> Result<T, Error> {
    let malformed = |why: String| Error::Malformed { kind: kind.to_owned(), why };
    // serde would take the fields from an array too, in the order in which they happen to be declared.
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(malformed("a JSON object is expected".to_owned()));
    }
    serde_json::from_slice(body).map_err(|error| malformed(error.to_string()))
}

/// The version that the envelope names, as a number that is not newer than `newest`.
pub(crate) fn version(envelope: &Envelope, kind: &str, newest: u32) -> Result<Option<u32>, Error> {
    let Some(text) = &envelope.version else { return Ok(None) };
    match text.parse() {
        Ok(version) if version <= newest => Ok(Some(version)),
        _ => Err(unknown(kind, text, newest)),
    }
}

pub(crate) fn unknown(kind: &str, version: &str, newest: u32) -> Error {
    Error::UnknownVersion { kind: kind.to_owned(), version: version.to_owned(), newest }
}

/// Ties a body to its type, its version, its key and its role.
macro_rules! event {
    ($name:ident, $kind:literal, $key:ident, $role:ident) => {
        impl $crate::Event for $name {
            const TYPE: &'static str = $kind;
            const VERSION: u32 = 1;
            const ROLE: $crate::Role = $crate::Role::$role;
            fn key(&self) -> $crate::Key {
                $crate::Key::from(&self.$key)
            }
        }
    };
}
pub(crate) use event;
