//! The way to a fulfilled order: it is paid and its address is known, so a carrier is booked, once.

use chassis::{Effect, Turn, Unacceptable};
use events::{Address, OrderCreated, OrderId, OrderPaid, ShipmentId, ShippingFailed, ShippingScheduled};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::rows::{Destination, Parcel, State, shipment};

/// Book a carrier. The key is the order: an order is sent once, however often this is performed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Booking {
    /// The order.
    pub order_id: OrderId,
    /// Where it goes.
    pub ship_to: Option<Address>,
    /// When it was paid: asked again, the carrier says the same.
    #[serde(default)]
    pub at: Timestamp,
}

/// What the carrier decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BookingOutcome {
    /// It takes the order.
    Booked {
        /// The shipment.
        shipment_id: ShipmentId,
        /// Who brings it.
        carrier: String,
        /// When it should arrive.
        eta: Timestamp,
    },
    /// It does not.
    Refused {
        /// Why.
        reason: String,
    },
}

impl Effect for Booking {
    const NAME: &'static str = "booking";
    type Outcome = BookingOutcome;

    fn key(&self) -> String {
        self.order_id.to_string()
    }
}

pub fn note_address(turn: &mut Turn<'_>, event: &OrderCreated) -> Result<(), Unacceptable> {
    let mut shipment = shipment(turn, &event.order_id);
    // An order is placed once: what somebody types under its id later changes nothing.
    shipment.destination.get_or_insert(Destination { ship_to: event.ship_to.clone() });
    shipment.go_on(turn, &event.order_id);
    Ok(())
}

pub fn book_on_order_paid(turn: &mut Turn<'_>, event: &OrderPaid) -> Result<(), Unacceptable> {
    let mut shipment = shipment(turn, &event.order_id);
    shipment.paid = true;
    shipment.go_on(turn, &event.order_id);
    Ok(())
}

/// Says what the carrier decided. A booking that nobody wants any more is said too, and undone.
pub fn record_booking(turn: &mut Turn<'_>, booking: &Booking, outcome: &BookingOutcome) -> Result<(), Unacceptable> {
    let order_id = booking.order_id.clone();
    let mut shipment = shipment(turn, &order_id);
    if shipment.state != State::Booking {
        // An earlier self said how it ended.
        return Ok(());
    }
    match outcome.clone() {
        BookingOutcome::Booked { shipment_id, carrier, eta } => {
            let (carrier_of, eta_of) = (Some(carrier.clone()), Some(eta));
            let parcel = Parcel { shipment_id: shipment_id.clone(), carrier: carrier_of, eta: eta_of };
            shipment.state = State::Scheduled(parcel);
            turn.emit(&ShippingScheduled { order_id: order_id.clone(), shipment_id, carrier, eta });
        }
        BookingOutcome::Refused { reason } => {
            shipment.state = State::Failed { reason: reason.clone() };
            turn.emit(&ShippingFailed { order_id: order_id.clone(), reason });
        }
    }
    match shipment.unwanted {
        true => shipment.undo(turn, &order_id),
        false => turn.put(&order_id, &shipment),
    }
    Ok(())
}
