//! Identifiers. Every id is one subject token, so that any of them can be a key and none can break a subject, a header
//! or a file name.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha1::{Digest, Sha1};
use uuid::{Builder, Uuid};

/// The namespace of every id that is derived here (UUIDv5, RFC 9562 section 5.5). They are made for every message, with the
/// processor's own SHA-1, which [`Uuid::new_v5`] does not use.
const NAMESPACE: Uuid = Uuid::from_u128(0x6d75_726d_7572_6174_696f_6e00_6576_656e);

/// The identity of an event: the same cause handled twice gives the same id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(Uuid);

impl EventId {
    /// The id that is derived from `parts`, in their order. Equal parts give equal ids, on every machine, for ever.
    pub fn derived(parts: &[&str]) -> EventId {
        let mut sha1 = Sha1::new_with_prefix(NAMESPACE.as_bytes());
        for (at, part) in parts.iter().enumerate() {
            if at > 0 {
                sha1.update([0]);
            }
            sha1.update(part.as_bytes());
        }
        let digest: [u8; 20] = sha1.finalize().into();
        let [id @ .., _, _, _, _] = digest;
        EventId(Builder::from_sha1_bytes(id).into_uuid())
    }

    /// The id that a header names. What is not a UUID stands for the id that is derived from it: a person who types
    /// `Nats-Msg-Id: test-1` twice means one event.
    pub fn named(text: &str) -> EventId {
        Uuid::parse_str(text).map_or_else(|_| EventId::derived(&["named", text]), EventId)
    }

    /// The same id, but that it begins with `time`, to the millisecond (UUIDv7, RFC 9562 section 5.7): what was made later comes
    /// behind it, and what was made at one time stands together in a store.
    pub fn at(self, time: Timestamp) -> EventId {
        let [_, _, _, _, _, _, rest @ ..] = self.0.as_bytes();
        let millis = u64::try_from(time.as_millisecond()).unwrap_or(0);
        EventId(Builder::from_unix_timestamp_millis(millis, rest).into_uuid())
    }

    /// When it was made, where it begins with that.
    pub fn time(&self) -> Option<Timestamp> {
        let [a, b, c, d, e, f, ..] = *self.0.as_bytes();
        let millis = i64::from_be_bytes([0, 0, a, b, c, d, e, f]);
        Timestamp::from_millisecond(millis).ok().filter(|_| self.0.get_version_num() == 7)
    }

    /// The id whose sixteen bytes these are.
    pub fn from_bytes(bytes: [u8; 16]) -> EventId {
        EventId(Uuid::from_bytes(bytes))
    }

    /// The sixteen bytes of the id.
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl From<Uuid> for EventId {
    fn from(uuid: Uuid) -> EventId {
        EventId(uuid)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

fn is_token(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident, $what:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(String);

        impl $name {
            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = String;
            fn try_from(text: String) -> Result<Self, String> {
                if is_token(&text) {
                    return Ok($name(text));
                }
                let shown: String = text.chars().take(80).collect();
                Err(format!(
                    concat!("{:?} is not a ", $what, ": use 1 to 64 letters, digits, '-' or '_'"),
                    shown
                ))
            }
        }

        impl TryFrom<&str> for $name {
            type Error = String;
            fn try_from(text: &str) -> Result<Self, String> {
                $name::try_from(text.to_owned())
            }
        }

        impl From<EventId> for $name {
            fn from(id: EventId) -> Self {
                $name(id.to_string())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    )*};
}

ids! {
    /// The last token of an event's subject: the order id for every event of an order's saga.
    Key, "key";
    /// An order, and the saga that fulfils or undoes it.
    OrderId, "order id";
    /// A customer.
    CustomerId, "customer id";
    /// A stock keeping unit.
    Sku, "sku";
    /// What inventory holds for one order.
    ReservationId, "reservation id";
    /// A charge, in the payment gateway's words.
    TransactionId, "transaction id";
    /// A refund, in the payment gateway's words.
    RefundId, "refund id";
    /// A shipment, in the carrier's words.
    ShipmentId, "shipment id";
    /// A payment method, in the payment gateway's words.
    PaymentMethod, "payment method";
}

impl PaymentMethod {
    /// The payment method of an order that names none: the sandbox's card that is approved.
    pub fn default_card() -> PaymentMethod {
        PaymentMethod("pm_card_visa".to_owned())
    }
}

macro_rules! keys {
    ($($name:ident),*) => {$(
        impl From<&$name> for Key {
            fn from(id: &$name) -> Key {
                Key(id.0.clone())
            }
        }

        impl From<Key> for $name {
            fn from(key: Key) -> $name {
                $name(key.0)
            }
        }
    )*};
}

keys!(OrderId, CustomerId, Sku);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_one_subject_token() {
        let long = "x".repeat(65);
        for bad in ["", "a.b", "a b", "a*", ">", "a\r\nb", "a\0b", "ä", long.as_str()] {
            assert!(OrderId::try_from(bad).is_err(), "{bad:?} was taken");
        }
        for good in ["o-1", "7f9c", "A_b-9", &"x".repeat(64)] {
            assert_eq!(OrderId::try_from(good).map(|id| id.to_string()), Ok(good.to_owned()));
        }
    }

    #[test]
    fn derived_ids_depend_on_every_part_and_their_borders() {
        let id = EventId::derived(&["order", "place", "0"]);
        assert_eq!(id, EventId::derived(&["order", "place", "0"]));
        assert_ne!(id, EventId::derived(&["order", "place", "1"]));
        assert_ne!(EventId::derived(&["ab", "c"]), EventId::derived(&["a", "bc"]));
        for parts in [&[][..], &[""], &["ab", "", "c"]] {
            let joined = Uuid::new_v5(&NAMESPACE, parts.join("\0").as_bytes());
            assert_eq!(EventId::derived(parts), EventId(joined));
        }
    }

    #[test]
    fn ids_that_begin_with_a_time_come_in_its_order_and_are_as_different_as_before() {
        let at = |millis| Timestamp::from_millisecond(millis).expect("in range");
        let (one, other) = (EventId::derived(&["one"]), EventId::derived(&["other"]));
        let ids = [1, 255, 256, 1_800_000_000_000].map(|millis| one.at(at(millis)));
        assert!(ids.is_sorted() && ids.map(|id| id.to_string()).is_sorted());
        assert_eq!(ids[3].time(), Some(at(1_800_000_000_000)));
        assert_eq!(ids[3].to_string()[..15], *"01a3185c-5000-7");
        assert_ne!(one.at(at(5)), other.at(at(5)));
        assert_eq!(one.at(at(5)).at(at(7)), one.at(at(7)));
        assert_eq!((one.time(), one.at(at(-1)).time()), (None, Some(at(0))));
        let too_late = EventId::named("ffffffff-ffff-7fff-bfff-ffffffffffff");
        assert_eq!(too_late.time(), None);
    }

    #[test]
    fn a_named_id_is_stable() {
        let uuid = "7f9cf0a2-9f5c-4c7e-8a51-0e7c3d0a1b2c";
        assert_eq!(EventId::named(uuid).to_string(), uuid);
        assert_eq!(EventId::named("test-1"), EventId::named("test-1"));
        assert_ne!(EventId::named("test-1"), EventId::named("test-2"));
    }
}
