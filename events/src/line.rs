//! The lines of an order, with and without a price.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{MinorUnits, Sku};

/// The largest quantity of one line.
pub const MAX_QUANTITY: u32 = 1_000_000;

/// How many units: 0 to [`MAX_QUANTITY`]. Where at least one is needed, the event says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "i64")]
pub struct Quantity(u32);

impl Quantity {
    /// The number of units.
    pub fn units(self) -> u32 {
        self.0
    }
}

impl TryFrom<i64> for Quantity {
    type Error = String;
    fn try_from(units: i64) -> Result<Quantity, String> {
        match u32::try_from(units) {
            Ok(units) if units <= MAX_QUANTITY => Ok(Quantity(units)),
            _ => Err(format!("a quantity of {units} is not possible: use 0 to {MAX_QUANTITY}")),
        }
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A line of an order, at the price that the order was placed at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Line {
    /// What.
    pub sku: Sku,
    /// How many, at least one.
    #[schemars(extend("minimum" = 1))]
    pub quantity: Quantity,
    /// Minor units of the order's currency, for one.
    #[schemars(extend("minimum" = 1))]
    pub unit_price: MinorUnits,
}

/// A line of a reservation: what is held, whatever it costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReservedLine {
    /// What.
    pub sku: Sku,
    /// How many, at least one.
    #[schemars(extend("minimum" = 1))]
    pub quantity: Quantity,
}

/// The sum of the lines, or why there is none.
pub fn total(lines: &[Line]) -> Result<MinorUnits, String> {
    if lines.is_empty() {
        return Err("an order needs at least one item".to_owned());
    }
    let mut sum = MinorUnits(0);
    for line in lines {
        if line.quantity.units() == 0 {
            return Err(format!("the quantity of {} is 0: order at least one", line.sku));
        }
        if !line.unit_price.is_positive() {
            return Err(format!("the unit price of {} is {}: it must be at least 1", line.sku, line.unit_price));
        }
        sum = line
            .unit_price
            .checked_mul(line.quantity.units())
            .and_then(|price| sum.checked_add(price))
            .ok_or_else(|| format!("the total overflows at {} x {}: order less", line.quantity, line.sku))?;
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(quantity: i64, unit_price: i64) -> Line {
        Line {
            sku: Sku::try_from("widget").unwrap(),
            quantity: Quantity::try_from(quantity).unwrap(),
            unit_price: MinorUnits(unit_price),
        }
    }

    #[test]
    fn the_total_is_the_sum_of_the_lines() {
        assert_eq!(total(&[line(2, 1999), line(1, 1)]), Ok(MinorUnits(3999)));
    }

    #[test]
    fn what_cannot_be_summed_is_said() {
        assert!(total(&[]).unwrap_err().contains("at least one item"));
        assert!(total(&[line(0, 5)]).unwrap_err().contains("quantity of widget is 0"));
        assert!(total(&[line(1, 0)]).unwrap_err().contains("unit price of widget is 0"));
        assert!(total(&[line(2, i64::MAX)]).unwrap_err().contains("overflows"));
        assert!(total(&[line(1, i64::MAX), line(1, 1)]).unwrap_err().contains("overflows"));
    }

    #[test]
    fn a_quantity_has_a_largest_value() {
        for bad in [-1, 1_000_001, 1_000_000_000_000_000_000] {
            assert!(Quantity::try_from(bad).unwrap_err().contains(&bad.to_string()));
        }
    }
}
