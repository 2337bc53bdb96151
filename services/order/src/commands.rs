//! What a person asks of the order service.

use chassis::{Object, Refusal, Turn};
use events::{
    Address, CancelReason, CancelRequestReason, Currency, CustomerId, Line, MAX_QUANTITY, MinorUnits, OrderCreated,
    OrderId, PaymentMethod, Quantity, Sku,
};
use serde::{Deserialize, Serialize};

use crate::rows::{Deadline, End, Order, Price};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    customer_id: CustomerId,
    items: Vec<Object<Item>>,
    payment_method: Option<PaymentMethod>,
    ship_to: Option<Object<ShipTo>>,
}

/// An [`Address`] as somebody asks for it: a field that nobody knows is a mistake here, where in an event it is a later
/// version.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ShipTo {
    name: String,
    line1: String,
    city: String,
    postal_code: String,
    country: String,
}

impl From<ShipTo> for Address {
    fn from(ShipTo { name, line1, city, postal_code, country }: ShipTo) -> Address {
        Address { name, line1, city, postal_code, country }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Item {
    sku: Sku,
    quantity: i64,
}

#[derive(Serialize)]
pub struct Placed {
    order_id: OrderId,
    status: &'static str,
    total: MinorUnits,
    currency: Currency,
}

/// Places an order at the prices of the price book.
pub fn place(turn: &mut Turn<'_>, command: Place, deadline: Deadline) -> Result<Placed, Refusal> {
    let (items, currency) = priced(turn, &command.items)?;
    let placed = OrderCreated {
        order_id: OrderId::from(turn.new_id("order")),
        customer_id: command.customer_id,
        total: events::total(&items).map_err(Refusal::unprocessable)?,
        items,
        currency,
        payment_method: command.payment_method.unwrap_or_else(PaymentMethod::default_card),
        ship_to: command.ship_to.map(|Object(address)| address.into()),
    };
    if let Some(order) = turn.row::<Order>(&placed.order_id) {
        // The same idempotency key, and the answer that it had is gone with an earlier store.
        return match order.placed.as_ref() {
            Some(before) if *before == placed => {
                Ok(Placed { order_id: placed.order_id, status: order.status(), total: placed.total, currency })
            }
            _ => Err(Refusal::conflict("this idempotency_key was used for another order: use a new one")),
        };
    }
    turn.emit(&placed);
    deadline.set(turn, &placed.order_id);
    let order = Order { placed: Some(placed.clone()), ..Order::default() };
    turn.put(&placed.order_id, &order);
    let OrderCreated { order_id, total, currency, .. } = placed;
    Ok(Placed { order_id, status: order.status(), total, currency })
}

/// The items as lines, and the one currency of their prices.
fn priced(turn: &Turn<'_>, items: &[Object<Item>]) -> Result<(Vec<Line>, Currency), Refusal> {
    let mut lines = Vec::new();
    let mut currency = None;
    for Object(item) in items {
        let sku = &item.sku;
        let possible = |quantity: &Quantity| quantity.units() > 0;
        let quantity = Quantity::try_from(item.quantity).ok().filter(possible).ok_or_else(|| {
            let asked = item.quantity;
            Refusal::unprocessable(format!("the quantity of {sku} is {asked}: order 1 to {MAX_QUANTITY}"))
        })?;
        let price: Price = turn.row(sku).ok_or_else(|| {
            Refusal::unprocessable(format!("there is no {sku} in the price book: stock it, or correct the sku"))
        })?;
        let first = *currency.get_or_insert(price.currency);
        if first != price.currency {
            let message = format!("{sku} is priced in {} and others in {first}: order them apart", price.currency);
            return Err(Refusal::unprocessable(message));
        }
        lines.push(Line { sku: sku.clone(), quantity, unit_price: price.unit_price });
    }
    match currency {
        Some(currency) => Ok((lines, currency)),
        None => Err(Refusal::unprocessable("an order needs at least one item")),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cancel {
    order_id: OrderId,
    /// In the customer's words, or `deadline_passed`.
    reason: Option<String>,
}

#[derive(Serialize)]
pub struct Cancelled {
    order_id: OrderId,
    status: &'static str,
}

/// How much a reason may have to say.
const REASON_CHARACTERS: usize = 200;

/// Asks for everything to be undone. Asked again, it says how far that is.
pub fn cancel(turn: &mut Turn<'_>, command: Cancel) -> Result<Cancelled, Refusal> {
    let Cancel { order_id, reason } = command;
    let reason = match reason.as_deref() {
        Some("deadline_passed") => CancelRequestReason::DeadlinePassed,
        Some(words) if words.chars().count() > REASON_CHARACTERS => {
            return Err(Refusal::unprocessable(format!("reason: use {REASON_CHARACTERS} characters at most")));
        }
        _ => CancelRequestReason::CustomerRequest,
    };
    let order: Option<Order> = turn.row(&order_id);
    let order = order.filter(|order| order.placed.is_some());
    let order = order.ok_or_else(|| Refusal::not_found(format!("there is no order {order_id}")))?;
    if order.end == Some(End::Completed) || order.cancel_refused {
        let message = format!("the order {order_id} is {} and cannot be cancelled any more", order.status());
        return Err(Refusal::conflict(message));
    }
    let order = if order.goes_on() { order.request_cancel(turn, &order_id, reason) } else { order };
    Ok(Cancelled { order_id, status: order.status() })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Get {
    order_id: OrderId,
}

#[derive(Serialize)]
pub struct Shown {
    #[serde(flatten)]
    placed: OrderCreated,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<CancelReason>,
    /// Why it is being cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    cancelling: Option<CancelRequestReason>,
}

/// The order and how far it is.
pub fn get(turn: &mut Turn<'_>, command: Get) -> Result<Shown, Refusal> {
    let order: Order = turn.row(&command.order_id).unwrap_or_default();
    let status = order.status();
    let reason = match order.end {
        Some(End::Cancelled(reason)) => Some(reason),
        _ => None,
    };
    let cancelling = order.cancelling.filter(|_| order.end.is_none());
    let missing = || Refusal::not_found(format!("there is no order {}", command.order_id));
    Ok(Shown { placed: order.placed.ok_or_else(missing)?, status, reason, cancelling })
}
