//! Where the outside leaks in: the clock and randomness. Only the edges of a service use it; a reaction has
//! [`Turn::now`](crate::Turn::now) and [`Turn::new_id`](crate::Turn::new_id) instead.

use std::time::Duration;

use events::EventId;
use jiff::Timestamp;

/// The time of day.
#[expect(clippy::disallowed_methods, reason = "this is the place that owns the clock")]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// An id that nothing else has.
#[expect(clippy::disallowed_methods, reason = "this is the place that owns randomness")]
pub fn random_id() -> EventId {
    EventId::from(uuid::Uuid::new_v4())
}

/// Waits. For loops that try again; a test awaits a condition instead.
#[expect(clippy::disallowed_methods, reason = "this is the place that owns waiting")]
pub async fn pause(duration: Duration) {
    tokio::time::sleep(duration).await;
}
