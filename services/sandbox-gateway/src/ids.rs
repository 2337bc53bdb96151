//! Names of things: `pi_…`, `ch_…`, `re_…`.
//!
//! An object's id is derived from its idempotency key. A client that asks again after this sandbox has lost its ledger is
//! charged again, but under the id that it already knows, so the loss shows on both sides.

use uuid::{Uuid, uuid};

use crate::ambient;

const NAMESPACE: Uuid = uuid!("6f1d0b0c-5a43-5d0e-9d8e-0c1a3a7a6e55");

/// The id of the object of kind `prefix` that a request with this idempotency key makes; a random one without a key.
pub fn object_id(prefix: &str, idempotency_key: Option<&str>) -> String {
    let id = match idempotency_key {
        Some(key) => Uuid::new_v5(&NAMESPACE, format!("{prefix}:{key}").as_bytes()),
        None => ambient::random_id(),
    };
    format!("{prefix}_{}", id.simple())
}

/// A digest of a request's content: equal for equal content.
pub fn digest(content: &[u8]) -> Uuid {
    Uuid::new_v5(&NAMESPACE, content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_key_names_one_object_of_each_kind() {
        assert_eq!(object_id("pi", Some("o-1")), object_id("pi", Some("o-1")));
        assert_ne!(object_id("pi", Some("o-1")), object_id("pi", Some("o-2")));
        assert_ne!(object_id("pi", Some("o-1"))[3..], object_id("ch", Some("o-1"))[3..]);
    }

    #[test]
    fn objects_without_a_key_are_all_different() {
        assert_ne!(object_id("pi", None), object_id("pi", None));
    }

    #[test]
    fn an_id_looks_like_stripes() {
        let id = object_id("re", Some("o-1"));
        assert!(id.starts_with("re_"), "{id}");
        assert!(id[3..].bytes().all(|b| b.is_ascii_alphanumeric()), "{id}");
    }
}
