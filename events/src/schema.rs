//! JSON Schemas of the values that the types alone do not describe: ids, money, quantities.
//!
//! Invariant: what such a schema allows is what reading takes, no more and no less.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::{
    Currency, CustomerId, Key, MAX_QUANTITY, MinorUnits, OrderId, PaymentMethod, Quantity, RefundId, ReservationId,
    ShipmentId, Sku, TransactionId,
};

macro_rules! schemas {
    ($($name:ident => { $($schema:tt)* };)*) => {$(
        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ $($schema)* })
            }
        }
    )*};
}

macro_rules! tokens {
    ($($name:ident, $what:literal;)*) => {
        schemas! {$(
            $name => { "description": $what, "type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$" };
        )*}
    };
}

tokens! {
    Key, "The last token of an event's subject.";
    OrderId, "An order, and the saga that fulfils or undoes it.";
    CustomerId, "A customer.";
    Sku, "A stock keeping unit.";
    ReservationId, "What inventory holds for one order.";
    TransactionId, "A charge, in the payment gateway's words.";
    RefundId, "A refund, in the payment gateway's words.";
    ShipmentId, "A shipment, in the carrier's words.";
    PaymentMethod, "A payment method, in the payment gateway's words.";
}

schemas! {
    MinorUnits => {
        "description": "An amount in the smallest unit of its currency: cents for USD, yen for JPY.",
        "type": "integer",
        "format": "int64",
        "minimum": i64::MIN,
        "maximum": i64::MAX,
    };
    Currency => { "description": "An ISO 4217 code.", "type": "string", "pattern": "^[A-Z]{3}$" };
    Quantity => { "description": "How many units.", "type": "integer", "minimum": 0, "maximum": MAX_QUANTITY };
}
