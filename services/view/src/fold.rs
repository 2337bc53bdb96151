//! The one way of an event about an order into the rows: its own line of the timeline, the order's row, and what depends
//! on that where it changed.

use chassis::{Turn, Unacceptable};
use events::{Event, OrderId};

use crate::{
    index,
    rows::Order,
    timeline::{self, Told},
    totals,
};

/// Tells `event` to the order that it is about: `change` is what it means for the order, `note` what a reader wants to
/// know beside its type.
pub fn tell<E: Event>(
    turn: &mut Turn<'_>,
    event: &E,
    note: Option<String>,
    change: impl FnOnce(&mut Order),
) -> Result<(), Unacceptable> {
    let (order_id, at) = (OrderId::from(event.key()), turn.now());
    let mut before: Option<Order> = turn.row(&order_id);
    let lines = before.as_mut().map(|order| std::mem::take(&mut order.lines)).unwrap_or_default();
    let known = before.clone().unwrap_or_else(|| Order::known_since(at));
    let mut order = Order { lines, ..known };
    change(&mut order);
    order.go_on(at);
    order.events += 1;
    order.last_sequence = turn.heard().unwrap_or_default();
    let told = Told {
        number: order.events,
        sequence: order.last_sequence,
        id: turn.cause(),
        kind: E::TYPE.to_owned(),
        source: turn.source().to_owned(),
        time: at,
        causation: turn.causation(),
        note,
    };
    timeline::add(turn, &order_id, &mut order.lines, told);
    index::keep(turn, &order_id, before.as_ref(), &order);
    totals::count(turn, before.as_ref(), &order);
    turn.put(&order_id, &order);
    Ok(())
}
