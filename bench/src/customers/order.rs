//! What customers send.

use serde_json::{Value, json};

/// How many of an article there are at first: no order fails for want of it.
const ENOUGH: u64 = 1_000_000;

/// A customer with an address.
pub fn customer(number: u64) -> Value {
    let id = format!("customer-{number}");
    json!({"customer_id": id, "name": "Alice", "email": format!("{id}@example.com")})
}

/// A full shelf of an article.
pub fn stock(number: u64) -> Value {
    json!({
        "sku": format!("widget-{number}"), "name": "Widget", "unit_price": 1999, "currency": "USD", "quantity": ENOUGH,
    })
}

/// The order of that number: two of one article. Of a hundred, `failing` fail, and are spread among the others; half of
/// them at the payment, half at the shipment.
pub fn order(number: u64, failing: u32, skus: u64, customers: u64) -> Value {
    let fails = number * 37 % 100 < u64::from(failing);
    let (card, postal_code) = match (fails, number.is_multiple_of(2)) {
        (true, true) => ("pm_card_declined", "12345"),
        (true, false) => ("pm_card_visa", "00000"),
        (false, _) => ("pm_card_visa", "12345"),
    };
    json!({
        "customer_id": format!("customer-{}", number % customers),
        "items": [{"sku": format!("widget-{}", number * 7 % skus), "quantity": 2}],
        "payment_method": card,
        "ship_to": {
            "name": "Alice", "line1": "1 Main St", "city": "Springfield", "postal_code": postal_code, "country": "US",
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_hundred_orders_as_many_fail_as_was_asked_for_half_of_them_at_the_payment() {
        let count = |failing, what: fn(&Value) -> bool| {
            (0..1000).filter(|number| what(&order(*number, failing, 16, 100))).count()
        };
        let declined = |it: &Value| it["payment_method"] == "pm_card_declined";
        let unserviceable = |it: &Value| it["ship_to"]["postal_code"] == "00000";
        assert_eq!((count(20, declined), count(20, unserviceable)), (100, 100));
        assert_eq!((count(0, declined), count(0, unserviceable)), (0, 0));
    }

    #[test]
    fn orders_spread_over_all_articles() {
        let skus: std::collections::BTreeSet<_> =
            (0..16).map(|number| order(number, 0, 16, 100)["items"][0]["sku"].to_string()).collect();
        assert_eq!(skus.len(), 16);
    }
}
