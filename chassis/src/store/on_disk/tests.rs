use std::{fs, path::Path};

use super::{damage::guarded, print::print, tree::open_patiently, *};

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
        let extent = Extent { whole, begun };
        assert_eq!(last_commit(extent, journal.iter().copied()), last, "{whole} {begun} {journal:?}");
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
    let tree_only = |path: &Path| Contents::open(Tree::open(path).unwrap(), true).unwrap().1;
    let mut store = DiskStore::open(folder.path()).unwrap();
    let many: Vec<_> = (0..2000).map(|number| (format!("a/{number:04}"), number.to_string())).collect();
    store.commit(many.iter().map(|(key, value)| (key.clone().into(), Some(value.clone().into()))).collect()).unwrap();
    // As far as a crash may have come.
    store.contents.carry(store.recent.iter().take(700), Extent { whole: 0, begun: 1 }).unwrap();
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

/// Changes the tree behind the store's back.
fn change(path: &Path, change: impl FnOnce(&sled::Db)) {
    let db = open_patiently(&sled::Config::new().path(path)).unwrap();
    change(&db);
    db.flush().unwrap();
}

/// A closed store whose tree holds so many rows, `a/00000` and on, in many parts.
fn with_rows(path: &Path, rows: u32) {
    let mut store = DiskStore::open(path).unwrap().carrying_after(1);
    let rows = (0..rows).map(|number| (format!("a/{number:05}").into_bytes(), Some(number.to_string().into_bytes())));
    store.commit(rows.collect()).unwrap();
    store.commit(batch(&[("b", "last")])).unwrap();
    store.carrying.take().unwrap().end().unwrap();
}

#[test]
fn what_is_wrong_in_a_large_store_is_never_read_and_all_else_is() {
    type Change = fn(&sled::Db);
    let changes: [(&str, Change); 4] = [
        ("another value", |db| drop(db.insert("a/02000", "another one").unwrap())),
        ("one less", |db| drop(db.remove("a/02000").unwrap())),
        ("one more", |db| drop(db.insert("a/02000a", "one more").unwrap())),
        ("a whole part less", |db| (1900..2300).for_each(|it| drop(db.remove(format!("a/{it:05}")).unwrap()))),
    ];
    for (what, how) in changes {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("payment");
        with_rows(&path, 5000);
        change(&path, how);
        let mut store = DiskStore::open_comparing_later(&path).unwrap().carrying_after(50);
        for key in ["a/00000", "a/01500", "a/04999"] {
            let number = key[2..].parse::<u32>().unwrap().to_string();
            assert_eq!(store.get(key.as_bytes()).unwrap(), Some(number.into_bytes()), "{what}");
        }
        assert_eq!(store.get(b"a/01500a").unwrap(), None, "{what}");
        assert_eq!(store.scan(b"b").count(), 1, "{what}");
        // It is a small one for all that: what is damaged need not be met.
        assert!(!path.join("damaged").exists(), "{what}");
        let is_damage = |error: Error| assert!(matches!(error, Error::StoreDamaged { .. }), "{what}: {error}");
        is_damage(store.get(b"a/02000").unwrap_err());
        is_damage(store.get(b"a/02000a").unwrap_err());
        let read: Vec<_> = store.scan(b"a/").map_while(Result::ok).collect();
        assert!(read.len() > 1500 && read.len() <= 2000, "{what}: {} rows before what is wrong", read.len());
        is_damage(store.scan_from(b"a/", b"a/01999").find_map(Result::err).unwrap());
        // Nor is it written over.
        for number in 0..2 {
            store.commit(batch(&[("a/02000", &number.to_string())])).unwrap();
        }
        is_damage(store.carrying.take().unwrap().end().unwrap_err());
        drop(store);
        assert!(damage(&path).contains("not what was committed"), "{what}");
        assert_eq!(DiskStore::open_or_begin_anew(&path).unwrap().scan(b"").count(), 0, "{what}");
        assert!(folder.path().join("payment.damaged-1/db").exists(), "{what}");
    }
}

