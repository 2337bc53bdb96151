//! The same thing done to the model and to the broker.

use std::{sync::Arc, time::Instant};

use chassis::Message;
use events::header;
use serde_json::json;
use tests::jetstream::Refused;

use super::{
    super::{
        operation::{Ack, Id},
        server::Came,
    },
    CONSUMERS, LARGEST, Run, STREAM, SUBJECTS,
};

impl Run {
    pub(super) fn message(&mut self, id: Id, subject: usize) -> Arc<Message> {
        let id = match id {
            Id::None => None,
            Id::Used(back) if self.used > 0 => Some(self.used - (back as u64 % self.used)),
            _ => {
                self.used += 1;
                Some(self.used)
            }
        };
        self.bringing(id, subject)
    }

    pub(super) fn bringing(&self, id: Option<u64>, subject: usize) -> Arc<Message> {
        let headers = id.map(|id| (header::MESSAGE_ID.to_owned(), id.to_string())).into_iter().collect();
        let body = format!("message {}", self.said.len());
        Arc::new(Message { subject: SUBJECTS[subject].to_owned(), headers, body })
    }

    pub(super) async fn publish(&mut self, message: Arc<Message>) -> Result<(), String> {
        let model = self.model.publish(message.clone(), self.now);
        self.note_stored(model.is_ok_and(|it| !it.duplicate), &message);
        self.count(match model {
            Ok(it) if it.duplicate => "publish, known id",
            Ok(_) => "publish",
            Err(_) => "publish, no stream",
        });
        let shown = self.server.publish(&message).await;
        self.same("publish", model.map(|it| (it.sequence, it.duplicate)).map_err(Refused::code), shown)
    }

    fn note_stored(&mut self, stored: bool, message: &Message) {
        let id = message.headers.get(header::MESSAGE_ID).and_then(|id| id.parse().ok());
        self.last_id = id.filter(|_| stored).or(self.last_id);
    }

    /// One byte more than the stream takes is refused, and one less is not.
    pub(super) async fn publish_large(&mut self) -> Result<(), String> {
        for size in LARGEST - 40..=LARGEST {
            let mut message = (*self.message(Id::Fresh, 0)).clone();
            message.body = "x".repeat(size);
            let message = Arc::new(message);
            let model = self.model.publish(message.clone(), self.now);
            self.note_stored(model.is_ok(), &message);
            let shown = self.server.publish(&message).await;
            let refused = model.is_err();
            self.same("publish much", model.map(|it| (it.sequence, it.duplicate)).map_err(Refused::code), shown)?;
            if refused {
                break;
            }
        }
        self.count("publish, too large");
        Ok(())
    }

    pub(super) async fn batch(&mut self, messages: Vec<Arc<Message>>) -> Result<(), String> {
        let model = self.model.publish_batch(&messages, self.now);
        let ids: std::collections::BTreeSet<_> =
            messages.iter().filter_map(|it| it.headers.get(header::MESSAGE_ID)).collect();
        let repeats = ids.len() < messages.len();
        messages.iter().for_each(|message| self.note_stored(model.is_ok(), message));
        self.count(match model {
            Ok(_) => "batch",
            Err(Refused::DuplicateInBatch) if repeats => "batch, repeated id",
            Err(Refused::DuplicateInBatch) => "batch, known id",
            Err(Refused::BatchTooLarge) => "batch, too large",
            Err(_) => "batch, no stream",
        });
        self.batches += 1;
        let shown = self.server.publish_batch(&self.batches.to_string(), &messages).await;
        self.same("batch", model.map(|it| (it.last_sequence, it.count)).map_err(Refused::code), shown)
    }

    pub(super) async fn get(&mut self, sequence: u64) -> Result<(), String> {
        self.count("get");
        let model = self.model.stream(STREAM).and_then(|it| it.get(sequence)).map(|it| it.message.subject.clone());
        let model = model.map(|subject| (sequence, subject)).map_err(Refused::code);
        self.look("get", model, json!({ "seq": sequence })).await
    }

    pub(super) async fn last_by_subject(&mut self, subject: &str) -> Result<(), String> {
        self.count("last by subject");
        let model = self.model.stream(STREAM).and_then(|it| it.last_by_subject(subject));
        let model = model.map(|it| (it.sequence, it.message.subject.clone())).map_err(Refused::code);
        self.look("last by subject", model, json!({ "last_by_subj": subject })).await
    }

