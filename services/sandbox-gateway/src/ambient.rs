//! The clock, the dice and the waiting of a world outside the system under test.
//!
//! Nothing else in this crate reads the time, draws a random id or waits for time to pass.

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

/// The present, for ledger lines.
#[expect(clippy::disallowed_methods, reason = "a payment provider has its own clock")]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// An id for an object that was asked for without an idempotency key.
#[expect(clippy::disallowed_methods, reason = "without an idempotency key there is no cause to derive an id from")]
pub fn random_id() -> Uuid {
    Uuid::new_v4()
}

/// Lets `duration` pass: how a slow provider answers, and how long a stopping one waits for its clients.
#[expect(clippy::disallowed_methods, reason = "being slow is what is asked for here; no condition is awaited")]
pub async fn wait(duration: Duration) {
    tokio::time::sleep(duration).await;
}
