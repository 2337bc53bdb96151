//! The carrier. A real one stands behind [`Perform<Booking>`] as this one does.

use chassis::{Perform, Retry};
use events::{EventId, ShipmentId};
use jiff::SignedDuration;

use crate::forward::{Booking, BookingOutcome};

/// How long a parcel takes.
const ON_THE_WAY: SignedDuration = SignedDuration::from_hours(72);

/// The postal code that no carrier serves: the way to try a shipment that fails.
const UNSERVICEABLE: &str = "00000";

/// A carrier in this process: it takes everything but parcels to [`UNSERVICEABLE`]. Booking an order again gives the
/// same shipment.
#[derive(Clone, Copy, Debug)]
pub struct LocalCarrier;

impl Perform<Booking> for LocalCarrier {
    async fn perform(&self, booking: Booking) -> Result<BookingOutcome, Retry> {
        if booking.ship_to.is_some_and(|address| address.postal_code.trim() == UNSERVICEABLE) {
            return Ok(BookingOutcome::Refused { reason: "unserviceable_address".to_owned() });
        }
        let shipment_id = ShipmentId::from(EventId::derived(&["local carrier", booking.order_id.as_str()]));
        let eta = booking.at.saturating_add(ON_THE_WAY).unwrap_or(jiff::Timestamp::MAX);
        Ok(BookingOutcome::Booked { shipment_id, carrier: "local".to_owned(), eta })
    }
}
