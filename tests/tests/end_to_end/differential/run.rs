//! One list of operations on a fresh broker and a fresh model, answer by answer.

mod both;
mod time;

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tests::jetstream::{AckPolicy, ConsumerConfig, JetStream, Place, Refused, StreamConfig};

use super::{
    operation::{Ack, Operation},
    server::Server,
};
use crate::await_condition::eventually;

const STREAM: &str = "S";
const SUBJECTS: [&str; 4] = ["a.1", "a.2", "b.1", "a.*"];
const CONSUMERS: [&str; 2] = ["hears", "remembers"];

/// The duplicate window, and the wait for acknowledgements.
const WINDOW: Duration = Duration::from_secs(2);

/// What a message may have.
const LARGEST: usize = 1000;

/// How long an answer may take that comes by itself: what a consumer waits for is counted beside the stream.
const COMES_TRUE: Duration = Duration::from_secs(5);

/// The first operation whose answers differ, and all answers until then.
pub struct Disagreement {
    pub at: usize,
    pub said: String,
}

/// How often which kind of operation was done.
pub type Done = BTreeMap<&'static str, u64>;

struct Run {
    model: JetStream,
    server: Server,
    /// The model's time.
    now: Timestamp,
    /// Since when, in the broker's time, an id may be known or a delivery may wait.
    since: Instant,
    /// How many ids were used.
    used: u64,
    /// The last one that was stored.
    last_id: Option<u64>,
    batches: u64,
    deliveries: [Vec<Place>; 2],
    /// When what was written of a consumer changed last.
    changed: [Instant; 2],
    /// What the broker held when its store was copied last, and when its stream was made; and the last id.
    copy: Option<(JetStream, Value, Option<u64>)>,
    created: Value,
    waits: u64,
    done: Done,
    said: Vec<String>,
}

/// Does `operations`.
pub async fn run(operations: &[Operation]) -> Result<Done, Disagreement> {
    let began = Instant::now();
    let mut run = Run {
        model: JetStream::default(),
        server: Server::start().await,
        now: Timestamp::UNIX_EPOCH.checked_add(SignedDuration::from_hours(1)).unwrap(),
        since: began,
        used: 0,
        last_id: None,
        batches: 0,
        deliveries: [Vec::new(), Vec::new()],
        changed: [began; 2],
        copy: None,
        created: Value::Null,
        waits: 0,
        done: Done::new(),
        said: Vec::new(),
    };
    let begun = run.make_stream().await;
    let mut result = begun.map_err(|what| (0, what));
    for (at, operation) in operations.iter().enumerate() {
        if result.is_err() {
            break;
        }
        run.said.push(format!("{operation:?}"));
        result = run.take(operation).await.map_err(|what| (at, what));
    }
    match result {
        Ok(()) => Ok(run.done),
        Err((at, what)) => Err(Disagreement { at, said: format!("{}\n{what}", run.said.join("\n")) }),
    }
}

fn config() -> StreamConfig {
    StreamConfig {
        duplicate_window: SignedDuration::try_from(WINDOW).unwrap(),
        max_message_size: Some(LARGEST),
        ..StreamConfig::new(STREAM, &["a.>", "b.>"])
    }
}

impl Run {
    async fn take(&mut self, operation: &Operation) -> Result<(), String> {
        self.later(SignedDuration::from_micros(1));
        if self.since.elapsed() > WINDOW * 3 / 5 {
            self.wait().await?;
        }
        match operation {
            Operation::Publish { id, subject } => {
                let message = self.message(*id, *subject);
                self.publish(message).await?;
            }
            Operation::PublishLarge => self.publish_large().await?,
            Operation::Batch { ids, subject } => {
                let messages = ids.iter().map(|id| self.message(*id, *subject)).collect();
                self.batch(messages).await?;
            }
            Operation::LargeBatch(size) => {
                let messages = (0..*size).map(|_| self.message(super::operation::Id::Fresh, 0)).collect();
                self.batch(messages).await?;
            }
            Operation::RepeatingBatch(size) => {
                let mut messages: Vec<_> = (0..*size).map(|_| self.message(super::operation::Id::Fresh, 1)).collect();
                messages[0] = messages[size - 1].clone();
                self.batch(messages).await?;
            }
            Operation::Get(sequence) => self.get(*sequence).await?,
            Operation::LastBySubject(subject) => self.last_by_subject(SUBJECTS[*subject]).await?,
            Operation::DeleteMessage(sequence) => self.delete_message(*sequence).await?,
            Operation::MakeConsumer { consumer, filter, start } => {
                self.make_consumer(*consumer, *filter, *start).await?;
            }
            Operation::DeleteConsumer(consumer) => self.delete_consumer(*consumer).await?,
            Operation::Fetch { consumer, at_most } => drop(self.fetch(*consumer, *at_most).await?),
            Operation::Acknowledge { consumer, what } => self.acknowledge(*consumer, *what).await?,
            Operation::DeleteStream => self.delete_stream().await?,
            Operation::MakeStream => self.make_stream().await?,
            Operation::Wait => self.wait().await?,
            Operation::Kill => self.kill(false).await?,
            Operation::Restore => self.kill(true).await?,
        }
        self.compare_states().await
    }

