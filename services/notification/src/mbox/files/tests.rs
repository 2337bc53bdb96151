//! Files that a crash, a failure or somebody else left as they should not be.

use std::{
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::UNIX_EPOCH,
};

use tempfile::TempDir;

use super::*;
use crate::mbox::{
    entry::{tests::entry, whole},
    newest::kept,
};

const FIRST: &str = "000001.mbox";
/// What was cut off from the first file.
const CUT: &str = "000001.cut";

/// Files whose sync fails while the switch is on.
fn failing(folder: &TempDir) -> (Files, Arc<AtomicBool>) {
    let switch = Arc::new(AtomicBool::new(false));
    let fails = Arc::clone(&switch);
    let mut files = Files::at(folder.path());
    files.sync = Box::new(move |_| if fails.load(Relaxed) { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) });
    (files, switch)
}

/// An empty folder with its files, in a process that has just started.
fn folder() -> (TempDir, Files) {
    let folder = tempfile::tempdir().unwrap();
    let files = Files::at(folder.path());
    (folder, files)
}

fn append(files: &mut Files, keys: &[&str]) -> io::Result<()> {
    let entries: Vec<_> = keys.iter().map(|key| entry(key)).collect();
    files.append(entries.iter())
}

/// The folder holds the mails with these keys, and nothing else.
#[track_caller]
fn check(folder: &TempDir, keys: &[&str]) {
    let kept: Vec<_> = kept(folder.path()).unwrap().into_iter().map(|mail| mail.key).collect();
    assert_eq!(kept, keys);
    for file in fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().path()) {
        let bytes = fs::read(&file).unwrap();
        assert!(file.ends_with(CUT) || whole(&bytes).1 == bytes.len(), "{}", String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn a_mail_that_is_there_is_not_written_again() {
    let (folder, mut files) = folder();
    append(&mut files, &["a", "b", "a"]).unwrap();
    append(&mut files, &["b", "c"]).unwrap();
    check(&folder, &["a", "b", "c"]);
    append(&mut Files::at(folder.path()), &["c", "a", "d"]).unwrap();
    check(&folder, &["a", "b", "c", "d"]);
}

#[test]
fn what_a_crash_cut_off_anywhere_is_written_again_once_and_whole_mails_stay() {
    let (folder, mut files) = folder();
    append(&mut files, &["a", "b"]).unwrap();
    let path = folder.path().join(FIRST);
    let before = fs::read(&path).unwrap();
    append(&mut files, &["c", "d"]).unwrap();
    let all = fs::read(&path).unwrap();
    let third = before.len() + entry("c").bytes.len();
    for end in before.len()..all.len() {
        fs::write(&path, &all[..end]).unwrap();
        append(&mut Files::at(folder.path()), &["e", "d", "c", "b", "a"]).unwrap();
        let all_once: &[&str] = if end < third { &["a", "b", "e", "d", "c"] } else { &["a", "b", "c", "e", "d"] };
        check(&folder, all_once);
    }
}

#[test]
fn a_damaged_mail_is_written_again_and_what_was_cut_off_is_kept_aside() {
    let (folder, mut files) = folder();
    append(&mut files, &["a", "b", "c"]).unwrap();
    let path = folder.path().join(FIRST);
    let mut bytes = fs::read(&path).unwrap();
    let second = entry("a").bytes.len();
    bytes[second + 100] ^= 1;
    fs::write(&path, &bytes).unwrap();
    append(&mut Files::at(folder.path()), &["a", "b"]).unwrap();
    check(&folder, &["a", "b"]);
    assert_eq!(fs::read(folder.path().join(CUT)).unwrap(), bytes[second..]);
}

#[test]
fn a_file_that_is_full_is_followed_by_the_next_and_the_mails_of_both_are_known() {
    let (folder, mut files) = folder();
    files.full = 2 * entry("a").bytes.len() as u64;
    for key in ["a", "b", "c", "d", "e", "c", "d", "e"] {
        append(&mut files, &[key]).unwrap();
    }
    check(&folder, &["a", "b", "c", "d", "e"]);
    let lengths =
        [FIRST, "000002.mbox", "000003.mbox"].map(|name| fs::metadata(folder.path().join(name)).unwrap().len());
    assert_eq!(lengths, [files.full, files.full, files.full / 2]);
    let mut files = Files { full: files.full, ..Files::at(folder.path()) };
    append(&mut files, &["c", "d", "e", "f"]).unwrap();
    check(&folder, &["a", "b", "c", "d", "e", "f"]);
}

#[test]
fn a_mail_after_the_folder_or_the_file_was_removed_is_in_the_folder() {
    let (folder, mut files) = folder();
    append(&mut files, &["a", "b"]).unwrap();
    fs::remove_dir_all(folder.path()).unwrap();
    append(&mut files, &["b", "c"]).unwrap();
    check(&folder, &["b", "c"]);
    let path = folder.path().join(FIRST);
    fs::remove_file(&path).unwrap();
    append(&mut files, &["d"]).unwrap();
    check(&folder, &["d"]);
    // Another file of the same length.
    let bytes = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    fs::write(&path, bytes).unwrap();
    append(&mut files, &["e"]).unwrap();
    check(&folder, &["d", "e"]);
}

#[test]
fn mails_whose_sync_failed_are_not_there_and_are_written_when_they_come_again() {
    let folder = tempfile::tempdir().unwrap();
    let (mut files, fails) = failing(&folder);
    append(&mut files, &["a"]).unwrap();
    fails.store(true, Relaxed);
    for _ in 0..2 {
        assert_eq!(append(&mut files, &["b", "c"]).unwrap_err().kind(), io::ErrorKind::StorageFull);
        check(&folder, &["a"]);
    }
    fails.store(false, Relaxed);
    append(&mut files, &["c", "b"]).unwrap();
    check(&folder, &["a", "c", "b"]);
}

#[test]
fn what_is_read_back_is_written_anew_and_synced_before_it_is_said_to_be_there() {
    let (folder, mut files) = folder();
    append(&mut files, &["a"]).unwrap();
    let written = || fs::metadata(folder.path().join(FIRST)).unwrap().modified().unwrap();
    File::options().write(true).open(folder.path().join(FIRST)).unwrap().set_modified(UNIX_EPOCH).unwrap();
    let (mut files, fails) = failing(&folder);
    fails.store(true, Relaxed);
    append(&mut files, &["a"]).unwrap_err();
    assert_ne!(written(), UNIX_EPOCH);
    fails.store(false, Relaxed);
    append(&mut files, &["a"]).unwrap();
    check(&folder, &["a"]);
}

#[test]
fn a_file_that_cannot_be_written_to_is_opened_anew() {
    let (folder, mut files) = folder();
    append(&mut files, &["a"]).unwrap();
    // It cannot be cut back either.
    files.newest.as_mut().unwrap().file = File::open(folder.path().join(FIRST)).unwrap();
    append(&mut files, &["b"]).unwrap_err();
    check(&folder, &["a"]);
    append(&mut files, &["b"]).unwrap();
    check(&folder, &["a", "b"]);
}

#[test]
fn a_file_that_somebody_changed_is_opened_anew() {
    let (folder, mut files) = folder();
    append(&mut files, &["a", "b"]).unwrap();
    let path = folder.path().join(FIRST);
    File::options().write(true).open(&path).unwrap().set_len(entry("a").bytes.len() as u64 + 10).unwrap();
    append(&mut files, &["b"]).unwrap();
    check(&folder, &["a", "b"]);
    File::options().append(true).open(&path).unwrap().write_all(&entry("c").bytes).unwrap();
    append(&mut files, &["c", "d"]).unwrap();
    check(&folder, &["a", "b", "c", "d"]);
}

#[test]
fn nobody_else_reads_the_mails() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("data/mail");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    append(&mut Files::at(&folder), &["a"]).unwrap();
    fs::write(folder.join(FIRST), "torn").unwrap();
    append(&mut Files::at(&folder), &["a"]).unwrap();
    assert_eq!(mode(&folder), 0o700);
    for file in [FIRST, CUT] {
        assert_eq!(mode(&folder.join(file)), 0o600, "{file}");
    }
}
