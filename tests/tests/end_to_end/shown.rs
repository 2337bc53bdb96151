//! What the services show of an order.

use serde_json::{Value, json};

use crate::{await_condition::eventually, orders::WIDGET, stack::Stack};

impl Stack {
    /// What a service shows of an order that it knows.
    pub async fn shown(&self, service: &str, order_id: &str) -> Value {
        self.get(&format!("svc.{service}.get"), json!({"order_id": order_id})).await
    }

    /// Until a service shows the order like this: a field, and its value.
    pub async fn await_shown(&self, service: &str, order_id: &str, field: &str, value: &str) -> Value {
        let subject = format!("svc.{service}.get");
        let shown = async || {
            let answer = self.ask(&subject, json!({"order_id": order_id})).await.ok()?;
            let shown: Value = serde_json::from_slice(&answer).unwrap();
            (shown[field] == json!(value)).then_some(shown)
        };
        eventually(&format!("{service} shows {order_id} with {field} {value}"), shown).await
    }

    /// Until the payment service has asked the gateway for this order in vain; why it was in vain.
    pub async fn await_vain_attempt(&self, order_id: &str) -> String {
        let failed = async || {
            let answer = self.ask("svc.payment.get", json!({"order_id": order_id})).await.ok()?;
            let payment: Value = serde_json::from_slice(&answer).unwrap();
            Some(payment["last_error"].as_str()?.to_owned())
        };
        eventually("an attempt at the gateway fails", failed).await
    }

    /// How many widgets are available, held, and gone to customers.
    pub async fn widgets(&self) -> [i64; 3] {
        let stock = self.get("svc.inventory.get", json!({"sku": WIDGET})).await;
        ["available", "held", "left"].map(|field| stock[field].as_i64().unwrap_or_else(|| panic!("{field} in {stock}")))
    }
}
