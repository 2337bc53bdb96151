//! The one way to make something happen: decide, write, remember, answer.
//!
//! Decisions that come while others are written go together, with one sync (group commit), and one thread at a time
//! writes. Each is decided upon all before it, in the order in which they came, which is the order of their lines. The book
//! holds what is on the disk: those of a group are rubbed out of it before anybody else looks, and entered after the
//! sync. Nobody of a group is answered before.

mod queue;
#[cfg(test)]
mod tests;

use std::{
    iter,
    sync::{Arc, Mutex, MutexGuard},
    thread,
};

use tokio::{sync::oneshot, task::spawn_blocking};

use self::queue::{Queue, Waiting};
use crate::{book::Book, entry::Entry, idempotency::Hold, ledger::Ledger, refusal::Refusal};

/// What a request wants to happen after all that is in the book.
pub type Decide = Box<dyn FnOnce(&Book) -> Result<Entry, Refusal> + Send>;

/// What became of a decision. Its key is held until the answer is sent, or free already where nothing happened.
pub type Outcome = Result<(Arc<Entry>, Option<Hold>), Refusal>;

/// The ledger, the book, and the decisions that wait to be written.
pub struct Writing {
    ledger: Mutex<Option<Ledger>>,
    book: Mutex<Book>,
    queue: Queue,
}

/// The thread that writes, until nothing waits any more.
struct Turn(Arc<Writing>);

impl Writing {
    /// Goes on after what is in the ledger, which is what is in the book.
    pub fn of(ledger: Ledger, book: Book) -> Self {
        Self { ledger: Mutex::new(Some(ledger)), book: Mutex::new(book), queue: Queue::default() }
    }

    /// What is on the disk.
    pub fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().expect("looking things up does not panic")
    }

    /// Decides, and returns when what happened is on the disk. Once begun, it is finished even if nobody waits for it, and
    /// the hold goes along: the key is not free before the entry is in the book.
    ///
    /// # Errors
    /// What `decide` refuses; 503 after [`close`](Self::close); 500 if the ledger cannot be written, for all of the group:
    /// its refusals may come from what did not happen.
    pub async fn once(self: &Arc<Self>, hold: Option<Hold>, decide: Decide) -> Outcome {
        let (answer, answered) = oneshot::channel();
        if !self.queue.push(Waiting { decide, hold, answer }) {
            let turn = Turn(Arc::clone(self));
            drop(spawn_blocking(move || turn.run()));
        }
        answered.await.unwrap_or_else(|_| {
            tracing::error!("a decision did not come to its end");
            Err(Refusal::internal())
        })
    }

    /// Gives the ledger back. What is being written is finished; nothing is written after this.
    pub fn close(&self) {
        self.ledger().take();
    }

    /// Makes a group happen, then answers. Neither the ledger nor the book is held when keys are given back.
    fn write(&self, group: Vec<Waiting>) {
        let (decisions, askers): (Vec<_>, Vec<_>) =
            group.into_iter().map(|Waiting { decide, hold, answer }| (decide, (hold, answer))).unzip();
        for (outcome, (hold, answer)) in iter::zip(self.perform(decisions), askers) {
            // Whoever does not wait any more finds it in the book.
            drop(answer.send(outcome.map(|entry| (entry, hold))));
        }
    }

    fn perform(&self, decisions: Vec<Decide>) -> Vec<Result<Arc<Entry>, Refusal>> {
        let count = decisions.len();
        let all = |refusal: fn() -> Refusal| iter::repeat_with(|| Err(refusal())).take(count).collect();
        let mut ledger = self.ledger();
        let Some(ledger) = ledger.as_mut() else {
            return all(Refusal::unavailable);
        };
        let outcomes = self.decide(decisions);
        let entries: Vec<_> = outcomes.iter().flatten().cloned().collect();
        if entries.is_empty() {
            return outcomes;
        }
        let ends = match ledger.append(&entries) {
            Ok(ends) => ends,
            Err(error) => {
                tracing::error!(%error, entries = entries.len(), "the ledger cannot be written");
                return all(Refusal::internal);
            }
        };
        for (entry, end) in iter::zip(entries, ends) {
            tracing::info!(id = entry.id, key = entry.idempotency_key, order = entry.order_id, "written to the ledger");
            self.book().enter(&entry, end);
        }
        outcomes
    }

    /// Decides each upon the book with all before it, and leaves the book as it was: none of them is on the disk yet.
    fn decide(&self, decisions: Vec<Decide>) -> Vec<Result<Arc<Entry>, Refusal>> {
        let mut book = self.book();
        let outcomes = decisions
            .into_iter()
            .map(|decide| {
                let entry = Arc::new(decide(&book)?);
                book.admits(&entry)?.map_err(|contradiction| {
                    tracing::error!(contradiction, id = entry.id, "refused to write what cannot be");
                    Refusal::internal()
                })?;
                book.pencil_in(Arc::clone(&entry));
                Ok(entry)
            })
            .collect();
        book.rub_out();
        outcomes
    }

    fn ledger(&self) -> MutexGuard<'_, Option<Ledger>> {
        self.ledger.lock().expect("deciding and writing do not panic")
    }
}

impl Turn {
    fn run(self) {
        loop {
            let group = self.0.queue.take();
            if group.is_empty() {
                return;
            }
            self.0.write(group);
        }
    }
}

impl Drop for Turn {
    /// After a panic, those who wait are left to be told so, and the next that comes starts a thread.
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.queue.abandon();
        }
    }
}
