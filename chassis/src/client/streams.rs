//! Reading the streams from outside: in pages, one message by its place, the last of a kind; and deleting a message.
//!
//! Everything is a request of its own: nothing is left behind in the broker, and reading takes nothing from anybody.

use async_nats::{HeaderMap, StatusCode};
use events::{EVENTS, EventId};
use futures_util::StreamExt;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{ANSWER_WITHIN, Client, Stored};
use crate::{
    Error,
    broker::{from_wire, refused, stream_identity},
};

/// How many messages a page has at most.
const PAGE: u64 = 500;

/// What the broker adds to a message when it is asked for it: it says something of the answer, not of the message.
const OF_THE_ANSWER: [&str; 3] = ["Nats-Num-Pending", "Nats-Last-Sequence", "Nats-UpTo-Sequence"];

/// A stream as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamState {
    /// What tells it from one that was made anew under its name.
    pub identity: EventId,
    /// When it was made.
    pub created: Timestamp,
    /// The place of its last message; 0 where it never had one.
    pub last_sequence: u64,
}

/// How far the hearing of a stream by a service is, as the broker knows it: also while the service is away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConsumerState {
    /// The place up to which everything is acknowledged.
    pub heard: u64,
    /// How many messages for the service stand behind that.
    pub behind: u64,
}

/// Where reading begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At this place, or the next one that is there; 1 is the beginning.
    Sequence(u64),
    /// At the first message that the broker took at this time or later.
    Time(Timestamp),
}

/// A stream, read page by page up to where it ended when reading began. What is deleted meanwhile is left out.
pub struct Pages {
    client: Client,
    stream: &'static str,
    subjects: String,
    next: Start,
    last: u64,
}

impl Pages {
    /// The next messages, in the order of the stream; none at the end.
    pub async fn next(&mut self) -> Result<Option<Vec<Stored>>, Error> {
        let mut question = json!({ "batch": PAGE, "next_by_subj": self.subjects });
        match self.next {
            Start::Sequence(sequence) if sequence > self.last => return Ok(None),
            Start::Sequence(sequence) => question["seq"] = json!(sequence),
            // The broker counts nanoseconds in 64 bits: far outside of them it would read another time.
            Start::Time(time) => {
                let far = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * 365 * 200);
                question["start_time"] = json!(time.clamp(Timestamp::UNIX_EPOCH, far).to_string());
            }
        }
        let mut page = self.client.ask(self.stream, &question).await?;
        page.retain(|message| message.sequence <= self.last);
        let Some(end) = page.last() else { return Ok(None) };
        self.next = Start::Sequence(end.sequence + 1);
        Ok(Some(page))
    }
}

impl Client {
    /// How the stream stands. One that is not there is an error.
    pub async fn stream(&self, stream: &str) -> Result<StreamState, Error> {
        #[derive(Deserialize)]
        struct Info {
            created: Timestamp,
            state: State,
        }
        #[derive(Deserialize)]
        struct State {
            last_seq: u64,
        }
        let answer = self.manage(&format!("STREAM.INFO.{stream}"), "show a stream", json!({})).await?;
        if answer["error"]["code"] == 404 {
            let why = format!("there is no stream {stream}: did a service ever run here?");
            return Err(Error::Broker { doing: "show a stream", why });
        }
        let Info { created, state } = serde_json::from_value(answer).map_err(refused("show a stream"))?;
        let identity = stream_identity(stream, created.as_nanosecond());
        Ok(StreamState { identity, created, last_sequence: state.last_seq })
    }

    /// How far the consumer `name` of `stream` is; none where nobody of that name ever listened.
    pub async fn consumer(&self, stream: &str, name: &str) -> Result<Option<ConsumerState>, Error> {
        const DOING: &str = "show a consumer";
        #[derive(Deserialize)]
        struct Info {
            ack_floor: Floor,
            num_ack_pending: u64,
            num_pending: u64,
        }
        #[derive(Deserialize)]
        struct Floor {
            stream_seq: u64,
        }
        let answer = self.manage(&format!("CONSUMER.INFO.{stream}.{name}"), DOING, json!({})).await?;
        if answer["error"]["code"] == 404 {
            return Ok(None);
        }
        let Info { ack_floor, num_ack_pending, num_pending } =
            serde_json::from_value(answer).map_err(refused(DOING))?;
        Ok(Some(ConsumerState { heard: ack_floor.stream_seq, behind: num_ack_pending + num_pending }))
    }

    /// Reads the messages of `stream` whose subject fits `subjects` (wildcards as the broker has them), from `start` to
    /// the end that the stream has now.
    pub async fn pages(&self, stream: &'static str, subjects: &str, start: Start) -> Result<Pages, Error> {
        let last = self.stream(stream).await?.last_sequence;
        Ok(Pages { client: self.clone(), stream, subjects: subjects.to_owned(), next: start, last })
    }

