//! The shop under the permissions that `murmur verify --permissions` prints: each service is a user of its own, does all
//! its work, and can say nothing for another one.

use std::fs;

use async_nats::{Client, ConnectOptions, Event};
use tokio::sync::mpsc;

use crate::{
    await_condition::eventually,
    orders::{FULFILLED, UNSERVICEABLE, WIDGET, WIDGET_PRICE, WIDGETS, order, unserviceable},
    stack::{SERVICES, Stack},
};

/// A connection as one user, with what the broker refuses it.
struct User {
    nats: Client,
    refused: mpsc::UnboundedReceiver<String>,
}

impl User {
    async fn connect(stack: &Stack, name: &str) -> User {
        let (sender, refused) = mpsc::unbounded_channel();
        let options = ConnectOptions::new().event_callback(move |event| {
            let sender = sender.clone();
            async move {
                if let Event::ServerError(error) = event {
                    sender.send(error.to_string()).ok();
                }
            }
        });
        let nats = stack.broker.connect(name, options).await;
        User { nats, refused }
    }

    /// Whether it may publish there. The broker tells of a refusal before it answers what came after.
    async fn may_publish(&mut self, subject: &str) -> bool {
        while self.refused.try_recv().is_ok() {}
        self.nats.publish(subject.to_owned(), "{}".into()).await.unwrap();
        // What is always refused comes behind, so that there is an end to the waiting.
        self.nats.publish("nobody.may", "{}".into()).await.unwrap();
        self.nats.flush().await.unwrap();
        let mut allowed = true;
        while let Some(why) = self.refused.recv().await {
            if why.contains("nobody.may") {
                return allowed;
            }
            allowed &= !why.contains(subject);
        }
        panic!("the connection is gone");
    }
}

#[tokio::test]
async fn each_service_does_its_work_with_the_permissions_that_are_generated_for_it() {
    let mut stack = Stack::guarded().await;
    stack.stock(WIDGET, WIDGET_PRICE, WIDGETS).await;
    for (ordered, said) in [(order(2), FULFILLED), (unserviceable(), UNSERVICEABLE)] {
        let order_id = stack.place(ordered).await;
        stack.await_end(&order_id).await;
        assert_eq!(stack.saga(&order_id).await, said);
    }
    // What cannot be taken is parked, what is typed by hand is said again under its key.
    stack.publish_raw("order.created", &[], "{}").await;
    let typed = r#"{"order_id":"typed","customer_id":"alice","items":[{"sku":"widget","quantity":1,"unit_price":1999}],
        "ship_to":{"name":"Alice","line1":"1 Main St","city":"Springfield","postal_code":"12345","country":"US"}}"#;
    stack.publish_raw("order.created", &[], typed).await;
    stack.await_end("typed").await;
    eventually("a dead letter is parked", async || stack.dead_letters().await.first().cloned()).await;
    // A lost store: the service remembers what it said.
    for service in SERVICES {
        stack.kill(service);
        fs::remove_dir_all(stack.folder().join("data").join(service)).unwrap();
        stack.start_service(service);
        stack.ready(service).await;
    }
    let order_id = stack.place(order(1)).await;
    stack.await_end(&order_id).await;
    assert_eq!(stack.saga(&order_id).await, FULFILLED);
    for (service, output) in stack.outputs() {
        assert!(!output.to_lowercase().contains("permissions violation"), "{service} needs more:\n{output}");
    }
}

#[tokio::test]
async fn no_service_can_say_the_facts_of_another_one() {
    let stack = Stack::guarded().await;
    let mut payment = User::connect(&stack, "payment").await;
    assert!(payment.may_publish("payment.completed.o-1").await);
    for subject in [
        "order.completed.o-1",
        "order.completed",
        "order.paid.o-1",
        "inventory.released.o-1",
        "payment.unheard_of.o-1",
        "dead.order.order.created.o-1",
        "svc.order.place",
        "$KV.leases.order",
        "$JS.ACK.EVENTS.order.1.1.1.1.1",
        "$JS.API.STREAM.DELETE.EVENTS",
        "$JS.API.STREAM.UPDATE.EVENTS",
        "$JS.API.STREAM.PURGE.EVENTS",
        "$JS.API.CONSUMER.CREATE.EVENTS.order",
        "$JS.API.CONSUMER.DELETE.EVENTS.order",
        "$JS.API.CONSUMER.MSG.NEXT.EVENTS.order",
        "_INBOX_order.answer",
    ] {
        assert!(!payment.may_publish(subject).await, "payment may publish {subject}");
    }
    let mut client = User::connect(&stack, "client").await;
    assert!(client.may_publish("svc.order.get").await);
    assert!(!client.may_publish("payment.completed.o-1").await, "a client may say that an order is paid");
}
