//! The connection is lost while the broker owes a service an answer. What the broker is asked may take it a minute in a large
//! stream; nobody waits that long for an answer that will never come.

use std::time::Duration;

use tokio::time::timeout;

use crate::{
    await_condition::eventually,
    orders::order,
    proxy::{Network, Proxy},
    stack::Stack,
};

/// Half of what the broker may take to answer: who waits for that has not seen that the connection was lost.
const SOON: Duration = Duration::from_secs(30);

impl Stack {
    async fn await_end_soon(&self, order_id: &str) {
        timeout(SOON, self.await_end(order_id)).await.expect("nobody waits for an answer that was lost");
    }

    /// Starts inventory behind a network that is lost as soon as it has said `request`, and is there again at once.
    async fn start_inventory_without_an_answer_to(&mut self, request: &'static str) -> Proxy {
        let proxy = Proxy::without_an_answer_to(request, self.broker.address().to_owned()).await;
        self.start_instance_with("inventory", "inventory", "data", &[("NATS_URL", &proxy.url())]);
        let said = async || (proxy.is() == Network::OneWayToBroker).then_some(());
        eventually(&format!("inventory says {request}"), said).await;
        proxy.cut();
        proxy.becomes(Network::Whole);
        proxy
    }
}

#[tokio::test]
async fn a_service_that_catches_up_goes_on_without_the_answer_that_was_lost() {
    let mut stack = Stack::stocked().await;
    assert_eq!(stack.terminate("inventory").await, Some(0));
    let order_id = stack.place(order(1)).await;
    stack.await_said("order.created", &order_id).await;
    let _network = stack.start_inventory_without_an_answer_to("CONSUMER.CREATE.EVENTS.inventory-catches-up").await;
    stack.await_end_soon(&order_id).await;
}

#[tokio::test]
async fn a_service_that_compares_what_was_confirmed_goes_on_without_the_answer_that_was_lost() {
    let mut stack = Stack::stocked().await;
    stack.await_end(&stack.place(order(1)).await).await;
    assert_eq!(stack.terminate("inventory").await, Some(0));
    // With the server that it compared all with, it would look at one message.
    stack.restart_broker().await;
    let _network = stack.start_inventory_without_an_answer_to("CONSUMER.CREATE.EVENTS.inventory-compares").await;
    stack.ready("order").await;
    stack.await_end_soon(&stack.place(order(1)).await).await;
}

#[tokio::test]
async fn a_row_whose_confirmation_was_lost_is_published_again_and_is_there_once() {
    let mut stack = Stack::stocked().await;
    assert_eq!(stack.terminate("inventory").await, Some(0));
    let order_id = stack.place(order(1)).await;
    let _network = stack.start_inventory_without_an_answer_to("HPUB inventory.reserved.").await;
    stack.await_end(&order_id).await;
    let reserved = stack.log().await.into_iter().filter(|fact| fact.kind == "inventory.reserved");
    assert_eq!(reserved.count(), 1);
}
