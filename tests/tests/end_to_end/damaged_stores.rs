//! Stores that cannot be used: each is moved aside with a loud message, and the service learns again from the stream what it
//! knew. Nobody is charged or written to a second time.

use std::{
    fs::{self, File},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use notification::{Kept, kept};
use serde_json::json;
use tests::proof::{Proof, times};

use crate::{
    load::Load,
    stack::{SERVICES, Stack},
};

/// At least.
const ORDERS: usize = 40;

/// What happens to a file of some length.
type Damage = fn(&File, u64);

/// What can happen to a store's files.
const DAMAGE: [(&str, Damage); 4] = [
    ("cut off in the middle", |db, length| db.set_len(length / 2).unwrap()),
    ("emptied", |db, _| db.set_len(0).unwrap()),
    ("with flipped bits", |db, length| (0..length).step_by(509).for_each(|at| flip(db, at))),
    ("with zeros at its end", |db, length| db.write_all_at(&vec![0; length as usize / 2], length / 2).unwrap()),
];

fn flip(db: &File, at: u64) {
    let mut byte = [0];
    db.read_exact_at(&mut byte, at).unwrap();
    db.write_all_at(&[byte[0] ^ 0x10], at).unwrap();
}

impl Stack {
    /// How many mails there are. They are taken away: a mail that is there would not be written again.
    fn take_mails(&self) -> usize {
        let folder = self.folder().join("data/mail");
        let mails = kept(&folder).unwrap();
        fs::remove_dir_all(folder).unwrap();
        mails.len()
    }

    fn mails(&self) -> Vec<Kept> {
        kept(&self.folder().join("data/mail")).unwrap()
    }

    fn store(&self, service: &str) -> PathBuf {
        self.folder().join("data").join(service)
    }
}

/// Damages all files that hold rows, up to where something is written in them: which of them holds what depends on how much
/// was carried.
fn damage(store: &Path, damage: Damage) {
    for name in ["db", "journal.0", "journal.1"] {
        let path = store.join(name);
        let written = fs::read(&path).unwrap().iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        damage(&File::options().read(true).write(true).open(path).unwrap(), written as u64);
    }
}

#[tokio::test]
async fn a_damaged_store_is_moved_aside_and_learned_again_without_a_second_charge_or_mail() {
    let mut stack = Stack::stocked().await;
    let alice = json!({"customer_id": "alice", "name": "Alice", "email": "alice@example.com"});
    stack.get("svc.customer.register", alice).await;
    let placed = Load::on(&stack).orders(ORDERS).await;
    stack.check_load(&placed).await;
    stack.settle().await;
    let (before, mails) = (stack.state().await, stack.take_mails());
    assert!(mails >= ORDERS, "{mails} mails");
    let mut tried = 0;
    for round in 0..times(1, DAMAGE.len() as u64) as usize {
        for (at, service) in SERVICES.into_iter().enumerate() {
            let (what, change) = DAMAGE[(at + round) % DAMAGE.len()];
            stack.kill(service);
            damage(&stack.store(service), change);
            stack.start_service(service);
            stack.ready(service).await;
            let said = stack.own_output(service);
            assert!(said.contains("ERROR") && said.contains("is damaged: "), "{service}, {what}:\n{said}");
            assert!(said.contains("learns from the stream what it knew"), "{service}, {what}:\n{said}");
            let aside = stack.store(&format!("{service}.damaged-{}", round + 1));
            assert!(aside.join("db").exists(), "{} is not there", aside.display());
            stack.settle().await;
            stack.check_unchanged(&before, &format!("the store of {service} was found {what}")).await;
            assert_eq!(stack.mails(), [], "after the store of {service} was found {what}");
            tried += 1;
        }
    }
    stack.check_all().await;
    Proof {
        part: "stores".to_owned(),
        fault: "a service starts with a damaged store".to_owned(),
        tried,
        acknowledged: placed.len() as u64,
        repeat: "just prove stores".to_owned(),
        ..Proof::default()
    }
    .record();
}

#[tokio::test]
async fn a_store_that_is_removed_under_a_running_service_ends_it_and_is_learned_again() {
    let mut stack = Stack::stocked().await;
    let load = Load::on(&stack);
    // What the order service answers and has not said stands nowhere else: its store is not removed under load.
    let services = ["payment", "shipping", "inventory"];
    let removing = async {
        for service in services {
            stack.await_more_ends(5).await;
            fs::remove_dir_all(stack.store(service)).unwrap();
            assert_eq!(stack.process(service).end().await, Some(1), "{service}");
            let said = stack.own_output(service);
            assert!(said.contains("was removed or replaced while it was in use"), "{service}:\n{said}");
            stack.start_service(service);
            stack.ready(service).await;
        }
    };
    let placed = load.orders_during(ORDERS, removing).await;
    stack.check_load(&placed).await;
    Proof {
        part: "stores".to_owned(),
        fault: "a store is removed under a running service".to_owned(),
        tried: services.len() as u64,
        acknowledged: placed.len() as u64,
        repeat: "just prove stores".to_owned(),
        ..Proof::default()
    }
    .record();
}
