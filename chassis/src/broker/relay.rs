//! Publishing the outbox: in order, many rows at a time, each with a message id that makes publishing it again harmless.
//!
//! A row leaves the relay when the broker confirmed it, and never otherwise: while the broker is away the rows wait.

use std::{collections::VecDeque, time::Duration};

use serde::Deserialize;
use tokio::sync::mpsc;

use super::{Broker, headers, lease::Held};
use crate::{Error, OutboxRow, ambient, ambient::pause};

/// The most rows in one atomic batch; the server takes a thousand.
const BATCH_AT_MOST: usize = 500;
const PAUSE_AT_FIRST: Duration = Duration::from_millis(50);
const PAUSE_AT_MOST: Duration = Duration::from_secs(2);

/// The relay of one service.
pub(crate) struct Relay {
    pub broker: Broker,
    pub lease: Held,
    /// Rows that were committed, in order.
    pub rows: mpsc::UnboundedReceiver<Vec<OutboxRow>>,
    /// The numbers of rows that the broker confirmed.
    pub confirmed: mpsc::UnboundedSender<Vec<u64>>,
}

/// What the broker answers to a batch.
#[derive(Deserialize)]
struct BatchAnswer {
    error: Option<serde_json::Value>,
}

impl Relay {
    /// Publishes rows until no more can come and all are confirmed.
    pub async fn run(mut self) -> Result<(), Error> {
        let mut queue = VecDeque::new();
        let mut pause_now = PAUSE_AT_FIRST;
        loop {
            if queue.is_empty() {
                match self.rows.recv().await {
                    Some(rows) => queue.extend(rows),
                    None => return Ok(()),
                }
            }
            while let Ok(rows) = self.rows.try_recv() {
                queue.extend(rows);
            }
            let run = leading_run(&mut queue);
            self.lease.check().await?;
            crate::crash::point("relay/before-publishing");
            match self.publish(run).await {
                Ok(()) => {
                    crate::crash::point("relay/confirmed");
                    let numbers = queue.drain(..run_length(&queue)).map(|row: OutboxRow| row.number).collect();
                    pause_now = PAUSE_AT_FIRST;
                    // The turn loop is gone only when the process ends: then the next one publishes the rows again.
                    if self.confirmed.send(numbers).is_err() {
                        return Ok(());
                    }
                }
                Err(why) => {
                    tracing::warn!("{} rows wait in the outbox: {why}", queue.len());
                    pause(pause_now).await;
                    pause_now = (pause_now * 2).min(PAUSE_AT_MOST);
                }
            }
        }
    }

    /// Publishes `rows`, all for one stream. On an error any of them may be stored: they are published again.
    async fn publish(&self, rows: &[OutboxRow]) -> Result<(), String> {
        if rows.len() > 1 && self.broker.atomic {
            match self.publish_atomically(rows).await?.error {
                None => return Ok(()),
                // A batch with a message id that the broker knows is refused whole: after an answer that was lost, say.
                Some(error) => tracing::debug!("a batch goes row by row: {error}"),
            }
        }
        for row in rows {
            let headers = headers::to_wire(&row.message.headers);
            let body = row.message.body.clone().into();
            let sent = self.broker.jetstream.publish_with_headers(row.message.subject.clone(), headers, body);
            sent.await.map_err(|error| error.to_string())?.await.map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// Publishes `rows` as one atomic batch: all are stored with one sync, or none is.
    async fn publish_atomically(&self, rows: &[OutboxRow]) -> Result<BatchAnswer, String> {
        let batch = ambient::random_id().to_string();
        let client = &self.broker.client;
        for (at, row) in rows.iter().enumerate() {
            let mut headers = headers::to_wire(&row.message.headers);
            headers.insert("Nats-Batch-Id", batch.as_str());
            headers.insert("Nats-Batch-Sequence", (at + 1).to_string());
            let (subject, body) = (row.message.subject.clone(), row.message.body.clone().into());
            if at + 1 < rows.len() {
                crate::crash::point("relay/in-a-batch");
                client.publish_with_headers(subject, headers, body).await.map_err(|error| error.to_string())?;
                continue;
            }
            headers.insert("Nats-Batch-Commit", "1");
            let answer = client.request_with_headers(subject, headers, body).await;
            let answer = answer.map_err(|error| error.to_string())?;
            return serde_json::from_slice(&answer.payload).map_err(|error| error.to_string());
        }
        Err("a batch has no rows".to_owned())
    }
}

/// The first rows that go to the same stream, as one slice.
fn leading_run(queue: &mut VecDeque<OutboxRow>) -> &[OutboxRow] {
    let length = run_length(queue);
    &queue.make_contiguous()[..length]
}

fn run_length(queue: &VecDeque<OutboxRow>) -> usize {
    let stream = queue.front().map(|row| row.message.stream());
    let same = |row: &&OutboxRow| Some(row.message.stream()) == stream;
    queue.iter().take(BATCH_AT_MOST).take_while(same).count()
}
