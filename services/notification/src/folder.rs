//! A folder of mails, where there is no mail server: a file for each, for people and for tests.
//!
//! A file is whole or not there: it is written under another name, synced, and renamed. The same mail is the same file.
//! Mails that come while others are written go together with one sync of the folder (group commit), and one thread at a
//! time is in it: many would wait for one another in the kernel.

use std::{
    fs::{self, DirBuilder, File},
    io::{self, Write},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use chassis::Retry;
use tokio::{
    sync::{Mutex as Turnstile, oneshot},
    task::spawn_blocking,
};

/// A folder of mails; clones share it.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
    waiting: Arc<Mutex<Vec<Waiting>>>,
    writer: Arc<Turnstile<()>>,
}

/// A mail that waits to be written.
#[derive(Debug)]
struct Waiting {
    name: String,
    content: Vec<u8>,
    written: oneshot::Sender<io::Result<()>>,
}

impl Folder {
    /// The folder at `path`. It is made with the first mail.
    pub fn at(path: &Path) -> Folder {
        Folder { path: path.to_owned(), waiting: Arc::default(), writer: Arc::default() }
    }

    /// Keeps `content` as the file `name`. When this returns it is on the disk.
    pub async fn keep(&self, name: &str, content: Vec<u8>) -> Result<(), Retry> {
        let (written, answer) = oneshot::channel();
        self.waiting().push(Waiting { name: name.to_owned(), content, written });
        let writer = self.writer.clone().lock_owned().await;
        // Whoever wrote before may have taken it along.
        let mails = std::mem::take(&mut *self.waiting());
        if !mails.is_empty() {
            let path = self.path.clone();
            // The turnstile goes along: should this one be given up, the thread writes on, and nobody else beside it.
            let writing = move || {
                write_all(&path, mails);
                drop(writer);
            };
            drop(spawn_blocking(writing));
        }
        let lost = || Err(io::Error::other("it was not tried to its end"));
        answer.await.unwrap_or_else(|_| lost()).map_err(|error| {
            Retry::because(format!("the mail {name} cannot be written to {}: {error}", self.path.display()))
        })
    }

    /// Nothing panics while it is held.
    fn waiting(&self) -> std::sync::MutexGuard<'_, Vec<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes each mail, then makes the names as durable as what is in the files, and tells each who waits.
fn write_all(path: &Path, mails: Vec<Waiting>) {
    let outcomes: Vec<_> = mails.iter().map(|mail| write(path, mail)).collect();
    let names = File::open(path).and_then(|folder| folder.sync_all());
    for (mail, outcome) in mails.into_iter().zip(outcomes) {
        let named = names.as_ref().copied().map_err(|error| io::Error::new(error.kind(), error.to_string()));
        // Whoever does not wait any more asks again.
        drop(mail.written.send(outcome.and(named)));
    }
}

fn write(path: &Path, mail: &Waiting) -> io::Result<()> {
    // What is in it concerns customers: nobody else on the machine reads it.
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    let unfinished = path.join(format!(".{}.unfinished", mail.name));
    let mut file = File::create(&unfinished)?;
    file.write_all(&mail.content)?;
    file.sync_all()?;
    fs::rename(&unfinished, path.join(&mail.name))
}

#[cfg(test)]
mod tests {
    use tokio::task::{JoinSet, yield_now};

    use super::*;

    #[tokio::test]
    async fn mails_that_come_together_are_all_there_and_whole() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::at(&place.path().join("mail"));
        let keep = async |number: usize| {
            folder.keep(&format!("{number}.eml"), vec![b'x'; number]).await.unwrap();
            // It is there when it is said to be.
            fs::read(place.path().join("mail").join(format!("{number}.eml"))).unwrap().len()
        };
        let kept = tokio::join!(keep(1), keep(2), keep(300), keep(4));
        assert_eq!(kept, (1, 2, 300, 4));
        assert_eq!(fs::read_dir(place.path().join("mail")).unwrap().count(), 4);
    }

    #[tokio::test]
    async fn a_mail_that_cannot_be_written_says_so_and_the_others_are_kept() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::at(place.path());
        let keep = async |name: &str| folder.keep(name, vec![b'x']).await;
        // The first is written alone, and the others together.
        let kept = tokio::join!(keep("1.eml"), keep("2.eml"), keep("no/such/folder.eml"), keep("3.eml"));
        assert!(format!("{:?}", kept.2.unwrap_err()).contains("the mail no/such/folder.eml cannot be written"));
        assert!(kept.0.is_ok() && kept.1.is_ok() && kept.3.is_ok());
    }

    #[tokio::test]
    async fn whoever_is_given_up_while_it_writes_for_others_leaves_them_their_mails() {
        let place = tempfile::tempdir().unwrap();
        let mut keeping = JoinSet::new();
        let folder = Folder::at(place.path());
        let mut keep = |name: &'static str| {
            let folder = folder.clone();
            keeping.spawn(async move { folder.keep(name, vec![b'x'; 100_000]).await.map(|()| name) })
        };
        keep("1.eml");
        let second = keep("2.eml");
        keep("3.eml");
        assert_eq!(keeping.join_next().await.unwrap().unwrap().unwrap(), "1.eml");
        // The second takes the third along.
        while !folder.waiting().is_empty() {
            yield_now().await;
        }
        second.abort();
        while let Some(kept) = keeping.join_next().await {
            match kept {
                Ok(kept) => assert!(kept.is_ok(), "{kept:?}"),
                Err(gone) => assert!(gone.is_cancelled()),
            }
        }
        assert_eq!(fs::read(place.path().join("3.eml")).unwrap().len(), 100_000);
    }
}
