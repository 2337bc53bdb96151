//! Effects: what a service asks of the outside. The request is a row of the turn that asked, its key makes performing
//! it twice harmless, and its outcome comes back as an input.

pub(crate) mod breaker;
pub(crate) mod desk;
pub(crate) mod office;
pub(crate) mod performer;

pub use desk::Pace;
pub use performer::{Perform, Retry};

use events::{EventId, Key};
use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use crate::{Error, key, store::Store};

/// A request to the outside.
///
/// It is performed at least once: after a crash it is performed again with the same [`Effect::key`], which the outside
/// has to take as the same request. Its outcome is settled exactly once.
pub trait Effect: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// What is asked, `charge`: one token.
    const NAME: &'static str;
    /// What comes back: approved or declined, say. That the outside did not answer is not an outcome, it is tried again.
    type Outcome: Serialize + DeserializeOwned + Send + 'static;

    /// The idempotency key. At most one effect of a name waits per key.
    fn key(&self) -> String;
}

/// An effect that waits for its outcome, as it stands in the store.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pending {
    /// The effect's name.
    pub name: String,
    /// The idempotency key.
    pub key: String,
    /// The request.
    pub request: Box<RawValue>,
    /// The event or command that led to it.
    pub cause: EventId,
    /// The saga.
    pub saga: Option<Key>,
    /// The trace that it belongs to.
    pub traceparent: String,
    /// When it was asked for.
    pub asked: Timestamp,
    /// How often it was tried in vain.
    pub attempts: u32,
    /// Why the last attempt was in vain.
    pub last_error: Option<String>,
}

/// How an effect that waits is getting on, for people.
#[derive(Clone, Debug, Serialize)]
pub struct Waiting {
    /// How often it was tried in vain.
    pub attempts: u32,
    /// Why the last attempt was in vain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
}

/// All effects that wait.
pub(crate) fn waiting(store: &dyn Store) -> Result<Vec<Pending>, Error> {
    store
        .scan(key::EFFECTS)
        .map(|pair| {
            let (key, value) = pair?;
            serde_json::from_slice(&value)
                .map_err(|source| Error::Row { key: String::from_utf8_lossy(&key).into_owned(), source })
        })
        .collect()
}
