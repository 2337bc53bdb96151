//! Hearing as a service does, with large pulls and one acknowledgement for a batch, and writing what it would write.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use anyhow::{Context, anyhow};
use async_nats::{
    Client,
    jetstream::{self, consumer::pull},
};
use chassis::{Batch, DiskStore, Store};
use events::EVENTS;
use futures_util::StreamExt;
use tokio::{task::block_in_place, time::timeout};

use crate::{shape::Hearer, system::DEADLINE};

/// The most messages of one pull, as in the chassis.
const PULLED_AT_MOST: usize = 500;

/// One who hears.
pub struct Hearing {
    nats: Client,
    service: &'static str,
    /// How many messages are for it.
    expected: u64,
    pen: Option<Pen>,
    /// How many messages everybody has heard.
    heard: Arc<AtomicU64>,
}

/// What is written for the messages that were heard.
struct Pen {
    store: DiskStore,
    /// Rows for one message.
    rows: f64,
    /// Bytes of one row, without its key.
    value: Vec<u8>,
    /// How many rows are written.
    written: u64,
    heard: u64,
}

impl Hearing {
    /// One who hears `expected` messages of `orders` orders.
    pub fn new(
        nats: Client,
        hearer: &Hearer,
        (expected, orders): (u64, u64),
        store: Option<DiskStore>,
        heard: Arc<AtomicU64>,
    ) -> Hearing {
        let pen = store.map(|store| Pen::new(store, hearer, expected as f64 / orders as f64));
        Hearing { nats, service: hearer.service, expected, pen, heard }
    }

    /// Hears all, and says in how many batches.
    pub async fn run(mut self) -> anyhow::Result<u32> {
        let stream = jetstream::new(self.nats.clone()).get_stream(EVENTS).await?;
        let consumer = stream.get_consumer::<pull::Config>(self.service).await.map_err(|why| anyhow!(why))?;
        let messages = consumer
            .stream()
            .max_messages_per_batch(PULLED_AT_MOST)
            .expires(Duration::from_secs(10))
            .heartbeat(Duration::from_secs(3))
            .messages();
        let mut pulled = messages.await?.ready_chunks(PULLED_AT_MOST);
        let (mut left, mut batches) = (self.expected, 0);
        while left > 0 {
            let batch = timeout(DEADLINE, pulled.next()).await;
            let batch = batch.with_context(|| format!("{} hears nothing any more", self.service))?;
            let batch = batch.context("the broker ended the delivery of messages")?;
            let (count, mut last) = (batch.len() as u64, None);
            for message in batch {
                last = message?.reply.clone();
            }
            // Durable first: as a service does.
            if let Some(pen) = &mut self.pen {
                block_in_place(|| pen.write(count))?;
            }
            self.nats
                .publish(last.context("a message without a place for its acknowledgement")?, "+ACK".into())
                .await?;
            self.heard.fetch_add(count, Relaxed);
            (left, batches) = (left.saturating_sub(count), batches + 1);
        }
        self.nats.flush().await?;
        Ok(batches)
    }
}

impl Pen {
    fn new(store: DiskStore, hearer: &Hearer, messages_per_order: f64) -> Pen {
        let rows = hearer.work.rows / messages_per_order.max(f64::MIN_POSITIVE);
        let bytes = hearer.work.bytes / hearer.work.rows.max(1.0);
        let value = vec![b'v'; (bytes as usize).saturating_sub(KEY_BYTES)];
        Pen { store, rows, value, written: 0, heard: 0 }
    }

    /// Commits what belongs to `count` more messages.
    fn write(&mut self, count: u64) -> Result<(), chassis::Error> {
        self.heard += count;
        let due = (self.heard as f64 * self.rows) as u64;
        let rows = (self.written..due).map(|row| (key(row), Some(self.value.clone())));
        let batch: Batch = rows.collect();
        self.written = due;
        self.store.commit(batch)
    }
}

/// As long as most keys of the system are.
const KEY_BYTES: usize = 18;

fn key(row: u64) -> Vec<u8> {
    format!("r/{row:016x}").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phase::Work;

    #[test]
    fn as_many_rows_and_bytes_are_written_as_the_system_wrote() {
        let folder = tempfile::tempdir().unwrap();
        let store = DiskStore::open(folder.path()).unwrap();
        let work = Work { rows: 9.0, bytes: 900.0, ..Work::default() };
        let hearer = Hearer { service: "order", subjects: Vec::new(), work };
        let mut pen = Pen::new(store, &hearer, 6.0);
        for count in [1, 2, 500, 97] {
            pen.write(count).unwrap();
        }
        let rows: Vec<_> = pen.store.scan(b"r/").map(|pair| pair.unwrap()).collect();
        // A hundred orders of six messages.
        assert_eq!(rows.len(), 900);
        assert!(rows.iter().all(|(key, value)| key.len() + value.len() == 100));
    }
}
