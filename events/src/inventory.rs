//! What the inventory service says.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Currency, MinorUnits, OrderId, Quantity, ReservationId, ReservedLine, Sku, event::event};

/// Units came in: `quantity` is added to what is there; name and price hold from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InventoryStocked {
    /// What.
    pub sku: Sku,
    /// For people.
    pub name: String,
    /// Minor units, for one.
    #[schemars(extend("minimum" = 1))]
    pub unit_price: MinorUnits,
    /// Of the price.
    pub currency: Currency,
    /// How many came in.
    pub quantity: Quantity,
}

impl crate::Event for InventoryStocked {
    const TYPE: &'static str = "inventory.stocked";
    const VERSION: u32 = 1;
    const ROLE: crate::Role = crate::Role::News;

    fn key(&self) -> crate::Key {
        crate::Key::from(&self.sku)
    }

    fn check(&self) -> Result<(), String> {
        match self.unit_price.is_positive() {
            true => Ok(()),
            false => Err(format!("a unit price of {}: it must be at least 1", self.unit_price)),
        }
    }
}

/// Every line of the order is held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InventoryReserved {
    /// The order.
    pub order_id: OrderId,
    /// What holds it.
    pub reservation_id: ReservationId,
    /// What is held.
    pub items: Vec<ReservedLine>,
}
event!(InventoryReserved, "inventory.reserved", order_id, Step);

/// Nothing is held, because not everything could be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InventoryReservationFailed {
    /// The order.
    pub order_id: OrderId,
    /// Why.
    pub reason: ReservationFailure,
    /// What was missing.
    #[serde(default)]
    pub shortages: Vec<Shortage>,
}
event!(InventoryReservationFailed, "inventory.reservation_failed", order_id, Failure);

/// Why nothing could be held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReservationFailure {
    /// There is less than was asked for; of an unknown sku there is nothing.
    OutOfStock,
}

/// A line that could not be held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Shortage {
    /// What.
    pub sku: Sku,
    /// How many were asked for.
    pub requested: u64,
    /// How many there were.
    pub available: u64,
}

/// What was held for the order is free again; nothing will be held for it any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InventoryReleased {
    /// The order.
    pub order_id: OrderId,
    /// What held it, where something did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reservation_id: Option<ReservationId>,
    /// What is free again; empty where nothing was held.
    #[serde(default)]
    pub items: Vec<ReservedLine>,
}
event!(InventoryReleased, "inventory.released", order_id, Undo);
