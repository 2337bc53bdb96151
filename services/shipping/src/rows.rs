//! What the shipping service knows of an order's shipment. The row gathers facts in whatever order they come.

use chassis::{Row, Turn};
use events::{Address, OrderId, ShipmentId, ShippingCancelled};
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
    /// It is to be undone as soon as the booking that is on its way has come to its end.
    #[serde(default)]
    pub unwanted: bool,
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
    Scheduled(Parcel),
    /// No carrier takes it.
    Failed { reason: String },
    /// Nothing is sent and nothing will be: a tombstone for what comes late.
    Cancelled {
        #[serde(skip_serializing_if = "Option::is_none")]
        shipment_id: Option<ShipmentId>,
    },
    /// It has left the house.
    Dispatched(Parcel),
    /// The customer has it.
    Delivered(Parcel),
}

impl State {
    /// For people, behind "the shipment is".
    pub fn name(&self) -> &'static str {
        match self {
            State::Waiting => "waiting for the order to be paid",
            State::Booking => "on its way to the carrier",
            State::Scheduled(_) => "scheduled",
            State::Failed { .. } => "refused by the carrier",
            State::Cancelled { .. } => "cancelled",
            State::Dispatched(_) => "dispatched",
            State::Delivered(_) => "delivered",
        }
    }
}

/// A booked shipment. Who brings it, and when, is not known of one that an earlier self only said to be on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parcel {
    pub shipment_id: ShipmentId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub carrier: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eta: Option<Timestamp>,
}

impl Row for Shipment {
    const TABLE: &'static str = "shipment";
    const ENDS: bool = true;

    /// While nothing was asked of a carrier, and when nothing is on its way to anybody.
    fn is_over(&self) -> bool {
        !matches!(self.state, State::Booking | State::Scheduled(_) | State::Dispatched(_))
    }
}

impl Shipment {
    /// Asks for the booking once the order is paid and its address is known, and keeps the row.
    pub fn go_on(mut self, turn: &mut Turn<'_>, order_id: &OrderId) {
        if let (State::Waiting, true, Some(destination)) = (&self.state, self.paid, &self.destination) {
            let (order_id, ship_to, at) = (order_id.clone(), destination.ship_to.clone(), turn.now());
            turn.perform(&Booking { order_id, ship_to, at });
            self.state = State::Booking;
        }
        turn.put(order_id, &self);
    }

    /// Undoes what nobody wants any more, from wherever it is; a booking that is on its way is undone when it has come to
    /// its end. What failed is on its way back already. Keeps the row.
    pub fn undo(mut self, turn: &mut Turn<'_>, order_id: &OrderId) {
        let shipment_id = match &self.state {
            State::Waiting => None,
            State::Scheduled(parcel) => Some(parcel.shipment_id.clone()),
            _ => {
                self.unwanted = true;
                return turn.put(order_id, &self);
            }
        };
        self.state = State::Cancelled { shipment_id: shipment_id.clone() };
        turn.put(order_id, &self);
        turn.emit(&ShippingCancelled { order_id: order_id.clone(), shipment_id });
    }
}

/// The shipment of an order, or what is known of one whose order was not heard of yet.
pub fn shipment(turn: &Turn<'_>, order_id: &OrderId) -> Shipment {
    turn.row(order_id).unwrap_or_default()
}
