//! Reading what stands in the stream, in its order and once, by a consumer of its own that filters by one subject at most.
//!
//! A consumer with more filters is made by a walk over all subjects of the stream, one for each event: with a million orders
//! that takes the broker five to fifteen seconds, in which it takes no messages. One that begins behind the end is made
//! without that. So a service reads what stands there before it begins, and filters by itself. Asking for messages in
//! pages, as [`crate::Pages`] does, has the broker count what is left for each of them.

use std::{pin::Pin, time::Duration};

use async_nats::jetstream::{
    Context,
    consumer::{AckPolicy, DeliverPolicy, pull},
    stream::Stream,
};
use events::EventId;
use futures_util::StreamExt;
use tokio::time::timeout;

use super::{
    consumer::{contiguous, delivery, ended, remove},
    refused, streams,
};
use crate::{Delivery, Error};

/// How long a message that is there may take to come.
const COMES_WITHIN: Duration = Duration::from_secs(20);

/// How long the broker may take to count what fits a filter: it looks through up to half of the stream for that, once.
const COUNTED_WITHIN: Duration = Duration::from_secs(60);

/// A stretch of the stream, up to where it ended when reading began.
pub(super) struct Reading {
    identity: EventId,
    messages: Pin<Box<pull::Stream>>,
    /// How many are still to come.
    left: u64,
    expected: u64,
}

/// The consumer by which a service remembers what it said: made anew whenever it does.
pub(super) fn remembering(service: &str) -> String {
    format!("{service}-remembers")
}

/// The consumer by which a service hears what stands in the stream when it begins.
pub(super) fn catching_up(service: &str) -> String {
    format!("{service}-catches-up")
}

/// The consumer by which a service reads back what the broker had confirmed.
pub(super) fn comparing(service: &str) -> String {
    format!("{service}-compares")
}

impl Reading {
    /// Begins at `from`, or the next message that is there, by a consumer of this name; all, or what fits a filter.
    pub async fn begin(
        jetstream: &Context,
        stream: &Stream,
        name: String,
        filter: Option<String>,
        from: u64,
    ) -> Result<Reading, Error> {
        // One of an earlier session would go on where that one was cut off.
        remove(stream, &name).await?;
        let config = pull::Config {
            description: Some("what stands in the stream when a service begins, read once".to_owned()),
            name: Some(name),
            filter_subject: filter.unwrap_or_default(),
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: from },
            ack_policy: AckPolicy::None,
            inactive_threshold: Duration::from_secs(60),
            memory_storage: true,
            num_replicas: 1,
            ..Default::default()
        };
        let mut patient = jetstream.clone();
        patient.set_timeout(COUNTED_WITHIN);
        let consumer = patient.create_consumer_on_stream(config, &*stream.cached_info().config.name).await;
        let consumer = consumer.map_err(refused("show what stands in its stream"))?;
        let left = consumer.cached_info().num_pending;
        let messages = consumer.stream().max_messages_per_batch(500).messages().await;
        let messages = Box::pin(messages.map_err(refused("show what stands in its stream"))?);
        Ok(Reading { identity: streams::identity(stream), messages, left, expected: 0 })
    }

    /// The next message; none at the end.
    pub async fn next(&mut self) -> Result<Option<Delivery>, Error> {
        if self.left == 0 {
            return Ok(None);
        }
        // What is counted may be gone meanwhile, too old or deleted: then it is counted anew.
        let message = timeout(COMES_WITHIN, self.messages.next()).await.map_err(|_| ended())?;
        let message = message.ok_or_else(ended)?.map_err(refused("show what stands in its stream"))?;
        let (delivery, place) = delivery(message, self.identity)?;
        self.expected += 1;
        contiguous(self.expected, place)?;
        self.left -= 1;
        Ok(Some(delivery))
    }
}