    /// The message at a place of `stream`; none where it never was, or is gone.
    pub async fn message(&self, stream: &str, sequence: u64) -> Result<Option<Stored>, Error> {
        let subject = format!("$JS.API.DIRECT.GET.{stream}");
        let question = json!({ "seq": sequence }).to_string();
        let answer = self.nats.request(subject, question.into()).await.map_err(refused("show a message"))?;
        match answer.status {
            None => Ok(stored(answer.headers.as_ref(), answer.payload.to_vec())),
            Some(StatusCode::NOT_FOUND) => Ok(None),
            Some(status) => Err(Error::Broker { doing: "show a message", why: status.to_string() }),
        }
    }

    /// The last message under each subject that fits one of `subjects`, in the order of the stream; of those up to the
    /// place `up_to`, where that is given. The broker refuses where there are more than 1,024.
    pub async fn last_of(&self, stream: &str, subjects: &[String], up_to: Option<u64>) -> Result<Vec<Stored>, Error> {
        let mut question = json!({ "multi_last": subjects, "batch": 1024 });
        if let Some(sequence) = up_to {
            question["up_to_seq"] = json!(sequence);
        }
        let mut messages = self.ask(stream, &question).await?;
        messages.sort_by_key(|message| message.sequence);
        Ok(messages)
    }

    /// The place in the stream of the last event under `subject`, which may have wildcards; none where none stands there.
    /// Who hears that subject and has heard this place has caught up.
    pub async fn last_under(&self, subject: &str) -> Result<Option<u64>, Error> {
        let question = json!({ "last_by_subj": subject }).to_string();
        let answer = self.nats.request(format!("$JS.API.DIRECT.GET.{EVENTS}"), question.into()).await;
        let answer = answer.map_err(refused("show the last event"))?;
        Ok(stored(answer.headers.as_ref(), Vec::new()).map(|event| event.sequence))
    }

    /// Deletes a message for good, and says whether it was there: deleting it again does nothing.
    pub async fn delete(&self, stream: &str, sequence: u64) -> Result<bool, Error> {
        let question = json!({ "seq": sequence, "no_erase": true });
        let answer = self.manage(&format!("STREAM.MSG.DELETE.{stream}"), "delete a message", question).await?;
        if answer["success"] == true {
            return Ok(true);
        }
        if self.message(stream, sequence).await?.is_none() {
            return Ok(false);
        }
        let why = answer["error"]["description"].as_str().unwrap_or("it does not say why");
        Err(Error::Broker { doing: "delete a message", why: why.to_owned() })
    }

    /// Asks what is answered with one JSON document.
    async fn manage(&self, what: &str, doing: &'static str, question: Value) -> Result<Value, Error> {
        let answer = self.nats.request(format!("$JS.API.{what}"), question.to_string().into()).await;
        serde_json::from_slice(&answer.map_err(refused(doing))?.payload).map_err(refused(doing))
    }

    /// Asks what is answered with any number of messages.
    async fn ask(&self, stream: &str, question: &Value) -> Result<Vec<Stored>, Error> {
        const DOING: &str = "show messages";
        let inbox = self.nats.new_inbox();
        let mut answers = self.nats.subscribe(inbox.clone()).await.map_err(refused(DOING))?;
        let asked =
            self.nats.publish_with_reply(format!("$JS.API.DIRECT.GET.{stream}"), inbox, question.to_string().into());
        asked.await.map_err(refused(DOING))?;
        let mut messages = Vec::new();
        loop {
            let answer = timeout(ANSWER_WITHIN, answers.next()).await.ok().flatten();
            let Some(answer) = answer.filter(|it| it.status != Some(StatusCode::NO_RESPONDERS)) else {
                let why = format!("nobody answers for the stream {stream}: is a service running?");
                return Err(Error::Broker { doing: DOING, why });
            };
            match answer.status {
                None => messages.extend(stored(answer.headers.as_ref(), answer.payload.to_vec())),
                // That was all (204), or there was nothing.
                Some(status) if status.as_u16() == 204 || status == StatusCode::NOT_FOUND => return Ok(messages),
                Some(status) => {
                    let why = answer.description.unwrap_or_else(|| status.to_string());
                    return Err(Error::Broker { doing: DOING, why });
                }
            }
        }
    }
}

fn stored(wire: Option<&HeaderMap>, body: Vec<u8>) -> Option<Stored> {
    let mut headers = from_wire(wire);
    headers.retain(|name, _| !OF_THE_ANSWER.contains(&name));
    let sequence = headers.get("Nats-Sequence")?.parse().ok()?;
    let subject = headers.get("Nats-Subject")?.to_owned();
    Some(Stored { sequence, subject, headers, body })
}
