//! Where the ended orders stand in an index: many on one row, a sheet. Most orders have ended, and hardly move any more; rows of
//! their own would be two thirds of all that the read side has to keep.
//!
//! Invariant: what stands on a sheet, ascending, is below the sheet's key and above the key of the sheet before. So a place
//! stands on the first sheet behind it, if anywhere.

use std::marker::PhantomData;

use chassis::{Row, Turn};
use serde::{Deserialize, Serialize};

use crate::index::Index;

/// The most places on a sheet. Each order that ends writes one sheet of each index again.
pub const FULL: usize = 16;

/// How many places a sheet that was full leaves behind: most orders end about in the order of their age, so that little will
/// come among these.
const LEFT_BEHIND: usize = 12;

/// Comes before all that may stand in an order id: the key of a sheet is its last place when it was full, and this.
const BEHIND: &str = "!";

/// The key of the last sheet: it sorts behind all places.
const LAST: &str = "~";

/// Places of an index, ascending.
#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Sheet<I> {
    pub places: Vec<String>,
    #[serde(skip)]
    index: PhantomData<I>,
}

impl<I: Index> Row for Sheet<I> {
    const TABLE: &'static str = I::ENDED;
}

impl<I: Index> Sheet<I> {
    fn of(places: Vec<String>) -> Sheet<I> {
        Sheet { places, index: PhantomData }
    }

    /// The sheet on which `place` stands, or would stand, with its key.
    fn with(turn: &Turn<'_>, prefix: &str, place: &str) -> (String, Sheet<I>) {
        let behind = turn.rows(prefix, Some(&format!("{prefix}{place}")), 1).pop();
        behind.unwrap_or_else(|| (format!("{prefix}{LAST}"), Sheet::of(Vec::new())))
    }

    /// Adds `place` to what stands under `prefix`. One that is there stays.
    pub fn add(turn: &mut Turn<'_>, prefix: &str, place: String) {
        let (key, mut sheet) = Sheet::<I>::with(turn, prefix, &place);
        let Err(at) = sheet.places.binary_search(&place) else { return };
        sheet.places.insert(at, place);
        if sheet.places.len() > FULL {
            let rest = sheet.places.split_off(LEFT_BEHIND);
            turn.put(format!("{prefix}{}{BEHIND}", sheet.places[LEFT_BEHIND - 1]), &sheet);
            sheet.places = rest;
        }
        turn.put(key, &sheet);
    }

    /// Takes `place` away. One that is not there is no error.
    pub fn remove(turn: &mut Turn<'_>, prefix: &str, place: &str) {
        let (key, mut sheet) = Sheet::<I>::with(turn, prefix, place);
        let Ok(at) = sheet.places.binary_search_by(|it| it.as_str().cmp(place)) else { return };
        sheet.places.remove(at);
        match sheet.places.is_empty() {
            true => turn.remove::<Sheet<I>>(key),
            false => turn.put(key, &sheet),
        }
    }
}
