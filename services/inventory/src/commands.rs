//! What a person asks of the inventory service.

use chassis::{Refusal, Turn};
use events::{Currency, InventoryStocked, MAX_QUANTITY, MinorUnits, OrderId, Quantity, Sku};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::rows::{Reservation, Stock};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddStock {
    sku: Sku,
    name: Option<String>,
    unit_price: Option<MinorUnits>,
    currency: Option<Currency>,
    quantity: i64,
}

#[derive(Serialize)]
pub struct Level {
    sku: Sku,
    available: u64,
    held: u64,
}

/// Adds units. Name, price and currency stay as they are where the command does not name them.
pub fn stock(turn: &mut Turn<'_>, command: AddStock) -> Result<Level, Refusal> {
    let AddStock { sku, name, unit_price, currency, quantity } = command;
    let quantity = Quantity::try_from(quantity).map_err(|_| {
        Refusal::unprocessable(format!("the quantity is {quantity}: add 0 to {MAX_QUANTITY} at a time"))
    })?;
    let known = turn.row::<Stock>(&sku);
    let unit_price = unit_price.or(known.as_ref().map(|stock| stock.unit_price));
    let unit_price = unit_price.filter(|price| price.is_positive()).ok_or_else(|| {
        Refusal::unprocessable(format!("{sku} has no price: add a unit_price of at least 1 in minor units"))
    })?;
    let stocked = InventoryStocked {
        name: name.or(known.as_ref().map(|stock| stock.name.clone())).unwrap_or_else(|| sku.to_string()),
        unit_price,
        currency: currency.or(known.map(|stock| stock.currency)).unwrap_or(Currency::USD),
        quantity,
        sku,
    };
    let stock = add(turn, &stocked);
    turn.emit(&stocked);
    Ok(Level { sku: stocked.sku, available: stock.available, held: stock.held })
}

/// Adds what came in to what is there.
pub fn add(turn: &mut Turn<'_>, stocked: &InventoryStocked) -> Stock {
    let levels = |stock: Stock| (stock.available, stock.held, stock.left);
    let (available, held, left) = turn.row(&stocked.sku).map_or((0, 0, 0), levels);
    let stock = Stock {
        name: stocked.name.clone(),
        unit_price: stocked.unit_price,
        currency: stocked.currency,
        available: available.saturating_add(u64::from(stocked.quantity.units())),
        held,
        left,
    };
    turn.put(&stocked.sku, &stock);
    stock
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Get {
    sku: Option<Sku>,
    order_id: Option<OrderId>,
}

/// What there is of a sku, or what was decided for an order.
pub fn get(turn: &mut Turn<'_>, command: Get) -> Result<Value, Refusal> {
    let shown = match (&command.sku, &command.order_id) {
        (Some(sku), None) => turn.row::<Stock>(sku).map(|stock| with("sku", sku.as_str(), json!(stock))),
        (None, Some(order)) => turn.row::<Reservation>(order).map(|it| with("order_id", order.as_str(), json!(it))),
        _ => return Err(Refusal::unprocessable("name either a sku or an order_id")),
    };
    shown.ok_or_else(|| {
        let asked = command.sku.map(|it| it.to_string()).or(command.order_id.map(|it| it.to_string()));
        Refusal::not_found(format!("nothing is known of {}", asked.unwrap_or_default()))
    })
}

fn with(name: &str, value: &str, mut shown: Value) -> Value {
    shown[name] = json!(value);
    shown
}
