//! `order.created/1`, upcast on the way in: other names, prices as decimal dollars, no payment method, no address.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Number;

use crate::{
    Currency, CustomerId, Error, Event, Line, MinorUnits, OrderCreated, OrderId, PaymentMethod, Quantity, Sku,
    event::parse,
};

/// An order as it was once placed: prices as decimal dollars, no payment method, no address.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "OrderCreatedV1")]
pub(crate) struct V1 {
    /// The order, and the saga.
    order_id: OrderId,
    /// Who ordered: today's `customer_id`.
    user_id: CustomerId,
    /// What, at which price.
    #[schemars(length(min = 1))]
    items: Vec<V1Item>,
    /// The sum of the lines, in dollars with at most two decimals.
    total: Number,
}

/// A line of an order, once.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "LineV1")]
struct V1Item {
    /// What: today's `sku`.
    product_id: Sku,
    /// How many, at least one.
    #[schemars(extend("minimum" = 1))]
    quantity: Quantity,
    /// Dollars with at most two decimals, for one.
    price: Number,
}

/// Reads a body of version 1 as the newest version.
pub(crate) fn upcast(body: &[u8]) -> Result<OrderCreated, Error> {
    let old: V1 = parse(OrderCreated::TYPE, body)?;
    let items = old
        .items
        .into_iter()
        .map(|item| Ok(Line { sku: item.product_id, quantity: item.quantity, unit_price: cents(&item.price)? }))
        .collect::<Result<_, Error>>()?;
    Ok(OrderCreated {
        order_id: old.order_id,
        customer_id: old.user_id,
        items,
        total: cents(&old.total)?,
        currency: Currency::USD,
        payment_method: PaymentMethod::default_card(),
        ship_to: None,
    })
}

/// Dollars as cents, from the digits rather than from the float: 19.99 is 1999, and 19.999 is nothing.
fn cents(dollars: &Number) -> Result<MinorUnits, Error> {
    let text = dollars.to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let fraction = fraction.trim_end_matches('0');
    let digits = format!("{whole}{fraction:0<2}");
    match digits.parse() {
        Ok(cents) if fraction.len() <= 2 => Ok(MinorUnits(cents)),
        _ => Err(Error::Invalid {
            kind: OrderCreated::TYPE.to_owned(),
            why: format!("{text} is not an amount of dollars and cents"),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_become_cents_digit_by_digit() {
        let number = |text: &str| serde_json::from_str::<Number>(text).unwrap();
        for (dollars, expected) in [("19.99", 1999), ("20", 2000), ("0.1", 10), ("20.50", 2050), ("1.0", 100)] {
            assert_eq!(cents(&number(dollars)), Ok(MinorUnits(expected)), "{dollars}");
        }
        for bad in ["19.999", "1e300", "99999999999999999999"] {
            assert!(cents(&number(bad)).is_err(), "{bad} was taken");
        }
    }
}
