//! One idempotency key, one request, one answer.
//!
//! While a request under a key is in flight, nobody else gets that key. Once it made a ledger entry, the key stands for
//! that entry for ever, across restarts. A request that was refused gives the key back.

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex, MutexGuard},
};

use axum::{
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
};
use uuid::Uuid;

use crate::{entry::Entry, refusal::Refusal};

/// The request header.
const HEADER: &str = "idempotency-key";
/// Stripe's limit, in bytes.
const LONGEST: usize = 255;

/// The idempotency key of a request, if it has one.
#[derive(Debug)]
pub struct Key(pub Option<String>);

/// The keys of the requests in flight, each with the digest of what its request asks for.
#[derive(Default)]
pub struct Keys {
    in_flight: Mutex<HashMap<String, Uuid>>,
}

/// What a key opens.
#[derive(Debug)]
pub enum Opening {
    /// The key is new, and held.
    New(Hold),
    /// The key made this entry, and nothing is to be done.
    Known(Arc<Entry>),
}

/// A key in flight, until this is dropped.
pub struct Hold {
    keys: Arc<Keys>,
    key: String,
}

impl Keys {
    /// Takes a key for a request. `known` looks in the book.
    ///
    /// # Errors
    /// 409 while another request has the key; 400 if the key was first used for something else; 500 where the book cannot be
    /// read.
    pub fn open(
        self: &Arc<Self>,
        key: &str,
        request: Uuid,
        known: impl FnOnce(&str) -> io::Result<Option<Arc<Entry>>>,
    ) -> Result<Opening, Refusal> {
        // Held over the look into the book: a request enters its entry first and gives its key back then, so one that is
        // in neither place has not happened.
        let mut in_flight = self.in_flight();
        if let Some(&first) = in_flight.get(key) {
            check_same(key, first, request)?;
            return Err(Refusal::key_in_use(key));
        }
        if let Some(entry) = known(key)? {
            check_same(key, entry.request, request)?;
            return Ok(Opening::Known(entry));
        }
        in_flight.insert(key.to_owned(), request);
        Ok(Opening::New(Hold { keys: Arc::clone(self), key: key.to_owned() }))
    }

    fn in_flight(&self) -> MutexGuard<'_, HashMap<String, Uuid>> {
        self.in_flight.lock().expect("looking a key up does not panic")
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.keys.in_flight().remove(&self.key);
    }
}

impl std::fmt::Debug for Hold {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Hold").field(&self.key).finish()
    }
}

impl<S: Sync> FromRequestParts<S> for Key {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let Some(value) = parts.headers.get(HEADER) else {
            return Ok(Self(None));
        };
        match value.to_str() {
            Ok(key) if (1..=LONGEST).contains(&key.len()) => Ok(Self(Some(key.to_owned()))),
            _ => {
                let message = format!("The Idempotency-Key must have 1 to {LONGEST} ASCII characters.");
                Err(Refusal::malformed(StatusCode::BAD_REQUEST, message))
            }
        }
    }
}

fn check_same(key: &str, first: Uuid, request: Uuid) -> Result<(), Refusal> {
    if first == request { Ok(()) } else { Err(Refusal::key_of_another_request(key)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{book::tests::charge, ids};

    #[track_caller]
    fn check(opening: Result<Opening, Refusal>, expected: &str) {
        let shown = format!("{opening:?}");
        assert!(shown.contains(expected), "{shown}");
    }

    #[test]
    fn a_key_in_flight_is_nobody_elses() {
        let keys = Arc::new(Keys::default());
        let request = ids::digest(b"a");
        let first = keys.open("a", request, |_| Ok(None));
        check(keys.open("a", request, |_| Ok(None)), "idempotency_key_in_use");
        check(keys.open("a", ids::digest(b"b"), |_| Ok(None)), "idempotency_error");
        check(keys.open("b", request, |_| Ok(None)), "New");
        check(first, "New");
    }

    #[test]
    fn a_refused_request_gives_its_key_back() {
        let keys = Arc::new(Keys::default());
        drop(keys.open("a", ids::digest(b"a"), |_| Ok(None)));
        check(keys.open("a", ids::digest(b"b"), |_| Ok(None)), "New");
    }

    #[test]
    fn a_key_that_made_an_entry_stands_for_it() {
        let keys = Arc::new(Keys::default());
        let entry = Arc::new(charge("pi_1", "a", 100));
        let known = |_: &str| Ok(Some(Arc::clone(&entry)));
        check(keys.open("a", entry.request, known), "Known");
        check(keys.open("a", ids::digest(b"other"), known), "idempotency_error");
    }
}
