//! What all requests share, and the one way to make something happen: decide, write, remember, answer.
//!
//! Decisions are taken one after the other, under the ledger's lock, so each sees all that came before it.

use std::{
    path::Path,
    sync::{Arc, Mutex, MutexGuard},
};

use axum::{http::HeaderValue, response::Response};
use tokio::{sync::watch, task};
use uuid::Uuid;

use crate::{
    book::Book,
    cards::Cards,
    entry::Entry,
    error::Error,
    idempotency::{Hold, Key, Keys, Opening},
    ledger::{Ledger, ledger_path},
    outage::Outage,
    refusal::Refusal,
    stripe,
};

/// The state of the sandbox; clones share it.
#[derive(Clone)]
pub struct Gateway(Arc<Shared>);

struct Shared {
    ledger: Mutex<Option<Ledger>>,
    book: Mutex<Book>,
    keys: Arc<Keys>,
    cards: Cards,
    outage: Outage,
    stopping: watch::Sender<bool>,
}

impl Gateway {
    /// Reads the ledger back.
    ///
    /// # Errors
    /// Those of [`Ledger::open`], and [`Error::BadLine`] for a line that contradicts the ones before it.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let (ledger, history) = Ledger::open(folder)?;
        let mut book = Book::default();
        for (line, entry) in history {
            if let Err(reason) = book.admits(&entry) {
                return Err(Error::BadLine { path: ledger_path(folder), line, reason });
            }
            book.enter(Arc::new(entry));
        }
        Ok(Self(Arc::new(Shared {
            ledger: Mutex::new(Some(ledger)),
            book: Mutex::new(book),
            keys: Arc::default(),
            cards: Cards::default(),
            outage: Outage::default(),
            stopping: watch::Sender::new(false),
        })))
    }

    /// What happened so far.
    pub fn book(&self) -> MutexGuard<'_, Book> {
        self.0.book.lock().expect("looking things up does not panic")
    }

    /// The cards of the sandbox.
    pub fn cards(&self) -> &Cards {
        &self.0.cards
    }

    /// How `/v1` misbehaves.
    pub fn outage(&self) -> &Outage {
        &self.0.outage
    }

    /// Whether the sandbox is going away: nothing should wait any longer.
    pub fn stopping(&self) -> &watch::Sender<bool> {
        &self.0.stopping
    }

    /// Makes something happen at most once per key, and answers when it is on disk.
    ///
    /// `decide` is asked only if the key is new. The answer carries the key's [`Hold`], as an extension, until it is sent.
    /// Once begun, it is finished even if the client goes away.
    ///
    /// # Errors
    /// What `decide` refuses; the refusals of [`Keys::open`]; 500 if the ledger cannot be written.
    pub async fn once(
        &self,
        Key(key): &Key,
        request: Uuid,
        decide: impl FnOnce(&Book) -> Result<Entry, Refusal> + Send + 'static,
    ) -> Result<Response, Refusal> {
        let opening = match key {
            Some(key) => {
                let known = |key: &str| self.book().by_key(key).cloned();
                Some(self.0.keys.open(key, request, known)?)
            }
            None => None,
        };
        let hold = match opening {
            Some(Opening::Known(entry)) => return Ok(replay(&entry)),
            Some(Opening::New(hold)) => Some(hold),
            None => None,
        };
        let this = self.clone();
        // The hold goes along: the key must not be free before the entry is in the book.
        let writing = task::spawn_blocking(move || this.write(decide).map(|entry| (entry, hold)));
        let (entry, hold) = writing.await.map_err(|error| {
            tracing::error!(%error, "a decision did not come to its end");
            Refusal::internal()
        })??;
        let mut response = stripe::answer(&entry);
        response.extensions_mut().insert(hold.map(Arc::new));
        Ok(response)
    }

    /// Gives the ledger back. What is being written is finished; nothing is written after this.
    pub fn close(&self) {
        self.ledger().take();
    }

    fn write(&self, decide: impl FnOnce(&Book) -> Result<Entry, Refusal>) -> Result<Arc<Entry>, Refusal> {
        let mut ledger = self.ledger();
        let entry = Arc::new(decide(&self.book())?);
        self.book().admits(&entry).map_err(|contradiction| {
            tracing::error!(contradiction, id = entry.id, "refused to write what cannot be");
            Refusal::internal()
        })?;
        let Some(ledger) = ledger.as_mut() else {
            return Err(Refusal::unavailable());
        };
        ledger.append(&entry).map_err(|error| {
            tracing::error!(%error, id = entry.id, "the ledger cannot be written");
            Refusal::internal()
        })?;
        self.book().enter(Arc::clone(&entry));
        tracing::info!(id = entry.id, key = entry.idempotency_key, order = entry.order_id, "written to the ledger");
        Ok(entry)
    }

    fn ledger(&self) -> MutexGuard<'_, Option<Ledger>> {
        self.0.ledger.lock().expect("deciding and writing do not panic")
    }
}

/// Takes a key's hold out of an answer. The key is free when the hold is dropped.
pub fn take_hold(response: &mut Response) -> Option<Arc<Hold>> {
    response.extensions_mut().remove::<Option<Arc<Hold>>>().flatten()
}

fn replay(entry: &Entry) -> Response {
    let mut response = stripe::answer(entry);
    response.headers_mut().insert("idempotent-replayed", HeaderValue::from_static("true"));
    response
}
