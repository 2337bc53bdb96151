//! The real broker, asked in its own protocol, with answers in the model's words.

use std::{fs, path::Path, process::Command, sync::Arc, time::Duration};

use async_nats::{Client, ConnectOptions, HeaderMap, Subscriber};
use chassis::Message;
use futures_util::StreamExt;
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::jetstream::{AckPolicy, ConsumerConfig, ConsumerInfo, Pair, Place, StreamConfig};
use tokio::time::timeout;

use crate::{
    await_condition::eventually,
    broker::{Broker, Syncs},
};

/// The server's error code; none where nobody answered.
pub type Refusal = Option<u64>;

/// A delivery as it came.
#[derive(Debug, PartialEq, Eq)]
pub struct Came {
    pub subject: String,
    pub body: Vec<u8>,
    pub place: Place,
    pub deliveries: u64,
}

pub struct Server {
    folder: TempDir,
    broker: Broker,
    client: Client,
}

/// The broker could not make a consumer, for a reason of its own.
const MAKING_FAILED: u64 = 10012;

/// How long a pull request waits for what has to come.
const PATIENCE: Duration = Duration::from_secs(10);

impl Server {
    pub async fn start() -> Server {
        let folder = tempfile::tempdir().unwrap();
        let broker = Broker::start(folder.path(), String::new(), Syncs::Always).await;
        let client = broker.connect("", ConnectOptions::new()).await;
        Server { folder, broker, client }
    }

    /// SIGKILL; `meanwhile` has the folder to itself, then the broker starts again.
    pub async fn restart(&mut self, meanwhile: impl FnOnce(&Path)) {
        self.broker.kill();
        meanwhile(self.folder.path());
        self.broker.start_again().await;
        self.client = self.broker.connect("", ConnectOptions::new()).await;
    }

    /// Keeps a copy of the store.
    pub fn copy(folder: &Path) {
        replace(&folder.join("store"), &folder.join("copy"));
    }

    /// Puts the copy in place of the store.
    pub fn restore(folder: &Path) {
        replace(&folder.join("copy"), &folder.join("store"));
    }

    /// When the state of a consumer was written last.
    pub fn written(&self, stream: &str, consumer: &str) -> Option<std::time::SystemTime> {
        let folder = self.folder.path().join("store/jetstream/$G/streams").join(stream);
        fs::metadata(folder.join("obs").join(consumer).join("o.dat")).ok()?.modified().ok()
    }

    pub async fn create_stream(&self, config: &StreamConfig) -> Result<Value, Refusal> {
        let body = json!({
            "name": config.name,
            "subjects": config.subjects,
            "storage": "file",
            "retention": "limits",
            "num_replicas": 1,
            "allow_direct": true,
            "allow_atomic": config.allow_atomic_publish,
            "duplicate_window": nanos(config.duplicate_window),
            "max_msg_size": config.max_message_size.map_or(-1, |it| i64::try_from(it).unwrap()),
        });
        self.ask(&format!("STREAM.CREATE.{}", config.name), body).await
    }

    pub async fn publish(&self, message: &Message) -> Result<(u64, bool), Refusal> {
        let answer = self.request(&message.subject, headers(message), message.body.clone().into_bytes()).await?;
        Ok((answer["seq"].as_u64().unwrap(), answer["duplicate"] == true))
    }

    /// As the relay publishes one.
    pub async fn publish_batch(&self, batch: &str, messages: &[Arc<Message>]) -> Result<(u64, u64), Refusal> {
        for (message, at) in messages.iter().zip(1..) {
            let mut headers = headers(message);
            headers.insert("Nats-Batch-Id", batch);
            headers.insert("Nats-Batch-Sequence", at.to_string());
            let (subject, body) = (message.subject.clone(), message.body.clone().into_bytes());
            if at < messages.len() {
                self.client.publish_with_headers(subject, headers, body.into()).await.unwrap();
                continue;
            }
            headers.insert("Nats-Batch-Commit", "1");
            let answer = self.request(&subject, headers, body).await?;
            return Ok((answer["seq"].as_u64().unwrap(), answer["count"].as_u64().unwrap()));
        }
        panic!("a batch has no messages");
    }

    /// Asks the JetStream API.
    pub async fn ask(&self, what: &str, body: Value) -> Result<Value, Refusal> {
        self.request(&format!("$JS.API.{what}"), HeaderMap::new(), body.to_string().into_bytes()).await
    }

