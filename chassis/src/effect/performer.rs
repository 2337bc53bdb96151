//! Who performs an effect, and how it says that it could not.

use std::{future::Future, pin::Pin, sync::Arc};

use super::Effect;

/// Nothing came of an attempt: try again. What the outside decided, even a "no", is an outcome instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retry {
    /// What happened, for people.
    pub why: String,
}

impl Retry {
    /// Nothing came of it, and `why`.
    pub fn because(why: impl Into<String>) -> Retry {
        Retry { why: why.into() }
    }
}

/// Performs effects of one kind: a client of a payment gateway, of a carrier, of a mail server.
///
/// It may be called again with the same effect, after a crash or an answer that was lost; the effect's key tells the
/// outside that it is the same request.
pub trait Perform<F: Effect>: Send + Sync + 'static {
    /// One attempt. It has to end by itself within a bounded time.
    fn perform(&self, effect: F) -> impl Future<Output = Result<F::Outcome, Retry>> + Send;
}

type Attempt = Pin<Box<dyn Future<Output = Result<Vec<u8>, Retry>> + Send>>;

/// A performer whose kind of effect is forgotten: JSON in, JSON out.
#[derive(Clone)]
pub(crate) struct Performer(Arc<dyn Fn(&str) -> Attempt + Send + Sync>);

impl Performer {
    pub fn new<F: Effect>(performer: impl Perform<F>) -> Performer {
        let performer = Arc::new(performer);
        Performer(Arc::new(move |request| {
            let effect = serde_json::from_str::<F>(request);
            let performer = Arc::clone(&performer);
            Box::pin(async move {
                let effect = effect.map_err(|error| Retry::because(format!("the request cannot be read: {error}")))?;
                Ok(crate::draft::json(&performer.perform(effect).await?))
            })
        }))
    }

    /// One attempt at `request`.
    pub fn attempt(&self, request: &str) -> Attempt {
        (self.0)(request)
    }
}
