//! The loop that gives inputs their turn. It is the only one that touches the engine, and so the store.

use std::time::Duration;

use tokio::{
    runtime::{Handle, RuntimeFlavor},
    sync::{mpsc, watch},
    task::{JoinError, JoinSet, block_in_place, yield_now},
};

use crate::{
    Acknowledge, Engine, Error, Input, OutboxRow, Released, Unfinished, ambient, broker::lease::Held,
    effect::office::Asked, reminder::Change, signal::stopped,
};

/// After how long without an input the last confirmed rows go with a commit of their own, so that a kill from then on
/// publishes nothing again, and the store does what makes the next start faster.
const IDLE: Duration = Duration::from_secs(5);

/// Where a commit's consequences go.
pub(crate) struct Outlets {
    pub client: async_nats::Client,
    pub said: mpsc::UnboundedSender<Vec<OutboxRow>>,
    pub asked: mpsc::UnboundedSender<Asked>,
    pub reminders: mpsc::UnboundedSender<Change>,
    /// Counts up when everything was forgotten and has to be heard again.
    pub starts_over: watch::Sender<u32>,
}

/// The loop with all that it holds.
pub(crate) struct TurnLoop {
    pub engine: Engine,
    pub inputs: mpsc::Receiver<Input>,
    /// The broker's word, and what the relay asks.
    pub word: mpsc::UnboundedReceiver<Input>,
    pub outlets: Outlets,
    pub lease: Held,
    /// How many turns a batch may have: what waits, up to this. Alone, an input does not wait for others.
    pub batch_size: usize,
    /// Everything that runs beside the loop. One that fails ends the service.
    pub tasks: JoinSet<Result<(), Error>>,
    /// Set when the last row is published: the lease goes back.
    pub done: watch::Sender<bool>,
}

impl TurnLoop {
    /// Gives inputs their turn until `stop`, then ends in order within `deadline`.
    pub async fn run(self, mut stop: watch::Receiver<bool>, deadline: Duration) -> Result<(), Error> {
        let too_late = async {
            stopped(&mut stop).await;
            ambient::pause(deadline).await;
        };
        tokio::select! {
            result = self.work() => result,
            () = too_late => {
                tracing::warn!("not everything ended within {deadline:?}: the next start goes on from the last commit");
                Ok(())
            }
        }
    }

    async fn work(mut self) -> Result<(), Error> {
        // Until everything that brings inputs has ended.
        let mut batch = Vec::new();
        loop {
            tokio::select! {
                taken = self.inputs.recv_many(&mut batch, self.batch_size) => if taken == 0 { break },
                Some(word) = self.word.recv() => batch.push(word),
                () = ambient::pause(IDLE), if self.engine.would_tidy() => {
                    self.lease.check().await?;
                    crate::crash::point("turn/tidy");
                    in_place(|| self.engine.tidy().and_then(|()| self.engine.tidy_store()))?;
                    continue;
                }
                Some(ended) = self.tasks.join_next() => {
                    task(ended)?;
                    continue;
                }
            }
            self.gather(&mut batch).await;
            self.turn(std::mem::take(&mut batch)).await?;
        }
        // What was said last goes out, and is known to be out.
        crate::crash::point("stop/no-more-inputs");
        let TurnLoop { mut engine, mut word, outlets, mut tasks, done, .. } = self;
        let Outlets { client, said, .. } = outlets;
        drop(said);
        while let Some(word) = word.recv().await {
            in_place(|| engine.take(vec![word]))?;
        }
        crate::crash::point("stop/all-published");
        in_place(|| engine.tidy())?;
        crate::crash::point("stop/tidied");
        done.send_replace(true);
        while let Some(ended) = tasks.join_next().await {
            task(ended)?;
        }
        if let Err(error) = client.flush().await {
            tracing::debug!("the last acknowledgement may come again: {error}");
        }
        if let Err(error) = in_place(|| engine.tidy_store()) {
            tracing::warn!("all is said and stored, and the next start may take longer: {error}");
        }
        tracing::info!("stopped");
        Ok(())
    }