    fn count(&mut self, kind: &'static str) {
        *self.done.entry(kind).or_default() += 1;
    }

    /// Both answers, kept for whoever reads about a disagreement.
    fn same<T: std::fmt::Debug + PartialEq>(&mut self, what: &str, model: T, server: T) -> Result<(), String> {
        self.said.push(format!("    {what}: {model:?}"));
        if model == server {
            return Ok(());
        }
        Err(format!("{what}\n  the model says  {model:?}\n  the broker says {server:?}"))
    }

    fn later(&mut self, by: SignedDuration) {
        self.now = self.now.checked_add(by).unwrap();
    }

    fn consumer(&self, consumer: usize, filter: usize, start: u64) -> ConsumerConfig {
        let filters: &[&str] = match filter {
            0 => &[],
            1 => &["a.*"],
            _ => &["a.2", "b.*"],
        };
        let filters: Vec<_> = filters.iter().map(|&it| it.to_owned()).collect();
        let durable = ConsumerConfig {
            ack_wait: SignedDuration::try_from(WINDOW).unwrap(),
            max_ack_pending: 20,
            ..ConsumerConfig::durable(CONSUMERS[consumer], &filters, start)
        };
        match consumer {
            0 => durable,
            _ => ConsumerConfig { ack_policy: AckPolicy::None, in_memory: true, ..durable },
        }
    }

    fn place(&self, consumer: usize, what: Ack) -> Option<Place> {
        let deliveries = &self.deliveries[consumer];
        match what {
            Ack::Last => deliveries.last().copied(),
            Ack::Some(back) => deliveries.iter().rev().nth(back % deliveries.len().max(1)).copied(),
            Ack::Nonsense(stream, delivery) => Some(Place { stream, consumer: delivery }),
        }
    }

    /// What both say about the stream and its consumers.
    async fn compare_states(&mut self) -> Result<(), String> {
        let shown = self.server.ask(&format!("STREAM.INFO.{STREAM}"), json!({})).await;
        let numbers =
            |it: &Value| ["first_seq", "last_seq", "messages"].map(|name| it["state"][name].as_u64().unwrap());
        let model = self.model.stream(STREAM).map(|it| it.info());
        let model = model.map(|it| [it.first_sequence, it.last_sequence, it.messages]).map_err(Refused::code);
        self.same("the stream", model, shown.as_ref().map(numbers).map_err(|code| *code))?;
        if let Ok(shown) = shown {
            self.same("made at another time", false, self.created != shown["created"])?;
            for consumer in CONSUMERS {
                self.compare_consumer(consumer).await?;
            }
        }
        Ok(())
    }

    async fn compare_consumer(&mut self, consumer: &str) -> Result<(), String> {
        let model = self.model.stream(STREAM).and_then(|it| it.consumer_info(consumer)).map_err(Refused::code);
        let began = Instant::now();
        // An acknowledgement has no answer, and a deletion reaches consumers by and by.
        let settled = eventually("what both say of a consumer", async || {
            let shown = self.server.consumer_info(STREAM, consumer).await;
            (shown == model || began.elapsed() > COMES_TRUE).then_some(shown)
        });
        let shown = settled.await;
        self.same(consumer, model, shown)
    }

    async fn make_stream(&mut self) -> Result<(), String> {
        let model = self.model.create_stream(config(), self.now).map(drop).map_err(Refused::code);
        let shown = self.server.create_stream(&config()).await;
        if let Ok(shown) = &shown {
            self.created = shown["created"].clone();
        }
        self.count("make stream");
        self.same("make the stream", model, shown.map(drop))
    }

    async fn delete_stream(&mut self) -> Result<(), String> {
        let model = self.model.delete_stream(STREAM).map_err(Refused::code);
        let shown = self.server.ask(&format!("STREAM.DELETE.{STREAM}"), json!({})).await.map(drop);
        self.count("delete stream");
        self.same("delete the stream", model, shown)
    }
}
