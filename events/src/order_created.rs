//! `order.created`: the fact that starts a saga, and the one that people type by hand.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Address, Currency, CustomerId, Envelope, Error, Event, Key, Line, MinorUnits, Money, OrderId, PaymentMethod, Role,
    event::{parse, unknown, version},
    line::total,
    order_created_v1,
};

/// An order was placed: what, for whom, at which price, paid how, sent where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OrderCreated {
    /// The order, and the saga.
    pub order_id: OrderId,
    /// Who ordered.
    pub customer_id: CustomerId,
    /// What, at which price.
    #[schemars(length(min = 1))]
    pub items: Vec<Line>,
    /// The sum of the lines, in minor units.
    #[schemars(extend("minimum" = 1))]
    pub total: MinorUnits,
    /// Of the prices and of the total.
    pub currency: Currency,
    /// In the payment gateway's words.
    pub payment_method: PaymentMethod,
    /// Where it goes; an order for something that is not sent has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ship_to: Option<Address>,
}

impl OrderCreated {
    /// What the customer owes.
    pub fn due(&self) -> Money {
        Money { amount: self.total, currency: self.currency }
    }
}

/// What a person has to type; the rest follows from it.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "OrderCreatedTyped")]
pub(crate) struct Typed {
    /// The order; where it is missing, the subject's key, else the event's id.
    order_id: Option<OrderId>,
    /// Who orders.
    customer_id: CustomerId,
    /// What, at which price.
    #[schemars(length(min = 1))]
    items: Vec<Line>,
    /// Where it is missing, the sum of the lines; another one is refused.
    #[schemars(extend("minimum" = 1))]
    total: Option<MinorUnits>,
    /// Where it is missing, USD.
    currency: Option<Currency>,
    /// Where it is missing, `pm_card_visa`.
    payment_method: Option<PaymentMethod>,
    /// Where it goes.
    ship_to: Option<Address>,
}

impl Typed {
    fn complete(self, envelope: &Envelope) -> Result<OrderCreated, Error> {
        let invalid = |why| Error::Invalid { kind: OrderCreated::TYPE.to_owned(), why };
        Ok(OrderCreated {
            order_id: self.order_id.unwrap_or_else(|| order_id(envelope)),
            customer_id: self.customer_id,
            total: self.total.map_or_else(|| total(&self.items).map_err(invalid), Ok)?,
            items: self.items,
            currency: self.currency.unwrap_or(Currency::USD),
            payment_method: self.payment_method.unwrap_or_else(PaymentMethod::default_card),
            ship_to: self.ship_to,
        })
    }
}

/// The order id of a body that names none: the subject's key, else the event's id.
fn order_id(envelope: &Envelope) -> OrderId {
    envelope.subject.key().cloned().map_or_else(|| OrderId::from(envelope.id), OrderId::from)
}

impl Event for OrderCreated {
    const TYPE: &'static str = "order.created";
    const VERSION: u32 = 2;
    const ROLE: Role = Role::Step;

    fn key(&self) -> Key {
        Key::from(&self.order_id)
    }

    fn read(envelope: &Envelope, body: &[u8]) -> Result<OrderCreated, Error> {
        let newest = |body| parse::<Typed>(Self::TYPE, body)?.complete(envelope);
        match version(envelope, Self::TYPE, Self::VERSION)? {
            Some(2) => newest(body),
            Some(1) => order_created_v1::upcast(body),
            Some(version) => Err(unknown(Self::TYPE, &version.to_string(), Self::VERSION)),
            // A body that fits neither is told what the newest version misses.
            None => newest(body).or_else(|error| match error {
                Error::Malformed { .. } => order_created_v1::upcast(body).map_err(|_| error),
                _ => Err(error),
            }),
        }
    }

    fn check(&self) -> Result<(), String> {
        match total(&self.items)? {
            sum if sum == self.total => Ok(()),
            sum => Err(format!("the total is {} and the lines add up to {sum}", self.total)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Arrival, EventId, Headers, Subject, decode};

    fn read(subject: &str, schema: Option<&str>, body: &str) -> Result<OrderCreated, Error> {
        let arrival = Arrival { id: EventId::derived(&["typed"]), time: jiff::Timestamp::UNIX_EPOCH };
        let headers: Headers = schema.map(|schema| ("ce-dataschema", schema)).into_iter().collect();
        let subject: Subject = subject.parse().unwrap();
        decode(&Envelope::read(subject, &headers, arrival).unwrap(), body.as_bytes())
    }

    const TYPED: &str = r#"{"customer_id":"alice","items":[{"sku":"widget","quantity":2,"unit_price":1999}]}"#;

    #[test]
    fn a_hand_typed_order_is_completed() {
        let order = read("order.created", None, TYPED).unwrap();
        assert_eq!(order.order_id.to_string(), EventId::derived(&["typed"]).to_string());
        assert_eq!(order.due(), Money { amount: MinorUnits(3998), currency: Currency::USD });
        assert_eq!(order.payment_method.as_str(), "pm_card_visa");
    }

    #[test]
    fn the_key_stands_in_for_a_missing_order_id() {
        assert_eq!(read("order.created.o-1", None, TYPED).unwrap().order_id.as_str(), "o-1");
    }

    #[test]
    fn a_total_that_is_not_the_sum_is_refused() {
        let body = TYPED.replace("\"customer_id\"", "\"total\":1,\"customer_id\"");
        let error = read("order.created", None, &body).unwrap_err();
        assert_eq!(error.reason(), "invalid");
        assert!(error.to_string().contains("the total is 1 and the lines add up to 3998"));
    }

    #[test]
    fn another_key_than_the_subjects_is_refused() {
        let body = TYPED.replace("\"customer_id\"", "\"order_id\":\"o-2\",\"customer_id\"");
        assert_eq!(read("order.created.o-1", None, &body).unwrap_err().reason(), "key_mismatch");
    }

    #[test]
    fn a_newer_version_is_not_guessed_at() {
        for schema in ["x/order.created/3", "x/order.created/next", "x/order.created/0"] {
            assert_eq!(read("order.created", Some(schema), TYPED).unwrap_err().reason(), "unknown_version");
        }
    }

    #[test]
    fn quantities_and_prices_have_limits() {
        for (from, to) in [("2", "0"), ("2", "-1"), ("2", "1000000000000000000"), ("1999", "0"), ("1999", "-5")] {
            let body = TYPED.replace(&format!(":{from}"), &format!(":{to}"));
            assert!(read("order.created", None, &body).is_err(), "{to} was taken");
        }
        let body = TYPED.replace("1999", "9223372036854775807");
        assert!(read("order.created", None, &body).unwrap_err().to_string().contains("overflows"));
    }
}
