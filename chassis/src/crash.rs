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
    "commit/written",
    "commit/synced",
    "carry/begins",
    "carry/applied",
    "carry/flushed",
    "carry/synced",
    // The lease
    "lease/taken",
    "lease/renewed",
    "lease/returning",
    "lease/returned",
    // Hearing
    "hearing/remembers",
    "hearing/remembered",
    "hearing/catches-up",
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

/// Ends the process where `CRASH_AT` names this place: `commit/written`, or `commit/written:3` for the third time.
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

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::POINTS;

    /// What stands between the quotes of each call in the sources.
    fn called(folder: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                called(&entry.path(), found);
                continue;
            }
            let source = fs::read_to_string(entry.path()).unwrap();
            let calls = source.split("crash::point(\"").skip(1);
            found.extend(calls.map(|rest| rest.split('"').next().unwrap().to_owned()));
        }
    }

    #[test]
    fn the_list_has_every_place_once_and_no_other() {
        let mut found = Vec::new();
        called(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
        let in_code: BTreeSet<_> = found.iter().map(String::as_str).collect();
        let listed: BTreeSet<_> = POINTS.iter().copied().collect();
        let own = ["", ").skip(1);"];
        let unlisted: Vec<_> = in_code.difference(&listed).filter(|name| !own.contains(name)).collect();
        assert!(unlisted.is_empty(), "not in the list: {unlisted:?}");
        assert_eq!(listed.difference(&in_code).count(), 0, "nowhere: {:?}", listed.difference(&in_code));
        assert_eq!(listed.len(), POINTS.len(), "a place is listed twice");
    }
}