    async fn look(
        &mut self,
        what: &str,
        model: Result<(u64, String), Option<u64>>,
        question: serde_json::Value,
    ) -> Result<(), String> {
        let shown = self.server.ask(&format!("STREAM.MSG.GET.{STREAM}"), question).await;
        let read = |it: serde_json::Value| {
            let (sequence, subject) = (&it["message"]["seq"], &it["message"]["subject"]);
            (sequence.as_u64().unwrap(), subject.as_str().unwrap().to_owned())
        };
        self.same(what, model, shown.map(read))
    }

    pub(super) async fn delete_message(&mut self, sequence: u64) -> Result<(), String> {
        self.count("delete message");
        let model = self.model.stream_mut(STREAM).and_then(|it| it.delete_message(sequence)).map_err(Refused::code);
        let question = json!({ "seq": sequence, "no_erase": true });
        let shown = self.server.ask(&format!("STREAM.MSG.DELETE.{STREAM}"), question).await.map(drop);
        self.same("delete message", model, shown)
    }

    pub(super) async fn make_consumer(&mut self, consumer: usize, filter: usize, start: u64) -> Result<(), String> {
        // As services do it: the broker may count what stands before a start that nobody has reached yet.
        let end = self.model.stream(STREAM).map_or(start, |it| it.last_sequence() + 1);
        let config = self.consumer(consumer, filter, start.min(end));
        let there = self.model.stream(STREAM).is_ok_and(|it| it.consumer_info(&config.name).is_ok());
        self.count(if there { "make consumer, there" } else { "make consumer" });
        let model = self.model.stream_mut(STREAM).and_then(|it| it.create_consumer(config.clone()));
        let shown = self.server.create_consumer(STREAM, &config).await;
        let model = model.map_err(Refused::code);
        match there {
            // The broker shows one that is there as it was when the broker started.
            true => self.same("make consumer, there", model.map(drop), shown.map(drop)),
            false => self.same("make consumer", model, shown),
        }
    }

    pub(super) async fn delete_consumer(&mut self, consumer: usize) -> Result<(), String> {
        self.count("delete consumer");
        let name = CONSUMERS[consumer];
        let model = self.model.stream_mut(STREAM).and_then(|it| it.delete_consumer(name)).map_err(Refused::code);
        let shown = self.server.ask(&format!("CONSUMER.DELETE.{STREAM}.{name}"), json!({})).await.map(drop);
        self.same("delete consumer", model, shown)
    }

    /// What comes at once, and then nothing. Says how many came.
    pub(super) async fn fetch(&mut self, consumer: usize, at_most: usize) -> Result<usize, String> {
        let name = CONSUMERS[consumer];
        let Ok(model) = self.model.fetch(STREAM, name, at_most, self.now) else { return Ok(0) };
        let count = model.len();
        self.count(if model.iter().any(|it| it.deliveries > 1) { "fetch, redelivered" } else { "fetch" });
        let came = |it: &tests::jetstream::Delivered| Came {
            subject: it.stored.message.subject.clone(),
            body: it.stored.message.body.clone().into_bytes(),
            place: it.place,
            deliveries: it.deliveries,
        };
        self.deliveries[consumer].extend(model.iter().map(|it| it.place));
        if count > 0 {
            self.changed[consumer] = Instant::now();
            let shown = self.server.fetch(STREAM, name, count).await;
            self.same("fetch", model.iter().map(came).collect(), shown)?;
        }
        let info = self.model.stream(STREAM).and_then(|it| it.consumer_info(name)).map_err(Refused::code);
        // One that may deliver nothing new although there is something would keep the question.
        if count < at_most && info.is_ok_and(|it| it.num_pending == 0) {
            let shown = self.server.fetch_nothing(STREAM, name).await;
            self.same("fetch nothing", Ok(404), shown)?;
        }
        Ok(count)
    }

    pub(super) async fn acknowledge(&mut self, consumer: usize, what: Ack) -> Result<(), String> {
        let name = CONSUMERS[consumer];
        let Some(place) = self.place(consumer, what) else { return Ok(()) };
        let info = |run: &Run| run.model.stream(STREAM).and_then(|it| it.consumer_info(name));
        let before = info(self);
        self.model.acknowledge(STREAM, name, place);
        let changed = before != info(self);
        self.count(if changed { "acknowledge" } else { "acknowledge, nothing" });
        if changed {
            self.changed[consumer] = Instant::now();
        }
        self.said.push(format!("    acknowledge {place:?}"));
        self.server.acknowledge(STREAM, name, place).await;
        Ok(())
    }
}
