//! Mail into a folder: a file for each, whole or not there.

use std::{collections::BTreeMap, fs, path::Path};

use chassis::Perform;
use notification::{Mail, MailOutcome, Mailer, Template};

use crate::{FROM, mail};

/// The files of the folder, by name.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let file = |entry: std::io::Result<fs::DirEntry>| {
        let entry = entry.unwrap();
        (entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap())
    };
    fs::read_dir(folder).unwrap().map(file).collect()
}

async fn send(folder: &Path, mail: Mail) {
    let mailer = Mailer::into_folder(folder, FROM).unwrap();
    assert_eq!(mailer.perform(mail).await, Ok(MailOutcome::Sent));
}

#[tokio::test]
async fn each_mail_is_a_file_and_the_same_mail_is_the_same_file() {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().join("data/mail");
    send(&folder, mail("o-1")).await;
    let once = files(&folder);
    send(&folder, mail("o-1")).await;
    assert_eq!(files(&folder), once);
    send(&folder, Mail { template: Template::ShippingDelivered, ..mail("o-1") }).await;
    send(&folder, mail("o-2")).await;
    let names = ["o-1.order_completed.eml", "o-1.shipping_delivered.eml", "o-2.order_completed.eml"];
    assert_eq!(files(&folder).into_keys().collect::<Vec<_>>(), names);
}

#[tokio::test]
async fn what_a_crash_left_half_written_is_written_again() {
    let folder = tempfile::tempdir().unwrap();
    let left = folder.path().join(".o-1.order_completed.eml.unfinished");
    fs::write(&left, "x".repeat(100_000)).unwrap();
    send(folder.path(), mail("o-1")).await;
    assert!(!left.exists());
    let files = files(folder.path());
    let letter = &files["o-1.order_completed.eml"];
    assert!(letter.starts_with("From: ") && !letter.contains("xxx"), "{letter}");
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_to_is_tried_again() {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().join("mail");
    fs::write(&folder, "a file is in the way").unwrap();
    let mailer = Mailer::into_folder(&folder, FROM).unwrap();
    let why = mailer.perform(mail("o-1")).await.unwrap_err().why;
    assert!(why.contains("o-1.order_completed.eml cannot be written to"), "{why}");
}