#[test]
fn a_part_that_is_not_what_was_carried_with_its_sum_is_damage_at_once() {
    let folder = tempfile::tempdir().unwrap();
    with_rows(folder.path(), 5000);
    let mut rows = Vec::new();
    change(folder.path(), |db| {
        rows = db.scan_prefix(parts::PAGES).map(Result::unwrap).collect();
        db.remove(&rows[0].0).unwrap();
    });
    assert!(DiskStore::open_comparing_later(folder.path()).is_err());
    fs::remove_file(folder.path().join("damaged")).unwrap_or_default();
    change(folder.path(), |db| drop(db.insert(&rows[0].0, &rows[0].1).unwrap()));
    assert_eq!(DiskStore::open_comparing_later(folder.path()).unwrap().scan(b"").count(), 5001);
}

#[test]
fn a_store_is_the_same_however_its_rows_come_and_go_and_whenever_they_are_compared() {
    let (folder, mut rng) = (tempfile::tempdir().unwrap(), fastrand::Rng::with_seed(0x7061_7274));
    let mut expected = std::collections::BTreeMap::new();
    for round in 0..12 {
        let open = if round % 2 == 0 { DiskStore::open_comparing_later } else { DiskStore::open };
        let mut store = open(folder.path()).unwrap().carrying_after(40_000);
        for _ in 0..40 {
            // Many are added first, and most of them go.
            let (from, removes) = (rng.u32(..20_000), rng.u32(..12) < round);
            let step = rng.u32(1..40);
            let keys = (0..300).map(|number| format!("k/{:05}", from + number * step).into_bytes());
            let value = (!removes).then(|| rng.u64(..).to_string().into_bytes());
            let writes: Batch = keys.map(|key| (key, value.clone())).collect();
            for (key, value) in writes.clone() {
                match value {
                    Some(value) => drop(expected.insert(key, value)),
                    None => drop(expected.remove(&key)),
                }
            }
            store.commit(writes).unwrap();
            let key = format!("k/{:05}", rng.u32(..20_000)).into_bytes();
            assert_eq!(store.get(&key).unwrap().as_ref(), expected.get(&key));
            let found: Vec<_> = store.scan_from(b"k/", &key).take(20).map(Result::unwrap).collect();
            let there = expected.range(key..).take(20).map(|(key, value)| (key.clone(), value.clone()));
            assert_eq!(found, there.collect::<Vec<_>>());
        }
        assert!(store.scan(b"").map(Result::unwrap).eq(expected.clone()), "in round {round}");
    }
}

/// The row of a version with one sum over all rows.
fn with_one_sum(path: &Path, rows: u32, off_by: u128) {
    let db = sled::open(path).unwrap();
    let rows = (0..rows).map(|number| (format!("a/{number:05}"), number.to_string()));
    let mut sum = off_by;
    for (key, value) in rows {
        sum = sum.wrapping_add(print(key.as_bytes(), value.as_bytes()));
        db.insert(key, value.as_bytes()).unwrap();
    }
    let row = [sum.to_be_bytes().as_slice(), &7_u64.to_be_bytes(), &7_u64.to_be_bytes()].concat();
    db.insert(b"\0contents", row).unwrap();
    db.flush().unwrap();
    fs::write(path.join("commits"), "7").unwrap();
}

#[test]
fn a_store_of_a_version_with_one_sum_is_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    with_one_sum(folder.path(), 3000, 0);
    for added in 0..2 {
        let mut store = DiskStore::open_comparing_later(folder.path()).unwrap();
        assert_eq!(store.get(b"a/02999").unwrap(), Some(b"2999".to_vec()));
        assert_eq!((store.scan(b"").count(), store.commits), (3000 + added, 7 + added as u64));
        store.commit(batch(&[(&format!("b/{added}"), "one more")])).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    with_one_sum(folder.path(), 3000, 1);
    assert!(damage(folder.path()).contains("not what was committed"));
}

/// The first byte of the row about the tree.
fn form(path: &Path) -> u8 {
    sled::open(path).unwrap().get(b"\0contents").unwrap().unwrap()[0]
}

