//! Mails in a folder, where there is no mail server: mbox files (RFC 4155) that are appended to, for people, their mail
//! readers, and tests.
//!
//! A mail is whole or not there, and it is there once, however often it is performed. Mails that come while others are
//! written go together, with one sync (group commit), and one thread at a time is in the folder.

mod entry;
mod files;
mod newest;

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chassis::{Retry, ambient};
use tokio::{
    sync::{Mutex as Turnstile, OwnedMutexGuard, oneshot},
    task::spawn_blocking,
};

use self::files::Files;
pub use self::{
    entry::{Entry, Kept},
    newest::kept,
};

/// How far apart two groups are at least: where mails keep coming, each group is an append, a sync, and a commit of those
/// who hear that it is there. A mail that comes alone does not wait.
const APART: Duration = Duration::from_millis(10);

/// A folder of mails; clones share it.
#[derive(Clone)]
pub struct Mbox {
    folder: PathBuf,
    waiting: Arc<Mutex<Vec<Waiting>>>,
    files: Arc<Turnstile<Files>>,
}

/// A mail that waits to be written.
struct Waiting {
    entry: Entry,
    written: oneshot::Sender<Result<(), String>>,
}

impl Mbox {
    /// The folder at `path`. It is made with the first mail.
    pub fn at(path: &Path) -> Mbox {
        Mbox::of(path, Files::at(path))
    }

    fn of(path: &Path, files: Files) -> Mbox {
        Mbox { folder: path.to_owned(), waiting: Arc::default(), files: Arc::new(Turnstile::new(files)) }
    }

    /// Keeps a mail. When this returns it is on the disk; a mail that is there is not written again. Whoever is given up
    /// in the middle may have written it, and leaves the others theirs.
    pub async fn keep(&self, entry: Entry) -> Result<(), Retry> {
        let key = entry.key.clone();
        let (written, mut answer) = oneshot::channel();
        self.waiting().push(Waiting { entry, written });
        let answered = tokio::select! {
            biased;
            // Whoever wrote before took it along; it stands in nobody's way.
            answered = &mut answer => answered,
            files = self.files.clone().lock_owned() => {
                self.write_what_waits(files).await;
                answer.await
            }
        };
        answered.unwrap_or_else(|_| Err("it was not tried to its end".to_owned())).map_err(|error| {
            Retry::because(format!("the mail {key} cannot be written to {}: {error}", self.folder.display()))
        })
    }

    async fn write_what_waits(&self, mut files: OwnedMutexGuard<Files>) {
        if let Some(rest) = files.appended.and_then(|at| APART.checked_sub(at.elapsed())) {
            ambient::pause(rest).await;
        }
        let mails = std::mem::take(&mut *self.waiting());
        if !mails.is_empty() {
            // The turnstile goes along: should this one be given up, the thread writes on, and nobody else beside it.
            drop(spawn_blocking(move || write(&mut files, mails)));
        }
    }

    /// Nothing panics while it is held.
    fn waiting(&self) -> MutexGuard<'_, Vec<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes the mails, and tells each who waits.
fn write(files: &mut Files, mails: Vec<Waiting>) {
    let outcome = files.append(mails.iter().map(|mail| &mail.entry)).map_err(|error: io::Error| error.to_string());
    for mail in mails {
        // Whoever does not wait any more asks again.
        drop(mail.written.send(outcome.clone()));
    }
}

#[cfg(test)]
mod tests {
    use std::{fs::File, sync::mpsc, time::Duration};

    use tempfile::TempDir;
    use tokio::{
        task::{JoinSet, yield_now},
        try_join,
    };

    use super::{entry::tests::entry, *};

    /// How long a sync waits for a word that does not come.
    const WITHIN: Duration = Duration::from_secs(20);

    /// A folder whose every sync waits for a word, and comes out as the word says.
    fn folder() -> (TempDir, Mbox, mpsc::Sender<io::Result<()>>) {
        let place = tempfile::tempdir().unwrap();
        let (word, words) = mpsc::channel();
        let sync = move |_: &File| words.recv_timeout(WITHIN).expect("a sync too many");
        let mut files = Files::at(place.path());
        files.sync = Box::new(sync);
        let mbox = Mbox::of(place.path(), files);
        // The first file is made.
        word.send(Ok(())).unwrap();
        (place, mbox, word)
    }

    fn keys(place: &TempDir) -> Vec<String> {
        kept(place.path()).unwrap().into_iter().map(|mail| mail.key).collect()
    }

    #[tokio::test]
    async fn mails_that_come_together_are_all_there_after_one_sync() {
        let (place, mbox, word) = folder();
        let keep = async |key: &str| mbox.keep(entry(key)).await;
        // The first is written alone, and the others together.
        let words = async {
            word.send(Ok(())).unwrap();
            word.send(Ok(())).unwrap();
            Ok(())
        };
        try_join!(keep("1"), keep("2"), keep("3"), keep("4"), words).unwrap();
        assert_eq!(keys(&place), ["1", "2", "3", "4"]);
    }

    #[tokio::test]
    async fn each_of_the_mails_that_cannot_be_written_is_told_so_and_is_there_once_when_it_is_tried_again() {
        let (place, mbox, word) = folder();
        let keep = async |key: &str| mbox.keep(entry(key)).await;
        let words = async {
            word.send(Ok(())).unwrap();
            word.send(Err(io::ErrorKind::StorageFull.into())).unwrap();
        };
        let (first, second, third, ()) = tokio::join!(keep("1"), keep("2"), keep("3"), words);
        let said =
            |key: &str| format!("the mail {key} cannot be written to {}: no storage space", place.path().display());
        assert_eq!(first, Ok(()));
        assert_eq!((second.unwrap_err().why, third.unwrap_err().why), (said("2"), said("3")));
        assert_eq!(keys(&place), ["1"]);
        word.send(Ok(())).unwrap();
        word.send(Ok(())).unwrap();
        try_join!(keep("3"), keep("2")).unwrap();
        assert_eq!(keys(&place), ["1", "3", "2"]);
    }

    #[tokio::test]
    async fn whoever_is_given_up_while_it_writes_for_others_leaves_them_their_mails() {
        let (place, mbox, word) = folder();
        let mut keeping = JoinSet::new();
        let mut keep = |key: &'static str| {
            let mbox = mbox.clone();
            keeping.spawn(async move { mbox.keep(entry(key)).await.map(|()| key) })
        };
        keep("1");
        let second = keep("2");
        keep("3");
        word.send(Ok(())).unwrap();
        assert_eq!(keeping.join_next().await.unwrap().unwrap().unwrap(), "1");
        // The second takes the third along.
        while !mbox.waiting().is_empty() {
            yield_now().await;
        }
        second.abort();
        assert!(keeping.join_next().await.unwrap().unwrap_err().is_cancelled());
        word.send(Ok(())).unwrap();
        assert_eq!(keeping.join_next().await.unwrap().unwrap().unwrap(), "3");
        assert_eq!(keys(&place), ["1", "2", "3"]);
    }
}
