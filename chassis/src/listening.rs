//! What a consumer is sent, and what of that its service listens to.

/// The most filters that a consumer has. With more than one, nats-server looks through all subjects of a block of the stream
/// for each message, once a consumer is far behind; so whoever listens to nearly everything is sent everything, and passes
/// over the rest (docs/performance.md).
const FILTERS: usize = 16;

/// The filters of a consumer for `subjects`; none where it is sent everything.
pub(crate) fn filters(subjects: Vec<String>) -> Vec<String> {
    if subjects.len() > FILTERS { Vec::new() } else { subjects }
}

/// Whether a message that was sent is one that its service listens to. A broker that filters sends no other.
pub(crate) fn is_for(subjects: &[String], subject: &str) -> bool {
    subjects.len() <= FILTERS || listens(subjects, subject)
}

/// Whether a consumer with the filters `subjects`, each of which ends in a wildcard as those of a service do, is sent what
/// stands under `subject`. One without a filter is sent everything.
pub fn listens(subjects: &[String], subject: &str) -> bool {
    let fits = |it: &String| match it.strip_suffix('>') {
        Some(start) => subject.starts_with(start),
        None => subject.strip_prefix(it.trim_end_matches('*')).is_some_and(|key| !key.is_empty() && !key.contains('.')),
    };
    subjects.is_empty() || subjects.iter().any(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_and_not_listened_to_is_passed_over() {
        let subjects = ["order.>", "payment.failed.*"].map(str::to_owned);
        for (subject, heard) in [
            ("order.created", true),
            ("order.created.o-1", true),
            ("payment.failed.o-1", true),
            ("payment.failed", false),
            ("payment.failed.", false),
            ("payment.failed.o-1.more", false),
            ("payment.completed.o-1", false),
            ("orders.created.o-1", false),
        ] {
            assert_eq!(listens(&subjects, subject), heard, "{subject}");
        }
        assert!(listens(&[], "anything"));
    }
}
