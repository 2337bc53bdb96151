//! Publishing as fast as the broker takes it: atomic batches, one more on its way while the one before is confirmed.

use anyhow::{Context, bail};
use async_nats::{Client, Subscriber};
use chassis::ambient::random_id;
use futures_util::StreamExt;
use serde_json::Value;

use crate::shape::Ready;

/// The most messages in one batch, as in the relay.
const BATCH_AT_MOST: usize = 500;

/// How many batches are on their way. They are of one connection, so the broker stores them in their order.
const ON_THEIR_WAY: usize = 2;

/// Publishes `messages` in their order, and says in how many batches.
pub async fn say_all(nats: Client, messages: Vec<Ready>) -> anyhow::Result<u32> {
    let inbox = nats.new_inbox();
    let mut answers = nats.subscribe(inbox.clone()).await?;
    let (mut batches, mut waiting) = (0, 0);
    let mut messages = messages.into_iter();
    loop {
        let batch: Vec<_> = messages.by_ref().take(BATCH_AT_MOST).collect();
        if batch.is_empty() {
            break;
        }
        say(&nats, batch, &inbox).await?;
        (batches, waiting) = (batches + 1, waiting + 1);
        if waiting == ON_THEIR_WAY {
            confirmed(&mut answers).await?;
            waiting -= 1;
        }
    }
    for _ in 0..waiting {
        confirmed(&mut answers).await?;
    }
    Ok(batches)
}

async fn say(nats: &Client, batch: Vec<Ready>, inbox: &str) -> anyhow::Result<()> {
    let (id, last) = (random_id().to_string(), batch.len());
    for (place, Ready { subject, mut headers, body }) in (1..).zip(batch) {
        headers.insert("Nats-Batch-Id", id.as_str());
        headers.insert("Nats-Batch-Sequence", place.to_string());
        if place < last {
            nats.publish_with_headers(subject, headers, body.into()).await?;
        } else {
            headers.insert("Nats-Batch-Commit", "1");
            nats.publish_with_reply_and_headers(subject, inbox.to_owned(), headers, body.into()).await?;
        }
    }
    Ok(())
}

/// The broker's word for one batch.
async fn confirmed(answers: &mut Subscriber) -> anyhow::Result<()> {
    let answer = answers.next().await.context("the connection to the broker is gone")?;
    let answer: Value = serde_json::from_slice(&answer.payload).context("the broker's word cannot be read")?;
    match answer["error"]["description"].as_str() {
        Some(why) => bail!("the broker refuses a batch: {why}"),
        None => Ok(()),
    }
}
