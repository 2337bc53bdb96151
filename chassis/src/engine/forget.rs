//! What a store need not know any more, and how it forgets that without ever looking at all of it.
//!
//! The inbox, the answers to commands, the places that were heard and the rows of sagas that ended are kept for
//! [`Keeping::known`], what the broker confirmed for [`Keeping::said`]. The clock is the broker's: the latest time of a
//! message that was heard, so that a service that was away forgets nothing meanwhile.
//!
//! A hand goes round each kind: with every entry that a commit adds it looks at the next few and removes those that are
//! too old, so that of what is kept at most a third is dead, and no turn waits for a sweep (the clock algorithm of page
//! replacement). A hand that came round and found nothing that was nearly old enough rests until something can be. A row
//! with many entries counts as so many, and goes when the latest of them is too old.
//!
//! Invariant: what is forgotten cannot happen again. An event that nothing is known of, and that happened before
//! something that was forgotten, may have been taken: it is refused.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;

use super::said;
use crate::{
    Error,
    inbox::page,
    key,
    outbox::receipts,
    store::{Batch, Store},
};

/// How many entries the hand looks at for each that is added.
const LOOKS: usize = 4;

/// How many commits go by before it is written down where the hands are.
const HANDS_KEPT_EVERY: u32 = 64;

/// How long a store keeps what it does not need at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keeping {
    /// What the broker confirmed: longer than the broker itself may take to have it on its disk, or than the age of a copy
    /// that somebody may restore it from.
    pub said: Duration,
    /// What was taken, said or answered, and what has ended: longer than any producer may take to say a thing again.
    pub known: Duration,
}

impl Keeping {
    /// Ten minutes, five times what a broker may keep to itself unless it is told otherwise; and a week, longer than an
    /// outage that nobody ends.
    pub const DEFAULT: Keeping = Keeping { said: Duration::from_secs(600), known: Duration::from_secs(7 * 24 * 3600) };
}

/// The keys of what goes with the row of this key and value; none where the row is needed for longer.
type With = fn(&Round<'_>, &[u8], &[u8]) -> Result<Option<Vec<Vec<u8>>>, Error>;

/// A kind of entry that is forgotten.
struct Kind {
    prefix: &'static [u8],
    /// How many entries stand in a row.
    entries: fn(&[u8]) -> usize,
    /// Since when the latest of them is kept; none where one of them is kept for good.
    since: fn(&[u8]) -> Option<Timestamp>,
    with: With,
    keeps: fn(&Keeping) -> Duration,
    /// Whether an event may have its effect again once it is gone.
    guards: bool,
}

const KINDS: [Kind; 5] = [
    Kind { entries: page::entries, since: page::latest, guards: true, ..kind(key::INBOX) },
    kind(key::ANSWERS),
    Kind { with: with_mark, guards: true, ..kind(key::RETIRED) },
    kind(key::HEARD),
    Kind { entries: receipts::count, with: said::with_receipts, keeps: |it| it.said, ..kind(key::RECEIPTS) },
];

/// A kind of which each row is one entry that ends with its time, goes alone, and guards nothing.
const fn kind(prefix: &'static [u8]) -> Kind {
    Kind { prefix, entries: |_| 1, since, with: |_, _, _| Ok(Some(Vec::new())), keeps: |it| it.known, guards: false }
}

/// What a hand goes by.
pub(super) struct Round<'a> {
    pub store: &'a dyn Store,
    pub writes: &'a Batch,
    limit: Timestamp,
}

impl Round<'_> {
    /// Whether a row that ends with its time was kept for long enough.
    pub fn is_old(&self, value: &[u8]) -> bool {
        since(value).is_some_and(|since| since <= self.limit)
    }
}

/// What was forgotten, and where the hands are.
pub(super) struct Forgetting {
    pub keeping: Keeping,
    /// The latest time that something had which was forgotten.
    up_to: Option<Timestamp>,
    hands: [Hand; KINDS.len()],
    turns: u32,
}

/// A hand on its way round.
struct Hand {
    /// Where it goes on.
    at: Vec<u8>,
    /// The earliest time of what it left there since it began this round, or was added since.
    earliest: Timestamp,
    /// Nothing is kept from before this time; unknown until the first round is done.
    rests: Timestamp,
}

impl Hand {
    fn new(at: Vec<u8>) -> Hand {
        Hand { at, earliest: Timestamp::MAX, rests: Timestamp::MIN }
    }

    /// Something of that time is there.
    fn note(&mut self, since: Timestamp) {
        self.earliest = self.earliest.min(since);
        self.rests = self.rests.min(since);
    }

    /// It came round.
    fn begin_again(&mut self, prefix: &[u8]) {
        *self = Hand { at: prefix.to_vec(), earliest: Timestamp::MAX, rests: self.earliest };
    }
}

impl Forgetting {
    /// As `store` left it.
    pub fn open(store: &dyn Store) -> Result<Forgetting, Error> {
        let up_to = store.get(key::FORGOTTEN)?.and_then(|value| since(&value));
        let mut hands = KINDS.map(|kind| Hand::new(kind.prefix.to_vec()));
        // A process that ends early goes on where it was: else the same entries would be looked at again and again.
        for (kind, hand) in KINDS.iter().zip(&mut hands) {
            let kept = store.get(&key::hand(kind.prefix))?.filter(|kept| kept.starts_with(kind.prefix));
            hand.at = kept.unwrap_or_else(|| kind.prefix.to_vec());
        }
        Ok(Forgetting { keeping: Keeping::DEFAULT, up_to, hands, turns: 0 })
    }

