//! What is explored: small worlds, each with the orders of one kind.

use crate::world::World;

/// How many of each fault a run may have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Faults {
    /// A process ends and starts again, between any two moves.
    pub crashes: u8,
    /// A service hears again what it has heard.
    pub duplicates: u8,
    /// A service hears a message before an older one.
    pub overtakings: u8,
    /// A deadline passes, however early.
    pub deadlines: u8,
}

/// A small world, and what people may ask for in it.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// What it is called.
    pub name: &'static str,
    /// The orders: how many of the sku, and what else stands in them.
    pub orders: &'static [(u32, &'static str)],
    /// Commands that are sent at any moment, or never: service and command, for the first order.
    pub commands: &'static [(&'static str, &'static str)],
    /// Whether a deadline may pass.
    pub late: bool,
}

const PLAIN: &str = "";
const DECLINED: &str = r#","payment_method":"pm_card_declined""#;
const UNSERVICEABLE: &str = r#","ship_to":{"postal_code":"00000"}"#;

/// How many of the sku there are.
const STOCK: u32 = 3;

/// All of them.
pub const SCENARIOS: &[Scenario] = &[
    Scenario { name: "fulfilled", orders: &[(2, PLAIN)], commands: &[], late: false },
    Scenario { name: "declined", orders: &[(2, DECLINED)], commands: &[], late: false },
    Scenario { name: "unserviceable", orders: &[(2, UNSERVICEABLE)], commands: &[], late: false },
    Scenario { name: "out of stock", orders: &[(4, PLAIN)], commands: &[], late: false },
    Scenario { name: "cancelled", orders: &[(2, PLAIN)], commands: &[("order", "cancel")], late: false },
    Scenario {
        name: "cancelled or dispatched",
        orders: &[(2, PLAIN)],
        commands: &[("order", "cancel"), ("shipping", "dispatch")],
        late: false,
    },
    Scenario { name: "late", orders: &[(2, PLAIN)], commands: &[], late: true },
    Scenario { name: "two for the same stock", orders: &[(2, PLAIN), (2, PLAIN)], commands: &[], late: false },
    Scenario { name: "two, one declined", orders: &[(2, DECLINED), (1, PLAIN)], commands: &[], late: false },
    Scenario {
        name: "two, one cancelled",
        orders: &[(2, PLAIN), (2, PLAIN)],
        commands: &[("order", "cancel")],
        late: false,
    },
];

impl Scenario {
    /// The world with its orders placed, and nothing heard of them.
    pub fn begin(&self) -> World {
        let mut world = World::default();
        let stock = format!(r#"{{"sku":"widget","unit_price":1999,"quantity":{STOCK}}}"#);
        world.command("inventory", "stock", &stock).expect("stock is taken in");
        world.settle();
        for (number, (quantity, extra)) in self.orders.iter().enumerate() {
            let items = format!(r#"[{{"sku":"widget","quantity":{quantity},"unit_price":1999}}]"#);
            let body = format!(r#"{{"order_id":"o-{}","customer_id":"alice","items":{items}{extra}}}"#, number + 1);
            world.type_by_hand("order.created", &body);
        }
        world
    }

    /// What of `faults` it can have.
    pub fn faults(&self, faults: Faults) -> Faults {
        Faults { deadlines: if self.late { faults.deadlines.max(1) } else { 0 }, ..faults }
    }
}
