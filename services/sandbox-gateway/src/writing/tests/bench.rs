//! A ledger whose syncs wait for a word, so that it is known who waits, who is written, and who was answered.

use std::{
    fs::{self, File},
    io, mem,
    sync::{Arc, mpsc},
    time::Duration,
};

use axum::response::IntoResponse;
use tempfile::TempDir;
use tokio::{
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    task::{AbortHandle, JoinSet, spawn_blocking, yield_now},
    time::timeout,
};

use crate::{
    book::{
        self, Book,
        tests::{charge, ids_of},
    },
    entry::Entry,
    gateway::Gateway,
    idempotency::Key,
    ids,
    ledger::ledger_path,
    refusal::Refusal,
    writing::Writing,
};

/// How long something may take that is sure to come.
pub const WITHIN: Duration = Duration::from_secs(20);

/// The key, the status, and whether it was a replay.
pub type Told = (&'static str, u16, bool);

/// A gateway whose every sync says that it has begun, waits for a word, and comes out as the word says.
pub struct Bench {
    pub folder: TempDir,
    pub writing: Arc<Writing>,
    pub gateway: Gateway,
    pub begun: UnboundedReceiver<()>,
    word: mpsc::Sender<io::Result<()>>,
    pub requests: JoinSet<Told>,
}

impl Bench {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (mut ledger, book) = book::tests::new(folder.path());
        let (begin, begun) = unbounded_channel();
        let (word, words) = mpsc::channel();
        ledger.sync = Box::new(move |_: &File| {
            begin.send(()).unwrap();
            words.recv_timeout(WITHIN).expect("a sync too many")
        });
        let writing = Arc::new(Writing::of(ledger, book));
        let gateway = Gateway::of(Arc::clone(&writing));
        Self { folder, writing, gateway, begun, word, requests: JoinSet::new() }
    }

    /// One whose first decision is being written, while all others wait.
    pub async fn writing_the_first() -> Self {
        let mut bench = Self::new();
        bench.charge("1");
        bench.syncing().await;
        bench
    }

    pub fn ask(
        &mut self,
        key: &'static str,
        decide: impl FnOnce(&Book) -> Result<Entry, Refusal> + Send + 'static,
    ) -> AbortHandle {
        let gateway = self.gateway.clone();
        self.requests.spawn(async move { told(&gateway, key, decide).await })
    }

    pub fn charge(&mut self, key: &'static str) -> AbortHandle {
        self.ask(key, move |_| Ok(charge(key, key, 100)))
    }

    /// Until that many decisions wait.
    pub async fn waiting(&self, count: usize) {
        let waiting = async {
            while self.writing.queue.len() < count {
                yield_now().await;
            }
        };
        timeout(WITHIN, waiting).await.unwrap();
    }

    /// Until the next sync has begun.
    pub async fn syncing(&mut self) {
        timeout(WITHIN, self.begun.recv()).await.unwrap().unwrap();
    }

    pub fn say(&self, word: io::Result<()>) {
        self.word.send(word).unwrap();
    }

    /// What everybody was told who is not told yet.
    pub async fn answers(&mut self) -> Vec<Told> {
        let mut answers = timeout(WITHIN, mem::take(&mut self.requests).join_all()).await.unwrap();
        answers.sort_unstable();
        answers
    }

    pub async fn first_answer(&mut self) -> Told {
        timeout(WITHIN, self.requests.join_next()).await.unwrap().unwrap().unwrap()
    }

    /// The ids in the book.
    pub fn book(&self) -> Vec<String> {
        ids_of(&self.gateway.book())
    }

    /// The ids on the disk.
    pub fn lines(&self) -> Vec<String> {
        let lines = fs::read_to_string(ledger_path(self.folder.path())).unwrap();
        lines.lines().map(|line| serde_json::from_str::<Entry>(line).unwrap().id).collect()
    }

    pub async fn close(&self) {
        let gateway = self.gateway.clone();
        timeout(WITHIN, spawn_blocking(move || gateway.close())).await.unwrap().unwrap();
    }
}

pub async fn told(
    gateway: &Gateway,
    key: &'static str,
    decide: impl FnOnce(&Book) -> Result<Entry, Refusal> + Send + 'static,
) -> Told {
    let sent = Key(Some(key.to_owned()));
    let answer = timeout(WITHIN, gateway.once(&sent, ids::digest(key.as_bytes()), decide)).await;
    let answer = answer.expect("everybody is answered").into_response();
    (key, answer.status().as_u16(), answer.headers().contains_key("idempotent-replayed"))
}

pub async fn charged(gateway: &Gateway, key: &'static str) -> Told {
    told(gateway, key, move |_| Ok(charge(key, key, 100))).await
}
