//! Places at which a test ends the process, as abruptly as SIGKILL does. They exist where the feature `crash-points` is on,
//! which is for tests; anywhere else [`point`] is nothing.
//!
//! Invariant: [`POINTS`] has every name that stands in the code, and no other.

/// All places, in the order of a life: the store, the lease, a turn, what it releases, and the end.
pub const POINTS: &[&str] = &[
    // The store
    "store/locked",
    "store/opened",
    "store/moved-aside",
    "commit/applied",
    "commit/flushed",
    "commit/synced",
    // The lease
    "lease/taken",
    "lease/renewed",
    "lease/returning",
    "lease/returned",
    // Hearing
    "hearing/remembers",
    "hearing/remembered",
    "hearing/removed-its-consumer",
    "hearing/made-its-consumer",
    "hearing/delivered",
    // A turn
    "turn/before-the-lease",
    "turn/before-the-commit",
    "turn/committed",
    "turn/starts-over",
    "turn/tidy",
    // What it releases
    "release/answered",
    "release/handed-on",
    "release/acknowledged",
    "command/received",
    "command/answered",
    "relay/before-publishing",
    "relay/in-a-batch",
    "relay/confirmed",
    "effect/starts",
    "effect/answered",
    // The end
    "stop/asked",
    "stop/no-more-inputs",
    "stop/all-published",
    "stop/tidied",
];

/// Ends the process where `CRASH_AT` names this place: `commit/flushed`, or `commit/flushed:3` for the third time.
#[cfg(feature = "crash-points")]
pub(crate) fn point(name: &'static str) {
    use std::sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    };
    static AT: OnceLock<(String, AtomicU64)> = OnceLock::new();
    debug_assert!(POINTS.contains(&name), "{name} is not in the list");
    let (at, left) = AT.get_or_init(|| {
        let at = crate::settings::text("CRASH_AT", "");
        let (name, times) = at.split_once(':').unwrap_or((&at, "1"));
        (name.to_owned(), AtomicU64::new(times.parse().unwrap_or(1)))
    });
    if at == name && left.fetch_sub(1, Ordering::SeqCst) == 1 {
        // What a kill would leave: nothing is flushed, dropped or said.
        rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL).ok();
        loop {
            std::thread::park();
        }
    }
}

/// Nothing.
#[cfg(not(feature = "crash-points"))]
#[inline(always)]
pub(crate) const fn point(_name: &'static str) {}
