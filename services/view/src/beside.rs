//! What is said beside the sagas: no order's status depends on it.

use chassis::{Turn, Unacceptable};
use events::{CustomerRegistered, CustomerUpdated, InventoryStocked, NotificationFailed, NotificationSent};

use crate::{fold::tell, rows::kept, totals};

pub fn notified(turn: &mut Turn<'_>, event: &NotificationSent) -> Result<(), Unacceptable> {
    let note = kept(&format!("{} {}", event.channel, event.template));
    totals::day(turn, |day| day.notifications_sent += 1);
    tell(turn, event, Some(note), |_| ())
}

pub fn not_notified(turn: &mut Turn<'_>, event: &NotificationFailed) -> Result<(), Unacceptable> {
    let note = kept(&format!("{} {}: {}", event.channel, event.template, event.reason));
    totals::day(turn, |day| day.notifications_failed += 1);
    tell(turn, event, Some(note), |_| ())
}

pub fn stocked(turn: &mut Turn<'_>, event: &InventoryStocked) -> Result<(), Unacceptable> {
    let units = u64::from(event.quantity.units());
    totals::day(turn, |day| day.units_stocked = day.units_stocked.saturating_add(units));
    Ok(())
}

pub fn registered(turn: &mut Turn<'_>, _: &CustomerRegistered) -> Result<(), Unacceptable> {
    totals::day(turn, |day| day.customers_registered += 1);
    Ok(())
}

/// A customer who moves changes no row here: names and addresses are the customer service's.
pub fn updated(_: &mut Turn<'_>, _: &CustomerUpdated) -> Result<(), Unacceptable> {
    Ok(())
}
