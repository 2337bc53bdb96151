//! Mail into a folder: whole or not there, and there once.

use std::{
    fs::{self, File},
    path::Path,
};

use chassis::Perform;
use notification::{Kept, Mail, MailOutcome, Mailer, Template, kept};
use quoted_printable::ParseMode;

use crate::{FROM, mail};

/// Sends a mail as a process does that has just started.
async fn send(folder: &Path, mail: Mail) {
    let mailer = Mailer::into_folder(folder, FROM).unwrap();
    assert_eq!(mailer.perform(mail).await, Ok(MailOutcome::Sent));
}

fn keys(folder: &Path) -> Vec<String> {
    kept(folder).unwrap().into_iter().map(|mail| mail.key).collect()
}

#[tokio::test]
async fn each_mail_is_in_the_folder_once_however_often_it_is_performed() {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().join("data/mail");
    assert_eq!(kept(&folder).unwrap(), []);
    send(&folder, mail("o-1")).await;
    let once = kept(&folder).unwrap();
    send(&folder, mail("o-1")).await;
    assert_eq!(kept(&folder).unwrap(), once);
    send(&folder, Mail { template: Template::ShippingDelivered, ..mail("o-1") }).await;
    send(&folder, mail("o-2")).await;
    assert_eq!(keys(&folder), ["o-1.order_completed", "o-1.shipping_delivered", "o-2.order_completed"]);
}

#[tokio::test]
async fn a_letter_is_read_back_as_it_was_written() {
    let folder = tempfile::tempdir().unwrap();
    send(folder.path(), mail("o-1")).await;
    let [Kept { letter, .. }] = &kept(folder.path()).unwrap()[..] else { panic!("there is one mail") };
    let (headers, body) = letter.split_once("\n\n").unwrap();
    assert!(headers.starts_with("From: ") && headers.contains("\nSubject: Your order o-1\n"), "{headers}");
    let text = quoted_printable::decode(body.replace('\n', "\r\n"), ParseMode::Strict).unwrap();
    let text = String::from_utf8(text).unwrap().replace("\r\n", "\n");
    assert_eq!(text.trim_end(), mail("o-1").text.trim_end());
}

#[tokio::test]
async fn what_a_crash_left_half_written_is_written_again() {
    let folder = tempfile::tempdir().unwrap();
    send(folder.path(), mail("o-1")).await;
    send(folder.path(), mail("o-2")).await;
    let all = kept(folder.path()).unwrap();
    let file = File::options().write(true).open(folder.path().join("000001.mbox")).unwrap();
    file.set_len(file.metadata().unwrap().len() - 100).unwrap();
    assert_eq!(kept(folder.path()).unwrap(), all[..1]);
    send(folder.path(), mail("o-2")).await;
    assert_eq!(kept(folder.path()).unwrap(), all);
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_to_is_tried_again() {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().join("mail");
    fs::write(&folder, "a file is in the way").unwrap();
    let mailer = Mailer::into_folder(&folder, FROM).unwrap();
    let why = mailer.perform(mail("o-1")).await.unwrap_err().why;
    assert!(
        why.contains(&format!("the mail o-1.order_completed cannot be written to {}: ", folder.display())),
        "{why}"
    );
    fs::remove_file(&folder).unwrap();
    assert_eq!(mailer.perform(mail("o-1")).await, Ok(MailOutcome::Sent));
    assert_eq!(keys(&folder), ["o-1.order_completed"]);
}
