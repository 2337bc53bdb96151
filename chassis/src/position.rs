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
}

/// Stands nowhere: a store of an older version did not keep marks, and looks for its place once.
fn unmarked() -> EventId {
    EventId::derived(&["unmarked"])
}

/// Which places of a service are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Places {
    /// Up to where it heard, and some places before.
    Heard,
    /// Where what it said stands in the stream of this name, by the broker's word.
    Said(&'static str),
}

/// The search for the last place that still stands. Messages are lost from the end of a stream only, so all before it
/// stand too. It asks for one place at a time, the last one first: where nothing is lost that is the only question.
pub struct LastStanding<'p> {
    places: &'p [Position],
    /// So many are known to stand.
    standing: usize,
    /// From here on they are known to be gone.
    gone: usize,
}

impl<'p> LastStanding<'p> {
    /// Among `places`, ascending, all of one stream.
    pub fn among(places: &'p [Position]) -> LastStanding<'p> {
        LastStanding { places, standing: 0, gone: places.len() }
    }

    /// The place to look at next; none when the search is over.
    pub fn ask(&self) -> Option<&'p Position> {
        (self.standing < self.gone).then(|| &self.places[self.probe()])
    }

    /// Takes the answer: whether the message still stands at that place.
    pub fn answer(&mut self, stands: bool) {
        match stands {
            true => self.standing = self.probe() + 1,
            false => self.gone = self.probe(),
        }
    }

    /// The last place that stands; none where all are gone.
    pub fn found(&self) -> Option<&'p Position> {
        self.standing.checked_sub(1).map(|at| &self.places[at])
    }

    fn probe(&self) -> usize {
        if self.gone == self.places.len() { self.gone - 1 } else { self.standing.midpoint(self.gone) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(count: u64) -> Vec<Position> {
        let stream = EventId::derived(&["stream"]);
        (1..=count).map(|sequence| Position { stream, sequence: sequence * 10, mark: stream }).collect()
    }

    #[test]
    fn the_last_place_that_stands_is_found_wherever_the_stream_was_cut() {
        let places = places(20);
        for cut in 0..=210 {
            let mut search = LastStanding::among(&places);
            let mut questions = 0;
            while let Some(place) = search.ask() {
                search.answer(place.sequence <= cut);
                questions += 1;
            }
            let expected = places.iter().rfind(|it| it.sequence <= cut);
            assert_eq!(search.found(), expected, "cut at {cut}");
            assert!(questions <= 6, "{questions} questions");
        }
    }

    #[test]
    fn one_question_is_enough_where_nothing_is_lost() {
        let places = places(1000);
        let mut search = LastStanding::among(&places);
        assert_eq!(search.ask(), places.last());
        search.answer(true);
        assert_eq!(search.ask(), None);
        assert_eq!(search.found(), places.last());
    }
}
