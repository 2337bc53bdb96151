use std::{fs, path::Path};

use super::{damage::guarded, *};

fn batch(pairs: &[(&str, &str)]) -> Batch {
    pairs.iter().map(|(key, value)| (key.as_bytes().to_vec(), Some(value.as_bytes().to_vec()))).collect()
}

/// A store with one row.
fn made(path: &Path) {
    DiskStore::open(path).unwrap().commit(batch(&[("a/1", "one")])).unwrap();
}

/// The error of an open, which has to be damage.
#[track_caller]
fn damage(path: &Path) -> String {
    let error = DiskStore::open(path).err().expect("a damaged store opens");
    assert!(matches!(error, Error::StoreDamaged { .. }), "{error}");
    error.to_string()
}

#[test]
fn a_row_that_no_commit_wrote_is_damage() {
    let folder = tempfile::tempdir().unwrap();
    made(folder.path());
    let db = sled::open(folder.path()).unwrap();
    db.insert("a/1", "another one").unwrap();
    db.flush().unwrap();
    drop(db);
    assert!(damage(folder.path()).contains("not what was committed"));
}

#[test]
fn commits_that_are_gone_are_damage() {
    let folder = tempfile::tempdir().unwrap();
    made(folder.path());
    drop(DiskStore::open(folder.path()).unwrap());
    fs::remove_file(folder.path().join("db")).unwrap();
    for entry in fs::read_dir(folder.path()).unwrap().map(Result::unwrap) {
        if entry.file_name().to_string_lossy().starts_with("snap.") {
            fs::remove_file(entry.path()).unwrap();
        }
    }
    // All that was committed is in the journal still.
    assert_eq!(DiskStore::open(folder.path()).unwrap().get(b"a/1").unwrap(), Some(b"one".to_vec()));
    fs::remove_file(folder.path().join("journal.0")).unwrap();
    assert!(damage(folder.path()).contains("are gone"));
}

/// A store of three commits of which each file of the journal holds one, and the tree the first, or the first two.
fn with_both_files(path: &Path) -> DiskStore {
    let mut store = DiskStore::open(path).unwrap().carrying_after(1);
    for number in 1..=3 {
        store.commit(batch(&[("a/1", &number.to_string()), (&format!("b/{number}"), "there")])).unwrap();
    }
    store
}

fn all(store: &DiskStore) -> Vec<(String, String)> {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    store.scan(b"").map(|pair| pair.map(|(key, value)| (text(key), text(value))).unwrap()).collect()
}

#[test]
fn rows_read_the_same_while_they_are_carried_and_after_every_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let expected = [("a/1", "3"), ("b/1", "there"), ("b/2", "there"), ("b/3", "there")];
    let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
    assert_eq!(all(&with_both_files(folder.path())), expected);
    for _ in 0..3 {
        assert_eq!(all(&DiskStore::open(folder.path()).unwrap()), expected);
    }
}

#[test]
fn a_row_that_is_removed_is_gone_although_the_tree_still_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = with_both_files(folder.path());
    store.commit([(b"a/1".to_vec(), None), (b"b/2".to_vec(), None)].into()).unwrap();
    for _ in 0..2 {
        assert_eq!(store.get(b"a/1").unwrap(), None);
        assert_eq!(all(&store).len(), 2);
        drop(store);
        store = DiskStore::open(folder.path()).unwrap();
    }
}

#[test]
fn a_journal_that_does_not_follow_the_tree_is_damage() {
    let (short, gap) =
        ("its journal ends before what is in its tree", "commits are missing in the middle of its journal");
    for (whole, begun, journal, last) in [
        (0, 0, vec![], Ok(0)),
        (7, 7, vec![], Ok(7)),
        (7, 7, vec![(8, 9), (10, 10)], Ok(10)),
        (7, 9, vec![(8, 9)], Ok(9)),
        (7, 9, vec![(8, 8)], Err(short)),
        (7, 7, vec![(9, 9)], Err(gap)),
        (7, 9, vec![(8, 8), (10, 10)], Err(gap)),
    ] {
        assert_eq!(last_commit(whole, begun, journal.iter().copied()), last, "{whole} {begun} {journal:?}");
    }
}

#[test]
fn a_file_of_the_journal_is_needed_until_its_rows_are_in_the_tree() {
    for (file, needed) in [("journal.0", true), ("journal.1", false)] {
        let folder = tempfile::tempdir().unwrap();
        let mut store = with_both_files(folder.path());
        store.carrying.take().unwrap().end().unwrap();
        drop(store);
        fs::write(folder.path().join(file), b"").unwrap();
        match needed {
            true => assert!(damage(folder.path()).contains("are gone")),
            false => assert_eq!(all(&DiskStore::open(folder.path()).unwrap()).len(), 4),
        }
    }
}

