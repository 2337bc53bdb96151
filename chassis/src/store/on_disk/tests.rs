use std::{fs, path::Path};

use super::*;

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
    let met = store.reading(|| Err::<(), _>(sled::Error::ReportableBug("a page is missing".to_owned()))).unwrap_err();
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
}

#[test]
fn a_kill_while_a_store_is_made_leaves_one_that_opens() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("blobs")).unwrap();
    fs::write(folder.path().join("conf"), b"").unwrap();
    made(folder.path());
}
