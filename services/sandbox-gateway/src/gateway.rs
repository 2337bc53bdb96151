//! What all requests share, and what they make happen: at most once per idempotency key.

use std::{
    path::Path,
    sync::{Arc, MutexGuard},
};

use axum::{http::HeaderValue, response::Response};
use tokio::sync::watch;
use uuid::Uuid;

use crate::{
    book::Book,
    cards::Cards,
    entry::Entry,
    error::Error,
    idempotency::{Hold, Key, Keys, Opening},
    ledger::{Ledger, Recorded, failure, ledger_path},
    outage::Outage,
    refusal::Refusal,
    stripe,
    writing::Writing,
};

/// The state of the sandbox; clones share it.
#[derive(Clone)]
pub struct Gateway(Arc<Shared>);

struct Shared {
    writing: Arc<Writing>,
    keys: Arc<Keys>,
    cards: Cards,
    outage: Outage,
    stopping: watch::Sender<bool>,
}

impl Gateway {
    /// Reads the ledger back.
    ///
    /// # Errors
    /// Those of [`Ledger::open`], and [`Error::BadLine`] for a line that is none, or contradicts the ones before it.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let (ledger, history) = Ledger::open(folder)?;
        let path = ledger_path(folder);
        let unread = failure(&path);
        let mut book = Book::open(folder).map_err(&unread)?;
        for recorded in history {
            let Recorded { number, entry, end } = recorded?;
            if let Err(reason) = book.admits(&entry).map_err(&unread)? {
                return Err(Error::BadLine { path: path.clone(), line: number, reason });
            }
            book.enter(&entry, end);
        }
        Ok(Self::of(Arc::new(Writing::of(ledger, book))))
    }

    /// Goes on after what was written.
    pub fn of(writing: Arc<Writing>) -> Self {
        Self(Arc::new(Shared {
            writing,
            keys: Arc::default(),
            cards: Cards::default(),
            outage: Outage::default(),
            stopping: watch::Sender::new(false),
        }))
    }

    /// What happened so far, and is on the disk.
    pub fn book(&self) -> MutexGuard<'_, Book> {
        self.0.writing.book()
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
    /// The refusals of [`Keys::open`] and of [`Writing::once`].
    pub async fn once(
        &self,
        Key(key): &Key,
        request: Uuid,
        decide: impl FnOnce(&Book) -> Result<Entry, Refusal> + Send + 'static,
    ) -> Result<Response, Refusal> {
        let opening = match key {
            Some(key) => {
                let known = |key: &str| self.book().by_key(key);
                Some(self.0.keys.open(key, request, known)?)
            }
            None => None,
        };
        let hold = match opening {
            Some(Opening::Known(entry)) => return Ok(replay(&entry)),
            Some(Opening::New(hold)) => Some(hold),
            None => None,
        };
        let (entry, hold) = self.0.writing.once(hold, Box::new(decide)).await?;
        let mut response = stripe::answer(&entry);
        response.extensions_mut().insert(hold.map(Arc::new));
        Ok(response)
    }

    /// Gives the ledger back. What is being written is finished; nothing is written after this.
    pub fn close(&self) {
        self.0.writing.close();
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