    pub async fn create_consumer(&self, stream: &str, config: &ConsumerConfig) -> Result<ConsumerInfo, Refusal> {
        let waits = config.ack_policy == AckPolicy::All;
        let mut wanted = json!({
            "name": config.name,
            "ack_policy": if waits { "all" } else { "none" },
            "replay_policy": "instant",
            "num_replicas": 1,
            "mem_storage": config.in_memory,
        });
        // An empty list and none are not the same to the broker once it has started again.
        if !config.filter_subjects.is_empty() {
            wanted["filter_subjects"] = json!(config.filter_subjects);
        }
        match config.start_sequence {
            0 => wanted["deliver_policy"] = json!("all"),
            start => {
                wanted["deliver_policy"] = json!("by_start_sequence");
                wanted["opt_start_seq"] = json!(start);
            }
        }
        if waits {
            wanted["durable_name"] = json!(config.name);
            wanted["ack_wait"] = nanos(config.ack_wait);
            wanted["max_ack_pending"] = json!(config.max_ack_pending);
        } else {
            wanted["inactive_threshold"] = json!(3_600_000_000_000_u64);
        }
        let body = json!({ "stream_name": stream, "config": wanted, "action": "create" });
        let subject = format!("CONSUMER.CREATE.{stream}.{}", config.name);
        // The broker clears away the files of one that was deleted a moment ago by itself, and may stumble over them.
        let made = async || Some(self.ask(&subject, body.clone()).await).filter(|it| *it != Err(Some(MAKING_FAILED)));
        eventually("a consumer is made", made).await.map(|answer| consumer_info(&answer))
    }

    pub async fn consumer_info(&self, stream: &str, consumer: &str) -> Result<ConsumerInfo, Refusal> {
        let answer = self.ask(&format!("CONSUMER.INFO.{stream}.{consumer}"), json!({})).await?;
        Ok(consumer_info(&answer))
    }

    /// Waits for so many deliveries.
    pub async fn fetch(&self, stream: &str, consumer: &str, count: usize) -> Vec<Came> {
        let mut came = Vec::new();
        let mut messages = self.pull(stream, consumer, json!({ "batch": count, "expires": 8_000_000_000_u64 })).await;
        while came.len() < count {
            match timeout(PATIENCE, messages.next()).await {
                Ok(Some(message)) if message.status.is_none() => came.push(read(&message)),
                _ => break,
            }
        }
        came
    }

    /// The status that says that nothing is there, or what came instead.
    pub async fn fetch_nothing(&self, stream: &str, consumer: &str) -> Result<u16, Came> {
        let mut messages = self.pull(stream, consumer, json!({ "batch": 1, "no_wait": true })).await;
        let message = timeout(PATIENCE, messages.next()).await.ok().flatten().expect("an answer to a pull request");
        message.status.map(|it| it.as_u16()).ok_or_else(|| read(&message))
    }

    pub async fn acknowledge(&self, stream: &str, consumer: &str, place: Place) {
        let Pair { stream: sequence, consumer: delivery } = place;
        let subject = format!("$JS.ACK.{stream}.{consumer}.1.{sequence}.{delivery}.0.0");
        self.client.publish(subject, "+ACK".into()).await.unwrap();
        self.client.flush().await.unwrap();
    }

    async fn pull(&self, stream: &str, consumer: &str, what: Value) -> Subscriber {
        let inbox = self.client.new_inbox();
        let messages = self.client.subscribe(inbox.clone()).await.unwrap();
        let subject = format!("$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}");
        self.client.publish_with_reply(subject, inbox, what.to_string().into()).await.unwrap();
        messages
    }

    async fn request(&self, subject: &str, headers: HeaderMap, body: Vec<u8>) -> Result<Value, Refusal> {
        let answer = match self.client.request_with_headers(subject.to_owned(), headers, body.into()).await {
            Ok(answer) => serde_json::from_slice::<Value>(&answer.payload).unwrap(),
            Err(error) if error.kind() == async_nats::RequestErrorKind::NoResponders => return Err(None),
            Err(error) => panic!("{subject} is not answered: {error}"),
        };
        match answer["error"]["err_code"].as_u64() {
            Some(code) => Err(Some(code)),
            None => Ok(answer),
        }
    }
}

fn nanos(of: jiff::SignedDuration) -> Value {
    json!(u64::try_from(of.as_nanos()).unwrap())
}

fn headers(message: &Message) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in &message.headers {
        headers.insert(name, value);
    }
    headers
}

fn replace(from: &Path, to: &Path) {
    if to.exists() {
        fs::remove_dir_all(to).unwrap();
    }
    assert!(Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap().success());
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_default()
}

fn consumer_info(answer: &Value) -> ConsumerInfo {
    let pair =
        |of: &str| Pair { consumer: number(&answer[of]["consumer_seq"]), stream: number(&answer[of]["stream_seq"]) };
    let count = |of: &str| usize::try_from(number(&answer[of])).unwrap();
    ConsumerInfo {
        delivered: pair("delivered"),
        ack_floor: pair("ack_floor"),
        num_pending: number(&answer["num_pending"]),
        num_ack_pending: count("num_ack_pending"),
        num_redelivered: count("num_redelivered"),
    }
}

/// The reply subject ends in: deliveries, stream sequence, consumer sequence, time, pending, and maybe a random token.
fn read(message: &async_nats::Message) -> Came {
    let reply = message.reply.as_ref().expect("a delivery has a place to be acknowledged at").to_string();
    let tokens: Vec<_> = reply.split('.').collect();
    let first = if tokens.len() == 9 { 4 } else { 6 };
    let number = |at: usize| tokens[first + at].parse().unwrap();
    Came {
        subject: message.subject.to_string(),
        body: message.payload.to_vec(),
        place: Pair { stream: number(1), consumer: number(2) },
        deliveries: number(0),
    }
}