    /// Whether a message of which nothing is known was heard before, and what was known of it is forgotten: it stood in the
    /// stream long before what was heard last. Hearing has gone back to before the horizon.
    pub fn was_heard(&self, happened: Timestamp, arrived: Timestamp, clock: Option<Timestamp>) -> bool {
        let long_ago = |clock| arrived <= before(clock, self.keeping.known);
        self.up_to.is_some_and(|up_to| no_later(happened, up_to)) && clock.is_some_and(long_ago)
    }

    /// All is heard again: nothing is forgotten of what is heard from here on.
    pub fn start_over(&mut self) {
        self.up_to = None;
    }

    /// Whether an event that nothing is known of may have been taken before: it happened before something that is
    /// forgotten, and arrived so late that it was not kept for. (A broker's clock that ran ahead for a while forgets too
    /// much; what happens after it is set right is not late, and is taken.)
    pub fn may_have_taken(&self, happened: Timestamp, arrived: Timestamp) -> bool {
        let too_late = no_later(happened, before(arrived, self.keeping.known));
        self.up_to.is_some_and(|up_to| no_later(happened, up_to)) && too_late
    }

    /// Turns the hands by as much as `writes` adds, at the time `now` of the broker.
    pub fn turn(&mut self, store: &dyn Store, writes: &mut Batch, now: Timestamp) -> Result<(), Error> {
        let mut up_to = self.up_to;
        for (kind, hand) in KINDS.iter().zip(&mut self.hands) {
            let rows = writes.range(kind.prefix.to_vec()..).take_while(|(key, _)| key.starts_with(kind.prefix));
            let mut looks = 0;
            for value in rows.filter_map(|(_, value)| value.as_ref()) {
                looks += LOOKS * (kind.entries)(value);
                hand.note((kind.since)(value).unwrap_or(Timestamp::MAX));
            }
            let limit = before(now, (kind.keeps)(&self.keeping));
            if looks == 0 || limit < hand.rests {
                continue;
            }
            let mut looked = 0;
            let mut ahead = store.scan_from(kind.prefix, &hand.at);
            while looked < looks {
                let Some(pair) = ahead.next() else {
                    hand.begin_again(kind.prefix);
                    break;
                };
                let (key, value) = pair?;
                looked += (kind.entries)(&value);
                hand.at = [&key[..], &[0]].concat();
                let Some(since) = (kind.since)(&value) else { continue };
                let with = match since > limit || writes.contains_key(&key) {
                    true => None,
                    false => (kind.with)(&Round { store, writes, limit }, &key, &value)?,
                };
                let Some(with) = with else {
                    hand.note(since);
                    continue;
                };
                writes.extend(with.into_iter().map(|key| (key, None)));
                writes.insert(key, None);
                up_to = if kind.guards { up_to.max(Some(since)) } else { up_to };
            }
        }
        self.turns += 1;
        if self.turns.is_multiple_of(HANDS_KEPT_EVERY) {
            writes.extend(
                KINDS.iter().zip(&self.hands).map(|(kind, hand)| (key::hand(kind.prefix), Some(hand.at.clone()))),
            );
        }
        if up_to != self.up_to {
            self.up_to = up_to;
            writes.extend(up_to.map(|up_to| (key::FORGOTTEN.to_vec(), Some(timed(Vec::new(), up_to)))));
        }
        Ok(())
    }
}

/// `value` with the time since when it is kept.
pub(crate) fn timed(mut value: Vec<u8>, at: Timestamp) -> Vec<u8> {
    value.extend(at.as_millisecond().to_be_bytes());
    value
}

/// Since when `value` is kept.
pub(crate) fn since(value: &[u8]) -> Option<Timestamp> {
    Timestamp::from_millisecond(i64::from_be_bytes(*value.last_chunk()?)).ok()
}

/// Reads JSON with a time behind it; without one where an older version wrote it.
pub(crate) fn read_timed<T: DeserializeOwned>(value: &[u8]) -> Option<(T, Option<Timestamp>)> {
    let with_time = value.len().checked_sub(8).and_then(|end| serde_json::from_slice(&value[..end]).ok());
    match with_time {
        Some(read) => Some((read, since(value))),
        None => Some((serde_json::from_slice(value).ok()?, None)),
    }
}

/// Whether `time` is no later than `limit`, to the millisecond: what is kept has no finer time.
fn no_later(time: Timestamp, limit: Timestamp) -> bool {
    time.as_millisecond() <= limit.as_millisecond()
}

fn before(now: Timestamp, kept: Duration) -> Timestamp {
    let kept = SignedDuration::try_from(kept).unwrap_or(SignedDuration::MAX);
    now.saturating_sub(kept).unwrap_or(Timestamp::MIN)
}

/// With the mark under `key`, the row of the service that it is for.
fn with_mark(_: &Round<'_>, key: &[u8], _: &[u8]) -> Result<Option<Vec<Vec<u8>>>, Error> {
    Ok(Some(vec![[key::ROWS, &key[key::RETIRED.len()..]].concat()]))
}
