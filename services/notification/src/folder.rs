//! A folder of mails, where there is no mail server: a file for each, for people and for tests.
//!
//! A file is whole or not there: it is written under another name, synced, and renamed. The same mail is the same file.

use std::{
    io,
    path::{Path, PathBuf},
};

use chassis::Retry;
use tokio::{
    fs::{self, DirBuilder, File},
    io::AsyncWriteExt,
};

/// A folder of mails.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// The folder at `path`. It is made with the first mail.
    pub fn at(path: &Path) -> Folder {
        Folder { path: path.to_owned() }
    }

    /// Keeps `content` as the file `name`. When this returns it is on the disk.
    pub async fn keep(&self, name: &str, content: &[u8]) -> Result<(), Retry> {
        let failed = |error: io::Error| {
            Retry::because(format!("the mail {name} cannot be written to {}: {error}", self.path.display()))
        };
        self.write(name, content).await.map_err(failed)
    }

    async fn write(&self, name: &str, content: &[u8]) -> io::Result<()> {
        // What is in it concerns customers: nobody else on the machine reads it.
        DirBuilder::new().recursive(true).mode(0o700).create(&self.path).await?;
        let unfinished = self.path.join(format!(".{name}.unfinished"));
        let mut file = File::create(&unfinished).await?;
        file.write_all(content).await?;
        file.sync_all().await?;
        fs::rename(&unfinished, self.path.join(name)).await?;
        // The name of the file is as durable as what is in it.
        File::open(&self.path).await?.sync_all().await
    }
}
