//! Waiting for something to become true. The one loop that all tests wait in.

use std::time::{Duration, Instant};

use chassis::ambient::pause;

/// How long anything may take on a busy machine. A test that needs this long has failed.
pub const DEADLINE: Duration = Duration::from_secs(60);

const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// What `look` gives as soon as it gives something. Panics with `what` where that takes longer than [`DEADLINE`].
pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(began.elapsed() < DEADLINE, "not within {DEADLINE:?}: {what}");
        pause(LOOK_AGAIN).await;
    }
}
