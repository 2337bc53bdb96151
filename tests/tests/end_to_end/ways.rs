//! The ways that an order can be led by holding back who would take the next step. Each is the same every time; each ends
//! with the order, and gives its id.

use serde_json::json;

use crate::{
    orders::{order, paid_with},
    stack::Stack,
};

impl Stack {
    /// Asks for an order to be cancelled that is on its way.
    pub async fn cancel(&self, order_id: &str) {
        let answer = self.get("svc.order.cancel", json!({"order_id": order_id})).await;
        assert_eq!(answer, json!({"order_id": order_id, "status": "cancelling"}));
    }

    /// Cancelled at once: nothing is held yet.
    pub async fn cancelled_pending(&self) -> String {
        self.hold_back("inventory").await;
        let order_id = self.place(order(2)).await;
        self.cancel(&order_id).await;
        self.await_said("payment.voided", &order_id).await;
        self.let_go("inventory").await;
        self.await_end(&order_id).await;
        order_id
    }

    /// Cancelled while its payment waits for a gateway that is down.
    pub async fn cancelled_confirmed(&self) -> String {
        let order_id = self.place(paid_with("pm_gateway_down")).await;
        self.await_vain_attempt(&order_id).await;
        self.cancel(&order_id).await;
        self.await_end(&order_id).await;
        order_id
    }

    /// Cancelled when it is charged, and the order service has not heard of that.
    pub async fn cancelled_charged(&self) -> String {
        self.hold_back("order").await;
        let order_id = self.place(order(2)).await;
        self.await_said("payment.completed", &order_id).await;
        self.cancel(&order_id).await;
        self.await_said("inventory.released", &order_id).await;
        self.let_go("order").await;
        self.await_end(&order_id).await;
        order_id
    }

    /// Cancelled when it is paid, and the shipping service has not heard of that.
    pub async fn cancelled_paid(&self) -> String {
        self.hold_back("shipping").await;
        let order_id = self.place(order(2)).await;
        self.await_said("order.paid", &order_id).await;
        self.cancel(&order_id).await;
        self.await_said("order.cancel_requested", &order_id).await;
        self.let_go("shipping").await;
        self.await_end(&order_id).await;
        order_id
    }

    /// Cancelled when a carrier has it in its book, and the order service has not heard of that.
    pub async fn cancelled_scheduled(&self) -> String {
        let order_id = self.scheduled_unheard().await;
        self.cancel(&order_id).await;
        self.await_said("inventory.released", &order_id).await;
        self.let_go("order").await;
        self.await_end(&order_id).await;
        order_id
    }

    /// Cancelled when it has left the house, and the order service has not heard of that: it goes on.
    pub async fn cancel_refused(&self) -> String {
        let order_id = self.scheduled_unheard().await;
        self.get("svc.shipping.dispatch", json!({"order_id": order_id})).await;
        self.await_said("shipping.dispatched", &order_id).await;
        self.cancel(&order_id).await;
        self.await_said("shipping.cancel_refused", &order_id).await;
        assert_eq!(self.shown("order", &order_id).await["status"], json!("cancelling"));
        self.let_go("order").await;
        self.await_end(&order_id).await;
        order_id
    }

    /// An order that goes well, up to the customer's door.
    pub async fn delivered(&self) -> String {
        let order_id = self.place(order(2)).await;
        self.await_end(&order_id).await;
        for (command, said) in [("dispatch", "shipping.dispatched"), ("deliver", "shipping.delivered")] {
            self.get(&format!("svc.shipping.{command}"), json!({"order_id": order_id})).await;
            self.await_said(said, &order_id).await;
        }
        self.await_shown("order", &order_id, "status", "delivered").await;
        self.await_shown("inventory", &order_id, "state", "left").await;
        order_id
    }

    /// A carrier took it; the order service is held back, and has not heard of that.
    async fn scheduled_unheard(&self) -> String {
        self.hold_back("shipping").await;
        let order_id = self.place(order(2)).await;
        self.await_said("order.paid", &order_id).await;
        self.hold_back("order").await;
        self.let_go("shipping").await;
        self.await_said("shipping.scheduled", &order_id).await;
        order_id
    }
}