#[test]
fn what_is_carried_again_after_it_was_cut_off_in_the_middle_is_there_once() {
    let folder = tempfile::tempdir().unwrap();
    let tree_only = |path: &Path| Contents::check(&Tree::open(path).unwrap(), true).unwrap();
    let mut store = DiskStore::open(folder.path()).unwrap();
    let many: Vec<_> = (0..2000).map(|number| (format!("a/{number:04}"), number.to_string())).collect();
    store.commit(many.iter().map(|(key, value)| (key.clone().into(), Some(value.clone().into()))).collect()).unwrap();
    // As far as a crash may have come.
    let (mut contents, mut changes) = store.contents.after(&store.tree, store.recent.iter().take(700)).unwrap();
    contents.begun = 1;
    changes.insert(contents::ROW.to_vec(), Some(contents.to_row()));
    store.tree.write(changes).unwrap();
    drop(store);
    let found = tree_only(folder.path());
    assert_eq!((found.whole, found.begun), (0, 1));
    let mut store = DiskStore::open(folder.path()).unwrap().carrying_after(1);
    assert_eq!(all(&store), many);
    store.commit(batch(&[("b", "last")])).unwrap();
    store.carrying.take().unwrap().end().unwrap();
    drop(store);
    let found = tree_only(folder.path());
    assert_eq!((found.whole, found.begun), (1, 1));
    assert_eq!(all(&DiskStore::open(folder.path()).unwrap()).len(), 2001);
    // Without the journal the tree, which knows that more had come, is refused.
    fs::write(folder.path().join("journal.1"), b"").unwrap();
    assert!(damage(folder.path()).contains("are gone"));
}

#[test]
fn the_sum_is_no_row_of_the_service() {
    let folder = tempfile::tempdir().unwrap();
    made(folder.path());
    let store = DiskStore::open(folder.path()).unwrap();
    let pairs: Vec<_> = store.scan(b"").map(Result::unwrap).collect();
    assert_eq!(pairs, [(b"a/1".to_vec(), b"one".to_vec())]);
}

#[test]
fn a_store_of_a_version_without_a_sum_is_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let db = sled::open(folder.path()).unwrap();
    db.insert("a/1", "one").unwrap();
    db.flush().unwrap();
    drop(db);
    for _ in 0..2 {
        let mut store = DiskStore::open(folder.path()).unwrap();
        assert_eq!(store.get(b"a/1").unwrap(), Some(b"one".to_vec()));
        store.commit(batch(&[("a/2", "two")])).unwrap();
    }
}

#[test]
fn a_damaged_store_is_moved_aside_and_nothing_is_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("payment");
    for number in 1..=3 {
        let mut store = DiskStore::open_or_begin_anew(&path).unwrap();
        assert_eq!(store.scan(b"").count(), 0);
        store.commit(batch(&[("a/1", &number.to_string())])).unwrap();
        drop(store);
        fs::write(path.join("conf"), b"nonsense, and more of it").unwrap();
        drop(DiskStore::open_or_begin_anew(&path).unwrap());
        let aside = folder.path().join(format!("payment.damaged-{number}"));
        assert_eq!(fs::read(aside.join("conf")).unwrap(), b"nonsense, and more of it");
        fs::remove_dir_all(&path).unwrap();
    }
}

#[test]
fn what_is_found_damaged_in_use_is_moved_aside_by_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("payment");
    made(&path);
    let store = DiskStore::open(&path).unwrap();
    let met =
        store.tree.reading(|| Err::<(), _>(sled::Error::ReportableBug("a page is missing".to_owned()))).unwrap_err();
    assert!(matches!(met, Error::StoreDamaged { .. }), "{met}");
    drop(store);
    assert!(damage(&path).contains("a page is missing"));
    assert_eq!(DiskStore::open_or_begin_anew(&path).unwrap().scan(b"").count(), 0);
    assert!(folder.path().join("payment.damaged-1/db").exists());
}

#[test]
fn a_panic_of_sled_is_damage_where_the_disk_takes_files() {
    let folder = tempfile::tempdir().unwrap();
    let panics = || -> Result<(), sled::Error> { panic!("a page is missing") };
    let error = guarded(folder.path(), panics).unwrap_err();
    assert!(matches!(error, Error::StoreDamaged { .. }), "{error}");
    let error = guarded(&folder.path().join("missing"), panics).unwrap_err();
    assert!(matches!(error, Error::StoreFiles { .. }), "{error}");
}

#[test]
fn a_full_disk_and_missing_rights_are_no_damage() {
    let path = Path::new("data/payment");
    for (kind, full) in [
        (std::io::ErrorKind::StorageFull, true),
        (std::io::ErrorKind::QuotaExceeded, true),
        (std::io::ErrorKind::PermissionDenied, false),
        (std::io::ErrorKind::ReadOnlyFilesystem, false),
    ] {
        let error = guarded(path, || Err::<(), _>(sled::Error::Io(kind.into()))).unwrap_err();
        assert_eq!(matches!(error, Error::StoreFull { .. }), full, "{error}");
        assert_eq!(matches!(error, Error::StoreFiles { .. }), !full, "{error}");
    }
    let error = guarded(path, || Err::<(), _>(sled::Error::Unsupported("another version".to_owned()))).unwrap_err();
    assert!(matches!(error, Error::Store { .. }), "{error}");
}

#[test]
fn a_store_that_is_removed_while_it_is_in_use_takes_no_commit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("payment");
    made(&path);
    let mut store = DiskStore::open(&path).unwrap();
    fs::remove_dir_all(&path).unwrap();
    let error = store.commit(batch(&[("a/2", "two")])).unwrap_err();
    assert!(matches!(error, Error::StoreGone { .. }), "{error}");
    // Nor any other one: an error is final.
    let error = store.commit(batch(&[("a/2", "two")])).unwrap_err();
    assert!(matches!(error, Error::Stopped { .. }), "{error}");
}

#[test]
fn a_kill_while_a_store_is_made_leaves_one_that_opens() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("blobs")).unwrap();
    fs::write(folder.path().join("conf"), b"").unwrap();
    made(folder.path());
}
