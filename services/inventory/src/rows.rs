//! What the inventory service knows: per sku what there is, per order what is held.

use std::collections::BTreeMap;

use chassis::{Row, Turn};
use events::{Currency, MinorUnits, OrderId, Quantity, ReservationId, ReservedLine, Shortage, Sku};
use serde::{Deserialize, Serialize};

/// What there is, under its sku.
#[derive(Debug, Serialize, Deserialize)]
pub struct Stock {
    pub name: String,
    pub unit_price: MinorUnits,
    pub currency: Currency,
    /// Free to be held.
    pub available: u64,
    /// Held for orders.
    pub held: u64,
    /// Gone to customers.
    #[serde(default)]
    pub left: u64,
}

impl Row for Stock {
    const TABLE: &'static str = "stock";
}

/// What was decided for an order, under its id. Every decision stays: it is what a late or repeated event finds.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum Reservation {
    /// All lines are held.
    Held { reservation_id: ReservationId, items: Vec<ReservedLine> },
    /// Nothing could be held.
    Failed,
    /// What was held has left the house.
    Left { reservation_id: ReservationId, items: Vec<ReservedLine> },
    /// Nothing is held and nothing will be: a tombstone for what comes late.
    Released { reservation_id: Option<ReservationId>, items: Vec<ReservedLine> },
}

impl Row for Reservation {
    const TABLE: &'static str = "reservation";
    const ENDS: bool = true;

    fn is_over(&self) -> bool {
        !matches!(self, Reservation::Held { .. })
    }
}

/// The quantities per sku: a sku may stand in several lines of an order.
pub fn per_sku<'a>(lines: impl Iterator<Item = (&'a Sku, Quantity)>) -> BTreeMap<&'a Sku, u64> {
    let mut sums = BTreeMap::new();
    for (sku, quantity) in lines {
        *sums.entry(sku).or_default() += u64::from(quantity.units());
    }
    sums
}

/// How many shortages are named at most: they have to fit into an event.
const SHORTAGES_AT_MOST: usize = 20;

/// What is missing to hold all of `wanted`, the first of it where it is much; nothing where it can be held.
pub fn shortages(turn: &Turn<'_>, wanted: &BTreeMap<&Sku, u64>) -> Vec<Shortage> {
    let short = |(sku, requested): (&&Sku, &u64)| {
        let available = turn.row::<Stock>(sku).map_or(0, |stock| stock.available);
        let sku = (*sku).clone();
        (available < *requested).then_some(Shortage { sku, requested: *requested, available })
    };
    wanted.iter().filter_map(short).take(SHORTAGES_AT_MOST).collect()
}

/// Moves `wanted` from what is free to what is held. Call it only where [`shortages`] found none.
pub fn hold(turn: &mut Turn<'_>, wanted: &BTreeMap<&Sku, u64>) {
    for (sku, quantity) in wanted {
        if let Some(mut stock) = turn.row::<Stock>(sku) {
            stock.available -= quantity;
            stock.held += quantity;
            turn.put(sku, &stock);
        }
    }
}

/// Moves what is held for the order back to what is free, and leaves a tombstone. Says what was held: nothing where
/// there was nothing, and `None` where that was done before.
pub fn release(turn: &mut Turn<'_>, order_id: &OrderId) -> Option<(Option<ReservationId>, Vec<ReservedLine>)> {
    let (reservation_id, items) = match turn.row::<Reservation>(order_id) {
        Some(Reservation::Released { .. } | Reservation::Left { .. }) => return None,
        Some(Reservation::Held { reservation_id, items }) => (Some(reservation_id), items),
        Some(Reservation::Failed) | None => (None, Vec::new()),
    };
    for (sku, quantity) in per_sku(items.iter().map(|line| (&line.sku, line.quantity))) {
        if let Some(mut stock) = turn.row::<Stock>(sku) {
            stock.held -= quantity;
            stock.available += quantity;
            turn.put(sku, &stock);
        }
    }
    turn.put(order_id, &Reservation::Released { reservation_id: reservation_id.clone(), items: items.clone() });
    Some((reservation_id, items))
}
