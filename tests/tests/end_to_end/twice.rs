//! Every event twice: published again, and delivered again. Nothing follows a second time.

use async_nats::jetstream::{
    self,
    consumer::{AckPolicy, DeliverPolicy, pull},
};
use chassis::Stored;

use crate::{
    orders::{
        CANCEL_REFUSED, CANCELLED_CHARGED, CANCELLED_CONFIRMED, CANCELLED_PAID, CANCELLED_PENDING, CANCELLED_SCHEDULED,
        DECLINED, DELIVERED, FULFILLED, OUT_OF_STOCK, UNSERVICEABLE, WIDGETS, order, paid_with, unserviceable,
    },
    stack::{SERVICES, Stack, wire},
    state::State,
};

/// A stack on which one order of each kind has come to its end.
async fn ended() -> (Stack, State) {
    let stack = Stack::stocked().await;
    for (order, said) in [
        (order(2), FULFILLED),
        (paid_with("pm_card_declined"), DECLINED),
        (unserviceable(), UNSERVICEABLE),
        (order(WIDGETS), OUT_OF_STOCK),
    ] {
        let order_id = stack.place(order).await;
        stack.await_end(&order_id).await;
        assert_eq!(stack.saga(&order_id).await, said);
    }
    for (order_id, said) in [
        (stack.cancelled_pending().await, CANCELLED_PENDING),
        (stack.cancelled_confirmed().await, CANCELLED_CONFIRMED),
        (stack.cancelled_charged().await, CANCELLED_CHARGED),
        (stack.cancelled_paid().await, CANCELLED_PAID),
        (stack.cancelled_scheduled().await, CANCELLED_SCHEDULED),
        (stack.cancel_refused().await, CANCEL_REFUSED),
        (stack.delivered().await, DELIVERED),
    ] {
        assert_eq!(stack.saga(&order_id).await, said);
    }
    stack.settle().await;
    let state = stack.state().await;
    (stack, state)
}

/// Publishes `message` again: the same event under a message id that the broker has not seen.
async fn publish_again(jetstream: &jetstream::Context, message: &Stored) {
    let own = message.headers.iter().filter(|(name, _)| !name.starts_with("Nats-"));
    let mut headers = wire(own);
    headers.insert("Nats-Msg-Id", format!("again-{}", message.sequence));
    let body = message.body.clone().into();
    let stored = jetstream.publish_with_headers(message.subject.clone(), headers, body).await.unwrap().await.unwrap();
    assert!(!stored.duplicate);
}

#[tokio::test]
async fn events_that_are_published_again_change_nothing() {
    let (stack, before) = ended().await;
    let jetstream = jetstream::new(stack.nats.clone());
    let messages = stack.messages().await;
    // What the barriers typed by hand has no id of its own: published again it would be another event.
    let events = messages.iter().filter(|message| message.headers.contains_key("ce-id"));
    let mut again = 0;
    for message in events.rev() {
        publish_again(&jetstream, message).await;
        again += 1;
    }
    assert!(again > 20, "{again} events");
    stack.settle().await;
    stack.check_unchanged(&before, "all events came again").await;
    stack.check_all().await;
}

#[tokio::test]
async fn events_that_are_delivered_again_change_nothing() {
    let (mut stack, before) = ended().await;
    let stream = jetstream::new(stack.nats.clone()).get_stream("EVENTS").await.unwrap();
    // While they run: another consumer, which begins at the beginning, takes the place of the one that the service has.
    for service in SERVICES {
        let consumer = stream.get_consumer::<pull::Config>(service).await.unwrap();
        let config = consumer.cached_info().config.clone();
        stream.delete_consumer(service).await.unwrap();
        let again = pull::Config {
            durable_name: Some(service.to_owned()),
            deliver_policy: DeliverPolicy::All,
            ack_policy: AckPolicy::All,
            filter_subjects: config.filter_subjects,
            filter_subject: config.filter_subject,
            ..Default::default()
        };
        stream.create_consumer(again).await.unwrap();
    }
    stack.settle().await;
    stack.check_unchanged(&before, "the consumers were set to the beginning").await;

    // While they do not: what the broker remembers of them is lost.
    for service in SERVICES {
        stack.kill(service);
        stream.delete_consumer(service).await.unwrap();
        stack.start_service(service);
    }
    for service in SERVICES {
        stack.ready(service).await;
    }
    stack.settle().await;
    stack.check_unchanged(&before, "the consumers were lost").await;
    stack.check_all().await;
}
