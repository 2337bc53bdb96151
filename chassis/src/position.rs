//! Places in a stream, known by what stands there.
//!
//! A broker that lost the end of a stream counts on from an earlier sequence: the same sequence then holds another
//! message. So a place is a sequence with a mark of the message, and whoever comes back to a stream looks whether that
//! message still stands there before anything is built on it.

use events::EventId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A place in a stream. The last one that a service took, with all before it, is its position: the store's word counts,
/// the broker's consumer is made from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Which stream: one that was made anew has another identity.
    pub stream: EventId,
    /// Where in it.
    pub sequence: u64,
    /// What tells the message there from any other: [`Position::heard`], or the message id for what was published.
    #[serde(default = "unmarked")]
    pub mark: EventId,
}

impl Position {
    /// The mark of a message that was heard: its subject and the broker's own time, which a message that is published
    /// again does not have.
    pub fn heard(subject: &str, arrived: Timestamp) -> EventId {
        EventId::derived(&["heard", subject, &arrived.as_nanosecond().to_string()])
    }

    /// A place that a batch goes on from: only the last one is looked for again, and marked.
    pub(crate) fn in_passing(stream: EventId, sequence: u64) -> Position {
        Position { stream, sequence, mark: EventId::from_bytes([0; 16]) }
    }

    /// Whether it is behind `other` in its stream, or in another one.
    pub(crate) fn is_ahead_of(&self, other: Option<Position>) -> bool {
        other.is_none_or(|other| other.stream != self.stream || other.sequence < self.sequence)
    }
}

/// Stands nowhere: a store of an older version did not keep marks, and looks for its place once.
fn unmarked() -> EventId {
    EventId::derived(&["unmarked"])
}

/// The search for the last place that still stands. Messages are lost from the end of a stream only, so all before it
/// stand too. It asks what is at one place at a time, the last one first: where nothing is lost that is the only question.
#[derive(Debug)]
pub struct LastStanding {
    /// Places of this stream, ascending.
    places: Vec<Position>,
    /// Whether there were places of another stream: of that one nothing is left.
    elsewhere: bool,
    /// The first and the last sequence of the stream.
    reach: (u64, u64),
    /// So many are known to stand.
    standing: usize,
    /// From here on they are known to be gone.
    gone: usize,
}

impl LastStanding {
    /// Among `places`, ascending, in the stream as it is now: which one it is, its first and its last sequence.
    pub fn among(mut places: Vec<Position>, stream: EventId, first: u64, last: u64) -> LastStanding {
        let all = places.len();
        places.retain(|place| place.stream == stream);
        let gone = places.len();
        LastStanding { elsewhere: gone < all, places, reach: (first, last), standing: 0, gone }
    }

    /// The place to look at next; none when the search is over. What is older than all that the stream keeps stands.
    pub fn ask(&mut self) -> Option<Position> {
        while self.standing < self.gone {
            let place = self.places[self.probe()];
            match place.sequence {
                sequence if sequence > self.reach.1 => self.gone = self.probe(),
                sequence if sequence < self.reach.0 => self.standing = self.probe() + 1,
                _ => return Some(place),
            }
        }
        None
    }

    /// Takes the mark of what stands at that place. Where nothing does, it was deleted by hand and counts as standing: a
    /// stream that lost its end and went on has other messages there, not none.
    pub fn answer(&mut self, mark: Option<EventId>) {
        let probe = self.probe();
        match mark.is_none_or(|mark| mark == self.places[probe].mark) {
            true => self.standing = probe + 1,
            false => self.gone = probe,
        }
    }

    /// The sequence of the last place that stands, 0 where none does.
    pub fn found(&self) -> u64 {
        self.standing.checked_sub(1).map_or(0, |at| self.places[at].sequence)
    }

    /// Whether nothing is lost.
    pub fn all_stand(&self) -> bool {
        !self.elsewhere && self.standing == self.places.len()
    }

    fn probe(&self) -> usize {
        if self.gone == self.places.len() { self.gone - 1 } else { self.standing.midpoint(self.gone) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(what: &str) -> EventId {
        EventId::derived(&[what])
    }

    fn places(count: u64) -> Vec<Position> {
        (1..=count).map(|at| Position { stream: id("stream"), sequence: at * 10, mark: id("before") }).collect()
    }

    /// Searches in a stream that was cut behind `cut` and went on to `last`: what was found, and with how many questions.
    fn search(first: u64, cut: u64, last: u64) -> (u64, bool, usize) {
        let mut search = LastStanding::among(places(20), id("stream"), first, last);
        let mut questions = 0;
        while let Some(place) = search.ask() {
            search.answer(Some(id(if place.sequence <= cut { "before" } else { "after" })));
            questions += 1;
        }
        (search.found(), search.all_stand(), questions)
    }

    #[test]
    fn the_last_place_that_stands_is_found_wherever_the_stream_was_cut_and_however_it_went_on() {
        for cut in 0..=210 {
            for last in [cut, cut + 5, 1000] {
                let (found, all_stand, questions) = search(1, cut, last);
                assert_eq!(found, (cut / 10 * 10).min(200), "cut at {cut}, at {last} now");
                assert_eq!(all_stand, cut >= 200);
                assert!(questions <= 6, "{questions} questions");
            }
        }
    }

    #[test]
    fn one_question_is_enough_where_nothing_is_lost() {
        assert_eq!(search(1, 500, 500), (200, true, 1));
    }

    #[test]
    fn what_the_stream_does_not_keep_any_more_stands() {
        assert_eq!(search(300, 500, 500), (200, true, 0));
        assert_eq!(search(95, 100, 120), (100, false, 3));
    }

    #[test]
    fn what_was_deleted_by_hand_is_not_lost() {
        let mut search = LastStanding::among(places(20), id("stream"), 1, 500);
        assert_eq!(search.ask().map(|it| it.sequence), Some(200));
        search.answer(None);
        assert_eq!((search.ask(), search.all_stand()), (None, true));
    }

    #[test]
    fn of_another_stream_nothing_is_left() {
        let mut search = LastStanding::among(places(20), id("another"), 1, 500);
        assert_eq!((search.ask(), search.found(), search.all_stand()), (None, 0, false));
    }
}
