//! All events, in the order of the contract, and what each body looks like.

use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};

use crate::{order_created::Typed, order_created_v1::V1, *};

/// One version of an event, as it is written or as it was once written.
#[derive(Clone, Copy, Debug)]
pub struct Schema {
    /// `order.created`.
    pub kind: &'static str,
    /// The version.
    pub version: u32,
    /// What it is to its saga.
    pub role: Role,
    /// A body, byte for byte as it is on the wire.
    pub example: &'static str,
    /// The body's JSON Schema, as a reference to a definition that the generator keeps.
    pub body: fn(&mut SchemaGenerator) -> schemars::Schema,
}

impl Schema {
    /// The body's JSON Schema (draft 7), with everything that it refers to.
    pub fn json_schema(&self) -> serde_json::Value {
        let mut generator = SchemaSettings::draft07().into_generator();
        let body = (self.body)(&mut generator);
        let definitions = generator.take_definitions(true);
        serde_json::json!({
            "$schema": "http://json-schema.org/draft-07/schema#",
            "allOf": [body],
            "definitions": definitions,
        })
    }
}

const fn schema<E: Event + JsonSchema>(example: &'static str) -> Schema {
    Schema { kind: E::TYPE, version: E::VERSION, role: E::ROLE, example, body: |it| it.subschema_for::<E>() }
}

macro_rules! golden {
    ($file:literal) => {
        include_str!(concat!("../golden/", $file, ".json"))
    };
}

/// All events, in the order of the contract, each in the version that is written.
pub const CATALOGUE: &[Schema] = &[
    schema::<CustomerRegistered>(golden!("customer.registered.1")),
    schema::<CustomerUpdated>(golden!("customer.updated.1")),
    schema::<InventoryStocked>(golden!("inventory.stocked.1")),
    schema::<OrderCreated>(golden!("order.created.2")),
    schema::<OrderPaid>(golden!("order.paid.1")),
    schema::<OrderCompleted>(golden!("order.completed.1")),
    schema::<OrderCancelRequested>(golden!("order.cancel_requested.1")),
    schema::<OrderCancelled>(golden!("order.cancelled.1")),
    schema::<InventoryReserved>(golden!("inventory.reserved.1")),
    schema::<InventoryReservationFailed>(golden!("inventory.reservation_failed.1")),
    schema::<InventoryReleased>(golden!("inventory.released.1")),
    schema::<PaymentCompleted>(golden!("payment.completed.1")),
    schema::<PaymentFailed>(golden!("payment.failed.1")),
    schema::<PaymentRefunded>(golden!("payment.refunded.1")),
    schema::<PaymentRefundStuck>(golden!("payment.refund_stuck.1")),
    schema::<PaymentVoided>(golden!("payment.voided.1")),
    schema::<ShippingScheduled>(golden!("shipping.scheduled.1")),
    schema::<ShippingFailed>(golden!("shipping.failed.1")),
    schema::<ShippingCancelled>(golden!("shipping.cancelled.1")),
    schema::<ShippingCancelRefused>(golden!("shipping.cancel_refused.1")),
    schema::<ShippingDispatched>(golden!("shipping.dispatched.1")),
    schema::<ShippingDelivered>(golden!("shipping.delivered.1")),
    schema::<NotificationSent>(golden!("notification.sent.1")),
    schema::<NotificationFailed>(golden!("notification.failed.1")),
];

/// Versions that are not written any more and are still taken.
pub const OLDER: &[Schema] = &[Schema {
    kind: OrderCreated::TYPE,
    version: 1,
    role: OrderCreated::ROLE,
    example: golden!("order.created.1"),
    body: |it| it.subschema_for::<V1>(),
}];

/// What a person has to type, of the events that are completed on the way in.
pub const TYPED: &[Schema] = &[Schema {
    kind: OrderCreated::TYPE,
    version: OrderCreated::VERSION,
    role: OrderCreated::ROLE,
    example: r#"{"customer_id":"alice","items":[{"sku":"widget","quantity":2,"unit_price":1999}]}"#,
    body: |it| it.subschema_for::<Typed>(),
}];