#[test]
fn values_are_packed_in_a_new_tree_and_stay_as_they_are_in_one_of_an_older_version() {
    let mut rng = fastrand::Rng::with_seed(1);
    let noise: String = std::iter::repeat_with(|| rng.alphanumeric()).take(1000).collect();
    let values = ["", "\0", "\u{1}\0\u{4}", &noise, &"an order's row ".repeat(400)];
    let bytes_of = |path: &Path| sled::open(path).unwrap().get("v/4").unwrap().unwrap().len();
    for (older, expected) in [(true, 2), (false, 3)] {
        let folder = tempfile::tempdir().unwrap();
        if older {
            with_one_sum(folder.path(), 10, 0);
        }
        let mut store = DiskStore::open(folder.path()).unwrap().carrying_after(1);
        for (number, value) in values.iter().enumerate() {
            store.commit(batch(&[(&format!("v/{number}"), value)])).unwrap();
        }
        store.commit(batch(&[("w", "carries the rest")])).unwrap();
        store.commit(batch(&[("w", "again")])).unwrap();
        store.carrying.take().map(Carrying::end).transpose().unwrap();
        drop(store);
        assert_eq!(form(folder.path()), expected);
        let packed = bytes_of(folder.path());
        assert_eq!(packed < 200, !older, "{packed} bytes in the tree");
        let store = DiskStore::open(folder.path()).unwrap();
        for (number, value) in values.iter().enumerate() {
            assert_eq!(store.get(format!("v/{number}").as_bytes()).unwrap().as_deref(), Some(value.as_bytes()));
        }
        let scanned = all(&store).into_iter().filter(|(key, _)| key.starts_with("v/"));
        assert!(scanned.map(|(_, value)| value).eq(values));
    }
}

#[test]
fn a_store_of_a_newer_version_is_no_damage() {
    let folder = tempfile::tempdir().unwrap();
    made(folder.path());
    let db = sled::open(folder.path()).unwrap();
    let mut row = db.get(b"\0contents").unwrap().unwrap().to_vec();
    row[0] = 4;
    db.insert(b"\0contents", row).unwrap();
    db.flush().unwrap();
    drop(db);
    let error = DiskStore::open_or_begin_anew(folder.path()).err().expect("it opens");
    assert!(matches!(error, Error::StoreNewer { form: 4, .. }), "{error}");
    assert_eq!(form(folder.path()), 4, "nothing of it is changed");
}

#[test]
fn a_tree_whose_own_row_is_gone_is_damage_and_not_one_of_an_older_version() {
    let folder = tempfile::tempdir().unwrap();
    made(folder.path());
    let db = sled::open(folder.path()).unwrap();
    db.remove(b"\0contents").unwrap();
    db.flush().unwrap();
    drop(db);
    fs::remove_file(folder.path().join("commits")).unwrap();
    assert!(damage(folder.path()).contains("is gone"));
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

/// What is carried is a lot, and a snapshot of sled's says up to where its log need not be read again.
#[test]
fn a_tree_that_grew_is_opened_anew_for_the_next_start_to_be_fast() {
    let snapshot = |path: &Path| {
        let names = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with("snap.")).max()
    };
    let value = "x".repeat(1000);
    let commit = |store: &mut DiskStore, number: usize| {
        store.commit(batch(&[(&format!("a/{:03}", number % 200), &value), ("b", &number.to_string())])).unwrap();
    };
    let moments: [fn(&DiskStore) -> bool; 2] = [DiskStore::would_tidy, DiskStore::has_to_tidy];
    for is_due in moments {
        let folder = tempfile::tempdir().unwrap();
        let mut store = DiskStore::open(folder.path()).unwrap().carrying_after(10_000);
        let (mut commits, before) = (0, snapshot(folder.path()));
        let mut opened_anew = |store: &mut DiskStore| {
            commits += 1;
            commit(store, commits);
            if is_due(store) {
                store.tidy().unwrap();
                assert!(!store.would_tidy() && !store.has_to_tidy());
            }
            assert!(commits < 10_000, "nothing opens it anew");
            snapshot(folder.path()) != before
        };
        while !opened_anew(&mut store) {}
        assert_eq!(store.get(b"b").unwrap(), Some(commits.to_string().into_bytes()));
        for _ in 0..100 {
            commits += 1;
            commit(&mut store, commits);
        }
        let left = all(&store);
        drop(store);
        assert_eq!(all(&DiskStore::open(folder.path()).unwrap()), left);
        assert_eq!((left.len(), &left[left.len() - 1].1), (commits.min(200) + 1, &commits.to_string()));
    }
}
