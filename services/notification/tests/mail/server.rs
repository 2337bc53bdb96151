//! Mail through a server: what it takes arrives whole, what it refuses for good is an outcome, the rest is tried again.

use chassis::{Perform, Retry};
use notification::{MailOutcome, Mailer};
use tokio::net::TcpListener;

use crate::{
    FROM, mail,
    sink::{Refusal, Sink},
};

async fn sent_to(url: &str) -> Result<MailOutcome, Retry> {
    Mailer::through_server(url, FROM).unwrap().perform(mail("o-1")).await
}

/// What comes of a mail that the server answers so.
async fn answered(refusal: Refusal) -> Result<MailOutcome, Retry> {
    let sink = Sink::start(refusal).await;
    let outcome = sent_to(&sink.url).await;
    assert_eq!(sink.taken(), [], "{refusal:?}");
    outcome
}

#[tokio::test]
async fn a_mail_arrives_whole() {
    let sink = Sink::start(None).await;
    assert_eq!(sent_to(&sink.url).await, Ok(MailOutcome::Sent));
    let [taken] = &sink.taken()[..] else { panic!("one mail, not {:?}", sink.taken()) };
    assert_eq!((taken.from.as_str(), &taken.to[..]), ("orders@shop.example", &["zoe@example.com".to_owned()][..]));
    let (headers, body) = taken.letter.split_once("\r\n\r\n").unwrap();
    for header in ["Subject: Your order o-1", "Content-Transfer-Encoding: quoted-printable"] {
        assert!(headers.lines().any(|line| line == header), "{header} is missing in {headers}");
    }
    let text = quoted_printable::decode(body, quoted_printable::ParseMode::Strict).unwrap();
    let text = String::from_utf8(text).unwrap().replace("\r\n", "\n");
    assert_eq!(text.trim_end(), mail("o-1").text.trim_end());
}

#[tokio::test]
async fn the_same_mail_again_has_the_same_message_id() {
    let sink = Sink::start(None).await;
    for _ in 0..2 {
        assert_eq!(sent_to(&sink.url).await, Ok(MailOutcome::Sent));
    }
    let [first, second] = &sink.taken()[..] else { panic!("two mails, not {:?}", sink.taken()) };
    assert_eq!(first, second);
    assert!(first.letter.contains("Message-ID: <o-1.order_completed@shop.example>\r\n"), "{}", first.letter);
}

#[tokio::test]
async fn a_recipient_or_a_letter_that_is_refused_for_good_is_an_outcome() {
    for (command, answer, reason) in [
        ("RCPT", "550 5.1.1 no such user", "550 5.1.1 no such user"),
        ("RCPT", "550-5.1.1 no such user\r\n550 5.1.1 ask somebody else", "550 5.1.1 no such user"),
        ("DATA", "554 5.5.1 no valid recipients", "554 5.5.1 no valid recipients"),
        (".", "554 5.7.1 this looks like spam", "554 5.7.1 this looks like spam"),
    ] {
        match answered(Some((command, answer))).await {
            Ok(MailOutcome::Refused { reason: said }) => assert!(said.starts_with(reason), "{command}: {said}"),
            outcome => panic!("{command} {answer} gave {outcome:?}"),
        }
    }
}

#[tokio::test]
async fn what_may_be_otherwise_later_is_tried_again() {
    for (command, answer) in [
        ("", "554 5.3.2 no service here"),
        ("EHLO", "550 5.7.1 I do not know you"),
        ("MAIL", "550 5.1.8 I do not know this sender"),
        ("RCPT", "450 4.2.0 greylisted, come back"),
        ("RCPT", "421 4.3.2 closing"),
        ("DATA", "451 4.3.0 not now"),
        (".", "452 4.3.1 the disk is full"),
    ] {
        let Retry { why } = answered(Some((command, answer))).await.unwrap_err();
        assert!(why.contains(answer), "{command}: {why}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_tried_again() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let Retry { why } = sent_to(&format!("smtp://{nobody}")).await.unwrap_err();
    assert!(why.contains("cannot be reached") && why.contains("refused"), "{why}");
}

#[tokio::test]
async fn a_wrong_password_is_tried_again_and_never_told() {
    for refusal in [None, Some(("AUTH", "535 5.7.8 wrong password"))] {
        let sink = Sink::start(refusal).await;
        let outcome = sent_to(&sink.url.replace("smtp://", "smtp://me:s3cret@")).await;
        assert_eq!((outcome.is_ok(), sink.taken().len()), (refusal.is_none(), usize::from(refusal.is_none())));
        if let Err(Retry { why }) = outcome {
            assert!(why.contains("535 5.7.8 wrong password") && !why.contains("s3cret"), "{why}");
        }
    }
}

#[tokio::test]
async fn a_server_that_must_speak_tls_and_does_not_gets_nothing() {
    let sink = Sink::start(None).await;
    let Retry { why } = sent_to(&format!("{}?tls=required", sink.url)).await.unwrap_err();
    assert!(why.contains("STARTTLS"), "{why}");
    assert_eq!(sink.taken(), []);
}
