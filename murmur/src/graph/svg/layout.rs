//! Where everything stands: lanes of rows from top to bottom, columns with gutters between them from left to right.

use std::collections::{BTreeMap, BTreeSet};

use chassis::graph::Graph;
use events::Role;

use super::route::{Cell, Route, Routes};
use crate::graph::flow::{self, Edge, Side};

pub(super) const BOX_WIDTH: i32 = 138;
pub(super) const BOX_HEIGHT: i32 = 40;
/// The room for the lanes' names.
pub(super) const MARGIN: i32 = 108;
/// Between two tracks.
const TRACK: i32 = 10;
/// Between a box and the nearest track.
const CLEAR: i32 = 14;
const LANE_PADDING: i32 = 8;
const LEGEND: i32 = 30;

/// Where everything stands, in pixels.
pub(super) struct Layout {
    cells: BTreeMap<&'static str, Cell>,
    routes: Routes,
    edges: BTreeMap<Edge, Side>,
    /// The left edge of each column's boxes, and one more: the right edge of the picture.
    columns: Vec<i32>,
    /// The top of each row's boxes.
    rows: Vec<i32>,
    /// Top and height of each lane.
    lanes: Vec<(i32, i32)>,
}

impl Layout {
    pub fn of(graph: &Graph) -> Layout {
        let edges = flow::edges(graph);
        let (cells, rows_of_lanes) = cells(graph, &edges);
        let edges: BTreeMap<_, _> = edges.into_iter().map(|edge| (edge, flow::side(graph, edge))).collect();
        let routes = Routes::of(&cells, &edges);
        let mut layout = Layout { cells, routes, edges, columns: Vec::new(), rows: Vec::new(), lanes: Vec::new() };
        layout.measure_columns();
        layout.measure_rows(&rows_of_lanes);
        layout
    }

    pub fn size(&self) -> (i32, i32) {
        let bottom = self.lanes.last().map_or(0, |(top, height)| top + height);
        (self.columns.last().copied().unwrap_or(MARGIN), bottom + LEGEND)
    }

    pub fn lane(&self, at: usize) -> (i32, i32) {
        self.lanes[at]
    }

    pub fn place(&self, kind: &str) -> (i32, i32) {
        let cell = self.cells[kind];
        (self.columns[cell.column], self.rows[cell.row])
    }

    /// Every line, as the points that it goes through.
    pub fn lines(&self) -> impl Iterator<Item = (Side, Vec<(i32, i32)>)> {
        self.edges.iter().map(|(edge, side)| (*side, self.points(*edge, *side)))
    }

    fn points(&self, edge: Edge, side: Side) -> Vec<(i32, i32)> {
        let ((from_x, _), (to_x, _)) = (self.place(edge.0), self.place(edge.1));
        let y = |kind: &str| self.rows[self.cells[kind].row] + BOX_HEIGHT / 2 + offset(side);
        let start = (from_x + BOX_WIDTH, y(edge.0));
        let end = (to_x, y(edge.1));
        let x = |(gutter, track): (usize, usize)| self.columns[gutter] + BOX_WIDTH + CLEAR + track as i32 * TRACK;
        match &self.routes.of_edge[&edge] {
            Route::Straight => vec![start, end],
            Route::OneTurn(track) => vec![start, (x(*track), start.1), (x(*track), end.1), end],
            Route::Channel { leave, channel, arrive } => {
                let at = self.channel(channel.0) + 6 + channel.1 as i32 * TRACK;
                vec![start, (x(*leave), start.1), (x(*leave), at), (x(*arrive), at), (x(*arrive), end.1), end]
            }
        }
    }

    /// The top of the channel above a row; there is one below the last row too.
    fn channel(&self, row: usize) -> i32 {
        match self.rows.get(row) {
            Some(top) => top - self.channel_height(row),
            None => self.rows.last().map_or(0, |top| top + BOX_HEIGHT),
        }
    }

    fn channel_height(&self, row: usize) -> i32 {
        12 + self.routes.channels.get(&row).copied().unwrap_or(0) as i32 * TRACK
    }

    fn measure_columns(&mut self) {
        let last = self.cells.values().map(|cell| cell.column).max().unwrap_or(0);
        let mut x = MARGIN;
        for column in 0..=last + 1 {
            self.columns.push(x);
            let tracks = self.routes.gutters.get(&column).copied().unwrap_or(0) as i32;
            x += BOX_WIDTH + 2 * CLEAR + (tracks - 1).max(0) * TRACK;
        }
    }

    fn measure_rows(&mut self, rows_of_lanes: &[usize]) {
        let (mut y, mut row) = (0, 0);
        for (lane, rows) in rows_of_lanes.iter().enumerate() {
            let top = y;
            y += LANE_PADDING;
            for _ in 0..*rows {
                y += self.channel_height(row);
                self.rows.push(y);
                y += BOX_HEIGHT;
                row += 1;
            }
            y += LANE_PADDING + 8;
            if lane + 1 == rows_of_lanes.len() {
                y += self.channel_height(row) - 12;
            }
            self.lanes.push((top, y - top));
        }
    }
}

/// Lines of different sides that enter or leave a box do so beside each other.
fn offset(side: Side) -> i32 {
    match side {
        Side::Forward => -8,
        Side::News => 0,
        Side::Backward => 8,
    }
}

/// A cell for every event, and how many rows each lane has.
fn cells(graph: &Graph, edges: &BTreeSet<Edge>) -> (BTreeMap<&'static str, Cell>, Vec<usize>) {
    let columns = flow::columns(graph, edges);
    let (mut cells, mut rows_of_lanes, mut first) = (BTreeMap::new(), Vec::new(), 0);
    for service in &graph.services {
        let mut own: Vec<_> =
            graph.events.keys().filter(|kind| flow::lane(graph, kind) == Some(service.name)).collect();
        // What goes forward stands above what leads back, and news below both.
        own.sort_by_key(|kind| {
            let role = graph.role(kind);
            (role == Role::News, role.is_backward(), columns[*kind])
        });
        let mut taken = BTreeSet::new();
        for kind in own {
            let column = columns[kind];
            let row = (0..).find(|row| !taken.contains(&(*row, column))).expect("rows do not end");
            taken.insert((row, column));
            cells.insert(*kind, Cell { column, row: first + row });
        }
        let rows = taken.iter().map(|(row, _)| row + 1).max().unwrap_or(1);
        rows_of_lanes.push(rows);
        first += rows;
    }
    (cells, rows_of_lanes)
}
