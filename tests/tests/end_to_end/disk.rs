//! A disk that loses power: what was not synced is gone, and what was synced is there.
//!
//! The file system (ext4) is on a loop device, which writes to a second loop device, which writes to the image. The
//! second one's cache is what a disk's own cache is: what is written stays there until somebody asks for a flush, and
//! the image has what was flushed. So the image at any one moment is what the platters hold when the power goes at that
//! moment: without what was never written back, and without what was written back and not flushed.
//!
//! Only for a test that is [alone](crate::alone): mounts and devices go with its namespace.

use std::{
    fs::{self, File},
    io::Read,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    process::Command,
};

/// How much a disk holds. Its image has holes where nothing was ever written.
const SIZE: u64 = 512 * 1024 * 1024;

const CHUNK: usize = 1024 * 1024;

/// A disk, mounted.
pub struct Disk {
    folder: PathBuf,
    image: PathBuf,
    /// How many images there were.
    cuts: u64,
}

impl Disk {
    /// A new disk. Its images stand in `folder`, it is mounted at [`Disk::root`], and has the folders of these names.
    pub fn new(folder: &Path, names: &[&str]) -> Disk {
        let disk = Disk { folder: folder.to_owned(), image: folder.join("image-0"), cuts: 0 };
        fs::create_dir_all(disk.root()).unwrap();
        File::create(&disk.image).unwrap().set_len(SIZE).unwrap();
        run("mkfs.ext4", &["-q", "-F", &text(&disk.image)]);
        disk.mount();
        names.iter().for_each(|name| fs::create_dir(disk.root().join(name)).unwrap());
        run("sync", &["--file-system", &text(&disk.root())]);
        disk
    }

    /// Where it is mounted.
    pub fn root(&self) -> PathBuf {
        self.folder.join("mounted")
    }

    /// What the disk holds at this moment, as an image beside it: nothing is synced for that. Those who write to the disk
    /// are stopped; what the kernel may still write back meanwhile is seen by reading twice.
    pub fn freeze(&mut self) -> Frozen {
        self.cuts += 1;
        let copy = self.folder.join(format!("image-{}", self.cuts));
        while !copied_at_one_moment(&self.image, &copy) {}
        Frozen(copy)
    }

    /// The power is back: the disk has what it held when it was frozen. Nobody has anything open on it.
    pub fn thaw(&mut self, Frozen(image): Frozen) {
        run("umount", &[&text(&self.root())]);
        fs::remove_file(&self.image).unwrap();
        self.image = image;
        self.mount();
    }

    fn mount(&self) {
        let cache = run("losetup", &["--show", "--find", &text(&self.image)]);
        run("mount", &["-o", "loop", cache.trim(), &text(&self.root())]);
        // It stays for as long as it is used.
        run("losetup", &["--detach", cache.trim()]);
    }
}

/// What a disk held.
pub struct Frozen(PathBuf);

/// Copies `image`; whether it was the same when it was read once more. Then there was a moment, after the first reading
/// and before the second, at which all of it was so.
fn copied_at_one_moment(image: &Path, copy: &Path) -> bool {
    let target = File::create(copy).unwrap();
    target.set_len(SIZE).unwrap();
    let nothing = vec![0; CHUNK];
    each_chunk(image, |at, chunk| {
        if chunk != nothing {
            target.write_all_at(chunk, at).unwrap();
        }
        true
    });
    let target = File::open(copy).unwrap();
    let mut before = vec![0; CHUNK];
    each_chunk(image, |at, chunk| {
        target.read_exact_at(&mut before, at).unwrap();
        before == chunk
    })
}

/// Shows the chunks of `image` with their places, for as long as `look` says so; whether it always did.
fn each_chunk(image: &Path, mut look: impl FnMut(u64, &[u8]) -> bool) -> bool {
    let mut source = File::open(image).unwrap();
    let mut chunk = vec![0; CHUNK];
    (0..SIZE).step_by(CHUNK).all(|at| {
        source.read_exact(&mut chunk).unwrap();
        look(at, &chunk)
    })
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

/// Runs a program of the system; what it printed.
pub fn run(program: &str, arguments: &[&str]) -> String {
    let ended = Command::new(program).args(arguments).output().unwrap_or_else(|error| panic!("{program}: {error}"));
    let (said, complained) = (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    assert!(ended.status.success(), "{program} {arguments:?}: {complained}");
    said.into_owned()
}