    /// Whatever is ready by now goes into the same commit, with one sync: everything else on this thread gets its turn for
    /// as long as it brings inputs. The broker's word goes along also with a batch that is full. No timer is waited for.
    async fn gather(&mut self, batch: &mut Vec<Input>) {
        let mut before = 0;
        while before < batch.len() {
            before = batch.len();
            yield_now().await;
            while batch.len() < self.batch_size
                && let Ok(input) = self.inputs.try_recv()
            {
                batch.push(input);
            }
            while let Ok(word) = self.word.try_recv() {
                batch.push(word);
            }
        }
    }

    /// One batch: only by the holder of the lease; durable first, then visible.
    async fn turn(&mut self, batch: Vec<Input>) -> Result<(), Error> {
        if self.engine.has_to_tidy_store() {
            in_place(|| self.engine.tidy_store())?;
        }
        // Behind whatever takes long: nobody else may have taken over meanwhile.
        crate::crash::point("turn/before-the-lease");
        self.lease.check().await?;
        let released = in_place(|| self.engine.take(batch))?;
        crate::crash::point("turn/committed");
        let starts_over = self.engine.starts_over();
        self.outlets.starts_over.send_if_modified(|known| std::mem::replace(known, starts_over) != starts_over);
        self.outlets.release(released).await;
        Ok(())
    }
}

impl Outlets {
    /// Hands on what the last process left to do, before anything that is new.
    pub fn resume(&self, left: Unfinished) {
        let Unfinished { said, asked } = left;
        if !(said.is_empty() && asked.is_empty()) {
            tracing::info!("going on with {} rows of the outbox and {} effects", said.len(), asked.len());
        }
        self.hand_on(said, Asked::default(), Change::default());
    }

    async fn release(&self, released: Released) {
        for row in &released.said {
            let subject = &row.message.subject;
            if let Some((kind, key)) = subject.rsplit_once('.').filter(|_| !subject.starts_with("dead.")) {
                tracing::info!(key, "said {kind}");
            }
        }
        for (to, answer) in released.answers {
            // A client that is gone has lost its answer, not its command.
            drop(to.send(answer));
        }
        crate::crash::point("release/answered");
        let Released { said, withdrawn, asked, forgotten, reminders, .. } = released;
        self.hand_on(said, Asked { withdrawn, asked }, Change { forgotten, reminders });
        crate::crash::point("release/handed-on");
        if let Some(Acknowledge { place, session }) = released.acknowledge
            && session.upgrade().is_some()
            && let Err(error) = self.client.publish(place, "+ACK".into()).await
        {
            tracing::debug!("a message is not acknowledged and will come again: {error}");
        }
        crate::crash::point("release/acknowledged");
    }

    /// A taker that is gone has stopped with the service: what is handed to it stands in the store.
    fn hand_on(&self, said: Vec<OutboxRow>, asked: Asked, change: Change) {
        if !said.is_empty() {
            drop(self.said.send(said));
        }
        if !(asked.asked.is_empty() && asked.withdrawn.is_empty()) {
            drop(self.asked.send(asked));
        }
        if !(change.reminders.is_empty() && change.forgotten.is_empty()) {
            drop(self.reminders.send(change));
        }
    }
}

fn task(ended: Result<Result<(), Error>, JoinError>) -> Result<(), Error> {
    ended.unwrap_or_else(|error| Err(Error::Stopped { why: format!("a task panicked: {error}") }))
}

/// Runs what blocks: where the runtime has other threads, they take over meanwhile.
fn in_place<T>(work: impl FnOnce() -> T) -> T {
    match Handle::current().runtime_flavor() {
        RuntimeFlavor::CurrentThread => work(),
        _ => block_in_place(work),
    }
}
