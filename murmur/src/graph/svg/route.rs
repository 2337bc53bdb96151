//! Which way each line takes: along gutters between columns and channels between rows, never through a box.
//!
//! Lines that lead to the same event share their tracks, as far as they are on the same side; others do not.

use std::collections::{BTreeMap, BTreeSet};

use crate::graph::flow::{Edge, Side};

/// A place in the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cell {
    pub column: usize,
    pub row: usize,
}

/// A gutter or a channel, and a track in it.
type Track = (usize, usize);

/// The way of one line.
pub(super) enum Route {
    /// Along its row.
    Straight,
    /// Along one row, up or down a gutter, and along the other row.
    OneTurn(Track),
    /// Through a gutter into a channel, and through another gutter out of it.
    Channel { leave: Track, channel: Track, arrive: Track },
}

/// The ways of all lines, and how many tracks they need.
pub(super) struct Routes {
    pub of_edge: BTreeMap<Edge, Route>,
    /// By the column that the gutter is behind.
    pub gutters: BTreeMap<usize, usize>,
    /// By the row that the channel is above.
    pub channels: BTreeMap<usize, usize>,
}

/// Who shares a track.
type Owner = (&'static str, Side);

impl Routes {
    pub fn of(cells: &BTreeMap<&'static str, Cell>, edges: &BTreeMap<Edge, Side>) -> Routes {
        let mut rows = Rows { boxes: cells.values().copied().collect(), used: Vec::new() };
        let (mut gutters, mut channels) = (Tracks::default(), Tracks::default());
        // Short lines first: they take the straight ways.
        let mut order: Vec<_> = edges.iter().collect();
        order.sort_by_key(|((from, to), _)| {
            let (from, to) = (cells[from], cells[to]);
            (from.column.abs_diff(to.column), from.row.abs_diff(to.row), from, to)
        });
        let mut of_edge = BTreeMap::new();
        for (&edge, &side) in order {
            let (from, to) = (cells[edge.0], cells[edge.1]);
            let (arriving, leaving) = ((edge.1, side), (edge.0, side));
            let before = to.column.saturating_sub(1);
            let ahead = to.column > from.column;
            let route = if ahead && from.row == to.row && rows.take(from.row, from.column, before, arriving) {
                Route::Straight
            } else if ahead && rows.take(to.row, from.column, before, arriving) {
                Route::OneTurn(gutters.of(from.column, arriving))
            } else if ahead && rows.take(from.row, from.column, before, leaving) {
                Route::OneTurn(gutters.of(before, arriving))
            } else {
                Route::Channel {
                    leave: gutters.of(from.column, arriving),
                    channel: channels.of(if from.row < to.row { to.row } else { to.row + 1 }, arriving),
                    arrive: gutters.of(before, arriving),
                }
            };
            of_edge.insert(edge, route);
        }
        Routes { of_edge, gutters: gutters.counts(), channels: channels.counts() }
    }
}

/// Tracks that were given away, by gutter or by channel.
#[derive(Default)]
struct Tracks(BTreeMap<usize, Vec<Owner>>);

impl Tracks {
    /// The track of `owner`, a new one where it has none yet.
    fn of(&mut self, place: usize, owner: Owner) -> Track {
        let tracks = self.0.entry(place).or_default();
        let track = tracks.iter().position(|it| *it == owner).unwrap_or_else(|| {
            tracks.push(owner);
            tracks.len() - 1
        });
        (place, track)
    }

    fn counts(&self) -> BTreeMap<usize, usize> {
        self.0.iter().map(|(place, tracks)| (*place, tracks.len())).collect()
    }
}

/// The rows as ways.
struct Rows {
    boxes: BTreeSet<Cell>,
    /// Row, first gutter, last gutter, and whose line it is.
    used: Vec<(usize, usize, usize, Owner)>,
}

impl Rows {
    /// Takes the row between the gutters behind `first` and behind `last`, if no box and nobody else is in the way.
    fn take(&mut self, row: usize, first: usize, last: usize, owner: Owner) -> bool {
        let no_box = (first + 1..=last).all(|column| !self.boxes.contains(&Cell { column, row }));
        let in_the_way = |(other, from, to, who): &(usize, usize, usize, Owner)| {
            *other == row && *who != owner && who.1 == owner.1 && *from <= last && first <= *to
        };
        let free = no_box && !self.used.iter().any(in_the_way);
        if free {
            self.used.push((row, first, last, owner));
        }
        free
    }
}
