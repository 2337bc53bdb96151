//! Publishing the outbox: in order, many rows at a time, each with a message id that makes publishing it again harmless.
//!
//! A row leaves the relay when the broker confirmed it, and never otherwise: while the broker is away the rows wait. On
//! every connect, now and then, and where sequences go back, the relay compares the streams with what the broker had
//! confirmed. What the broker lost of that is not confirmed any more, and is published again before anything else.

use std::{collections::BTreeMap, time::Duration};

use async_nats::jetstream::stream::Stream;
use events::EVENTS;
use serde::Deserialize;
use tokio::{sync::mpsc, time::Instant};

use super::{Broker, comparison::Comparison, headers, lease::Held, streams};
use crate::{Error, Input, OutboxRow, Receipt, ambient, ambient::pause};

/// The most rows in one atomic batch; the server takes a thousand.
const BATCH_AT_MOST: usize = 500;
/// Fewer rows go one after the other, each when the one before is confirmed: a batch costs the broker as much as a dozen
/// messages do, however small it is, and holds all others up meanwhile.
pub(super) const BATCH_AT_LEAST: usize = 16;
/// How often the broker's word is compared with what it holds: behind a cluster nobody may be cut off when it forgets.
const COMPARED_EVERY: Duration = Duration::from_secs(30);
const PAUSE_AT_FIRST: Duration = Duration::from_millis(50);
const PAUSE_AT_MOST: Duration = Duration::from_secs(2);

/// The relay of one service.
pub(crate) struct Relay {
    pub broker: Broker,
    pub comparison: Comparison,
    pub lease: Held,
    /// Rows that were committed, in order; those that the broker lost come again.
    pub rows: mpsc::UnboundedReceiver<Vec<OutboxRow>>,
    /// Where the broker's word goes, and what is asked of the store.
    pub words: mpsc::UnboundedSender<Input>,
}

/// What the broker answers to a batch.
#[derive(Deserialize)]
struct BatchAnswer {
    error: Option<serde_json::Value>,
    /// The sequence of the last message.
    #[serde(default)]
    seq: u64,
}

/// The broker's word for rows, and the sequence of the last of them that is new to it where they are events.
type Word = (Vec<Receipt>, Option<u64>);

/// Rows by number: they are published in ascending order.
type Queue = BTreeMap<u64, OutboxRow>;

