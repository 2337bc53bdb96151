//! What the shipping service knows of an order's shipment. The row gathers facts in whatever order they come.

use chassis::{Row, Turn};
use events::{Address, OrderId, ShipmentId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::forward::Booking;

/// What is known of an order's shipment, under the order's id.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Shipment {
    /// Where it goes, once the order is known; an order may have no address.
    pub destination: Option<Destination>,
    /// It is paid, so it may be sent.
    pub paid: bool,
    /// How far it is.
    pub state: State,
}

/// Where an order goes, as it was placed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destination {
    pub ship_to: Option<Address>,
}

/// How far a shipment is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "status")]
pub enum State {
    /// Nothing was asked of a carrier.
    #[default]
    Waiting,
    /// A booking is on its way.
    Booking,
    /// A carrier takes it.
    Scheduled { shipment_id: ShipmentId, carrier: String, eta: Timestamp },
    /// No carrier takes it.
    Failed { reason: String },
}

impl Row for Shipment {
    const TABLE: &'static str = "shipment";
}

impl Shipment {
    /// Asks for the booking once the order is paid and its address is known, and keeps the row.
    pub fn go_on(mut self, turn: &mut Turn<'_>, order_id: &OrderId) {
        if let (State::Waiting, true, Some(destination)) = (&self.state, self.paid, &self.destination) {
            turn.perform(&Booking { order_id: order_id.clone(), ship_to: destination.ship_to.clone() });
            self.state = State::Booking;
        }
        turn.put(order_id, &self);
    }
}

/// The shipment of an order, or what is known of one whose order was not heard of yet.
pub fn shipment(turn: &Turn<'_>, order_id: &OrderId) -> Shipment {
    turn.row(order_id).unwrap_or_default()
}
