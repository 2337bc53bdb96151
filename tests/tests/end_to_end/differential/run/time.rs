//! What takes time: the end of the window, a kill, an older copy. The model's time jumps; the broker's is waited for.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use events::header;
use jiff::SignedDuration;
use tests::jetstream::{Consumers, Refused};

use super::{super::server::Server, CONSUMERS, Run, STREAM, WINDOW};
use crate::await_condition::eventually;

/// The consumer that waits for acknowledgements.
const HEARS: usize = 0;

impl Run {
    /// No id is known any more, and everything that waited is delivered again.
    pub(super) async fn wait(&mut self) -> Result<(), String> {
        self.count("wait");
        self.waits += 1;
        self.hear_what_is_new().await?;
        self.let_the_window_pass(Instant::now()).await;
        // Now and then some of it stays overdue, and comes before what is new.
        let waiting = self.waiting();
        let some = if self.waits.is_multiple_of(2) { waiting } else { waiting.div_ceil(2) };
        self.hear_again(some).await?;
        self.forget_ids().await?;
        self.since = Instant::now();
        Ok(())
    }

    /// The broker is killed and starts again; with the last copy of its store, where there is one.
    pub(super) async fn kill(&mut self, restore: bool) -> Result<(), String> {
        let restored = self.copy.clone().filter(|_| restore);
        self.written().await;
        let takes_time = self.waiting() > 0 || restored.is_some() || self.since.elapsed() > WINDOW / 2;
        if takes_time {
            // What waits is delivered again soon after the start, and not at once: nothing new may come before it.
            self.hear_what_is_new().await?;
            self.let_the_window_pass(Instant::now()).await;
        }
        self.count(if restored.is_some() { "restore" } else { "kill" });
        match restored {
            Some((model, created, last_id)) => {
                self.server.restart(Server::restore).await;
                self.model.restore(&model, self.now);
                self.created = created;
                self.last_id = last_id;
            }
            None => {
                self.server.restart(Server::copy).await;
                self.copy = Some((self.model.clone(), self.created.clone(), self.last_id));
                self.model.restart(Consumers::Newest, self.now);
            }
        }
        self.drop_what_is_older().await?;
        let waiting = self.waiting();
        self.hear_again(waiting).await?;
        let too_slow = !takes_time && self.since.elapsed() > WINDOW * 9 / 10;
        if too_slow {
            self.let_the_window_pass(self.since).await;
        }
        if takes_time || too_slow {
            self.forget_ids().await?;
            self.since = Instant::now();
        }
        Ok(())
    }

    /// A kill may leave an older state of a consumer. Services make theirs anew at every start; here both drop it.
    async fn drop_what_is_older(&mut self) -> Result<(), String> {
        let name = CONSUMERS[HEARS];
        let Ok(model) = self.model.stream(STREAM).and_then(|it| it.consumer_info(name)) else { return Ok(()) };
        match self.server.consumer_info(STREAM, name).await {
            Ok(shown) if shown != model && shown.delivered.consumer <= model.delivered.consumer => {
                self.count("kill, older consumer");
                self.said.push(format!("    an older consumer: {shown:?}"));
                self.delete_consumer(HEARS).await
            }
            _ => Ok(()),
        }
    }

    fn waiting(&self) -> usize {
        let info = self.model.stream(STREAM).and_then(|it| it.consumer_info(CONSUMERS[HEARS]));
        info.map_or(0, |it| it.num_ack_pending)
    }

    async fn hear_what_is_new(&mut self) -> Result<(), String> {
        while self.fetch(HEARS, 50).await? > 0 {}
        Ok(())
    }

    async fn let_the_window_pass(&mut self, from: Instant) {
        eventually("the window has passed", async || (from.elapsed() > WINDOW).then_some(())).await;
        self.later(SignedDuration::try_from(WINDOW).unwrap());
    }

    async fn hear_again(&mut self, count: usize) -> Result<(), String> {
        if count > 0 {
            self.fetch(HEARS, count).await?;
        }
        Ok(())
    }

    /// The broker forgets ids now and then, the last one last. After a start that is the id of the last message that is
    /// still there.
    async fn forget_ids(&mut self) -> Result<(), String> {
        let Ok(stream) = self.model.stream(STREAM) else { return Ok(()) };
        let there = stream.from(1).filter_map(|it| it.message.headers.get(header::MESSAGE_ID)?.parse().ok()).last();
        let ids: BTreeSet<u64> = there.into_iter().chain(self.last_id).collect();
        for id in ids {
            let message = self.bringing(Some(id), 0);
            let model = self.model.publish(message.clone(), self.now).map_err(Refused::code);
            let stored = eventually("the last id is forgotten", async || {
                let answer = self.server.publish(&message).await;
                (!matches!(answer, Ok((_, true)))).then_some(answer)
            });
            let stored = stored.await;
            self.last_id = Some(id);
            self.same("publish once more", model.map(|it| (it.sequence, it.duplicate)), stored)?;
        }
        Ok(())
    }

    /// What consumers did is written some time after it was answered; what changes nothing is not.
    async fn written(&self) {
        if self.model.stream(STREAM).and_then(|it| it.consumer_info(CONSUMERS[HEARS])).is_err() {
            return;
        }
        let began = Instant::now();
        eventually("the state of the consumer is written", async || {
            let age = self.server.written(STREAM, CONSUMERS[HEARS]).and_then(|at| at.elapsed().ok());
            let is_written = age.is_some_and(|age| age < self.changed[HEARS].elapsed());
            (is_written || began.elapsed() > Duration::from_millis(500)).then_some(())
        })
        .await;
    }
}