impl Relay {
    /// Publishes rows until no more can come and all are confirmed.
    pub async fn run(mut self) -> Result<(), Error> {
        let mut connected = self.broker.connected.clone();
        let mut queue = Queue::new();
        let (mut compared, mut highest) = (None, 0);
        let mut pause_now = PAUSE_AT_FIRST;
        let (mut compared_on, mut compared_at) = (None, Instant::now());
        // So many rows stood in a batch that was refused: they go one by one.
        let mut one_by_one = 0_usize;
        loop {
            let connection = *connected.borrow_and_update();
            if compared_on != Some(connection) || compared_at.elapsed() > COMPARED_EVERY {
                compared = None;
            }
            let Some(streams) = &compared else {
                let is_same = || *self.broker.connected.borrow() == connection;
                let compared_now = tokio::select! {
                    compared_now = self.comparison.compare(&self.broker, &self.words, is_same) => compared_now,
                    // Nobody answers what a broker that is gone was asked.
                    Ok(()) = connected.changed() => continue,
                };
                match compared_now {
                    Ok(streams) => {
                        highest = streams.as_ref().map_or(0, |it| self.comparison.furthest(&it.events));
                        (compared, compared_on, compared_at) = (streams, Some(connection), Instant::now());
                    }
                    Err(Error::Stopped { .. }) => return Ok(()),
                    // Nothing is left to say, and nobody will say more.
                    Err(_) if queue.is_empty() && self.rows.is_closed() && self.rows.is_empty() => return Ok(()),
                    Err(error) => {
                        tracing::warn!("what the broker holds cannot be compared, {} rows wait: {error}", queue.len());
                        self.wait(&mut pause_now).await;
                    }
                }
                continue;
            };
            while let Ok(rows) = self.rows.try_recv() {
                queue.extend(rows.into_iter().map(|row| (row.number, row)));
            }
            if queue.is_empty() {
                tokio::select! {
                    rows = self.rows.recv() => match rows {
                        Some(rows) => queue.extend(rows.into_iter().map(|row| (row.number, row))),
                        None => return Ok(()),
                    },
                    // The next round looks.
                    Ok(()) = connected.changed() => compared = None,
                    () = pause(COMPARED_EVERY) => compared = None,
                }
                continue;
            }
            self.lease.check().await?;
            crate::crash::point("relay/before-publishing");
            let mut run = leading_run(&queue);
            let stream = if run[0].message.stream() == EVENTS { &streams.events } else { &streams.dead_letters };
            if run.len() < BATCH_AT_LEAST || one_by_one > 0 || !streams::takes_batches(stream) {
                run.truncate(1);
                one_by_one = one_by_one.saturating_sub(1);
            }
            let published = tokio::select! {
                published = self.publish(&run, stream) => published,
                // Nobody confirms what a broker that is gone was told.
                Ok(()) = connected.changed() => continue,
            };
            match published {
                // Which broker it was that confirmed, the one before or the one after, is not known.
                Ok(_) if *connected.borrow() != connection => {}
                // A message id in it is known: after an answer that was lost, say.
                Ok(None) => one_by_one = run.len(),
                // It counts again what it had counted: it has lost something, and nobody was cut off.
                Ok(Some((_, Some(new)))) if new <= highest => (compared, highest) = (None, 0),
                Ok(Some((receipts, new))) => {
                    crate::crash::point("relay/confirmed");
                    pause_now = PAUSE_AT_FIRST;
                    highest = if run[0].message.stream() == EVENTS { new.unwrap_or(highest) } else { highest };
                    for receipt in &receipts {
                        queue.remove(&receipt.row);
                        self.comparison.confirmed(*receipt);
                    }
                    // The turn loop is gone only when the process ends: then the next one publishes the rows again.
                    if self.words.send(Input::Published { receipts, time: ambient::now() }).is_err() {
                        return Ok(());
                    }
                }
                Err(why) => {
                    tracing::warn!("{} rows wait in the outbox: {why}", queue.len());
                    self.wait(&mut pause_now).await;
                }
            }
        }
    }

    async fn wait(&self, pause_now: &mut Duration) {
        pause(*pause_now).await;
        *pause_now = (*pause_now * 2).min(PAUSE_AT_MOST);
    }

    /// Publishes one row, or more as one batch, all for `stream`. On an error any of them may be stored: they are published
    /// again. Gives the broker's word, and the sequence of the last row that is new to it where they are events; nothing
    /// where the broker refuses the batch.
    async fn publish(&self, rows: &[&OutboxRow], stream: &Stream) -> Result<Option<Word>, String> {
        let identity = streams::identity(stream);
        let to_events = rows[0].message.stream() == EVENTS;
        if let [row] = rows {
            let headers = headers::to_wire(&row.message.headers);
            let body = row.message.body.clone().into();
            let sent = self.broker.jetstream.publish_with_headers(row.message.subject.clone(), headers, body);
            let confirmed = sent.await.map_err(|error| error.to_string())?.await.map_err(|error| error.to_string())?;
            let new = (to_events && !confirmed.duplicate).then_some(confirmed.sequence);
            return Ok(Some((vec![row.receipt(identity, confirmed.sequence)], new)));
        }
        let answer = self.publish_atomically(rows).await?;
        if let Some(error) = answer.error {
            tracing::debug!("a batch goes row by row: {error}");
            return Ok(None);
        }
        let first = answer.seq + 1 - rows.len() as u64;
        let receipts = (first..).zip(rows).map(|(sequence, row)| row.receipt(identity, sequence)).collect();
        Ok(Some((receipts, to_events.then_some(answer.seq))))
    }

    /// Publishes `rows` as one atomic batch: all are stored with one sync, or none is.
    async fn publish_atomically(&self, rows: &[&OutboxRow]) -> Result<BatchAnswer, String> {
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

/// The first rows that go to the same stream.
fn leading_run(queue: &Queue) -> Vec<&OutboxRow> {
    let stream = queue.values().next().map(|row| row.message.stream());
    let same = |row: &&OutboxRow| Some(row.message.stream()) == stream;
    queue.values().take(BATCH_AT_MOST).take_while(same).collect()
}
