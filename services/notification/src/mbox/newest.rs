//! The newest file of a folder, as it is found: `000001.mbox` and so on.
//!
//! Invariant: what an open file holds is whole mails, all of them on the disk, and their keys are known.

use std::{
    collections::HashSet,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use super::entry::{Found, Kept, whole};

/// The file that is appended to.
pub struct Newest {
    pub file: File,
    /// Up to where it holds whole mails.
    pub end: u64,
    pub keys: HashSet<String>,
    /// What the file before it holds.
    older: HashSet<String>,
    number: u64,
    path: PathBuf,
    /// Its device and its number there.
    which: (u64, u64),
}

impl Newest {
    /// Opens the newest file in `folder`, or makes both. It knows what is there now: a mail that somebody removed is
    /// written again, should it be performed again.
    pub fn open(folder: &Path, sync: impl Fn(&File) -> io::Result<()>) -> io::Result<Newest> {
        // What is in it concerns customers: nobody else on the machine reads it.
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let numbers = numbers(folder)?;
        let older = match numbers[..] {
            [.., older, _] => keys(&whole(&fs::read(path(folder, older))?).0),
            _ => HashSet::new(),
        };
        Newest::numbered(folder, numbers.last().copied().unwrap_or(1), older, sync)
    }

    /// Makes the file that follows.
    pub fn next(self, folder: &Path, sync: impl Fn(&File) -> io::Result<()>) -> io::Result<Newest> {
        Newest::numbered(folder, self.number + 1, self.keys, sync)
    }

    /// Opens a file, or makes it. What follows its whole mails is put aside: it is what a crash left, or somebody else's
    /// work, such as a mail reader's that noted which mails were read.
    fn numbered(
        folder: &Path,
        number: u64,
        older: HashSet<String>,
        sync: impl Fn(&File) -> io::Result<()>,
    ) -> io::Result<Newest> {
        let path = path(folder, number);
        let mut file = private().read(true).write(true).open(&path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let (mails, end) = whole(&bytes);
        let (stays, torn) = bytes.split_at(end);
        if !torn.is_empty() {
            put_aside(folder, &path.with_extension("cut"), torn)?;
            file.set_len(end as u64)?;
        }
        // A sync that failed leaves in the kernel's memory what it did not write, as if it were written: all is written
        // anew, so that the sync that follows is one.
        file.write_all_at(stays, 0)?;
        sync(&file)?;
        sync_names(folder)?;
        let metadata = file.metadata()?;
        let which = (metadata.dev(), metadata.ino());
        Ok(Newest { file, end: end as u64, keys: keys(&mails), older, number, path, which })
    }

    /// Whether the file is still the one at its path, and as long as it was left.
    pub fn stands(&self) -> bool {
        fs::metadata(&self.path).is_ok_and(|it| ((it.dev(), it.ino()), it.len()) == (self.which, self.end))
    }

    /// Whether a mail is in this file or in the one before it.
    pub fn holds(&self, key: &str) -> bool {
        self.keys.contains(key) || self.older.contains(key)
    }
}

/// All mails in `folder`, in the order in which they were written, each as often as it is there. A folder that is not there
/// holds none; in each file what follows the whole mails is passed over.
pub fn kept(folder: &Path) -> io::Result<Vec<Kept>> {
    let mut kept = Vec::new();
    if folder.exists() {
        for number in numbers(folder)? {
            kept.extend(whole(&fs::read(path(folder, number))?).0.iter().map(Found::kept));
        }
    }
    Ok(kept)
}

fn put_aside(folder: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = private().append(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    sync_names(folder)
}

/// Makes the names in `folder` durable, and its own.
fn sync_names(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()?;
    File::open(folder.join(".."))?.sync_all()
}

fn path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:06}.mbox"))
}

/// The numbers of the files in `folder`, ascending.
fn numbers(folder: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for file in fs::read_dir(folder)? {
        let name = file?.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(".mbox")?.parse().ok());
        // Nothing else that lies there is ours.
        numbers.extend(number.filter(|number| path(folder, *number).ends_with(&name)));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

fn keys(mails: &[Found<'_>]) -> HashSet<String> {
    mails.iter().map(|mail| mail.key.to_owned()).collect()
}

fn private() -> OpenOptions {
    let mut options = File::options();
    options.create(true).mode(0o600);
    options
}
