//! Customers and what they are told: one mail for each thing, and no order waits for it.

use std::{collections::BTreeMap, fs, net::TcpListener};

use notification::{Kept, kept};
use serde_json::{Value, json};

use crate::{
    await_condition::eventually,
    load::Load,
    orders::{DECLINED, FULFILLED, UNSERVICEABLE, order},
    stack::Stack,
};

/// What was said of each mail, by order and template: the kind of the event, with the reason of one that failed.
type Told = BTreeMap<(String, String), Vec<String>>;

/// A stocked stack on which alice, who orders everything, is registered.
async fn with_alice() -> Stack {
    let stack = Stack::stocked().await;
    let alice = json!({"customer_id": "alice", "name": "Alice Archer", "email": "alice@example.com"});
    assert_eq!(stack.get("svc.customer.register", alice.clone()).await, alice);
    stack.await_said("customer.registered", "alice").await;
    stack
}

/// Each event once; without the barriers.
async fn told(stack: &Stack) -> Told {
    let ids: Vec<_> = stack.said().await.into_iter().map(|(id, ..)| id).collect();
    let mut told = Told::new();
    let mut known = Vec::new();
    for fact in stack.log().await {
        if fact.kind.starts_with("notification.") && ids.contains(&fact.id) && !known.contains(&fact.id) {
            let text = |name: &str| fact.body[name].as_str().unwrap_or_default().to_owned();
            assert_eq!(text("channel"), "email");
            let said = format!("{} {}", fact.kind, text("reason")).trim_end().to_owned();
            told.entry((text("order_id"), text("template"))).or_default().push(said);
            known.push(fact.id);
        }
    }
    told
}

fn about(order_id: &str, template: &str, said: &str) -> Told {
    Told::from([((order_id.to_owned(), template.to_owned()), vec![said.to_owned()])])
}

/// The mails in the folder by order and template, each of which is there once.
fn mails(stack: &Stack) -> BTreeMap<String, String> {
    let mut mails = BTreeMap::new();
    for Kept { key, letter } in kept(&stack.folder().join("data/mail")).unwrap() {
        assert_eq!(mails.insert(key.clone(), letter), None, "{key} is there twice");
    }
    mails
}

#[tokio::test]
async fn a_registered_customer_has_a_mail_when_the_order_is_complete() {
    let stack = with_alice().await;
    let order_id = stack.place(order(2)).await;
    stack.await_end(&order_id).await;
    stack.await_said("notification.sent", &order_id).await;
    assert_eq!(told(&stack).await, about(&order_id, "order_completed", "notification.sent"));
    let mails = mails(&stack);
    let mail = &mails[&format!("{order_id}.order_completed")];
    for part in ["To: \"Alice Archer\" <alice@example.com>\n", &order_id, "2 x widget at 19.99 USD", "Total: 39.98 USD"]
    {
        assert!(mail.contains(part), "{part} is missing in {mail}");
    }
    assert_eq!((mails.len(), stack.saga(&order_id).await), (1, FULFILLED.iter().map(|it| (*it).to_owned()).collect()));
    stack.check_all().await;
}

#[tokio::test]
async fn a_customer_whom_nobody_knows_is_not_told_and_the_order_is_fulfilled() {
    let stack = Stack::stocked().await;
    let order_id = stack.place(order(1)).await;
    stack.await_end(&order_id).await;
    stack.await_said("notification.failed", &order_id).await;
    assert_eq!(told(&stack).await, about(&order_id, "order_completed", "notification.failed no_address"));
    assert_eq!((mails(&stack).len(), stack.saga(&order_id).await.len()), (0, FULFILLED.len()));
    stack.check_all().await;
}

#[tokio::test]
async fn mail_waits_for_a_server_that_is_not_there_and_the_order_does_not() {
    let mut stack = with_alice().await;
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = format!("smtp://shop:s3cret@{nobody}");
    assert_eq!(stack.terminate("notification").await, Some(0));
    stack.start_instance_with("notification", "notification", "data", &[("SMTP_URL", &server)]);
    stack.ready("notification").await;

    let order_id = stack.place(order(1)).await;
    stack.await_end(&order_id).await;
    assert_eq!(stack.saga(&order_id).await, FULFILLED);
    let tried = async || stack.own_output("notification").contains("mail failed and is tried again").then_some(());
    eventually("the mail server is missed", tried).await;
    stack.settle().await;
    assert_eq!((told(&stack).await, mails(&stack).len()), (Told::new(), 0));
    assert!(!stack.outputs()["notification"].contains("s3cret"), "the password is in the log");

    // It waits for longer than a process lives.
    stack.kill("notification");
    stack.start_service("notification");
    stack.await_said("notification.sent", &order_id).await;
    assert_eq!(told(&stack).await, about(&order_id, "order_completed", "notification.sent"));
    assert_eq!(mails(&stack).into_keys().collect::<Vec<_>>(), [format!("{order_id}.order_completed")]);
    stack.check_all().await;
}

#[tokio::test]
async fn a_customer_is_told_once_however_often_the_service_dies_and_whatever_it_loses() {
    let mut stack = with_alice().await;
    let load = Load::on(&stack);
    let disturbing = async {
        for ended in [10, 20, 30] {
            stack.await_ends(ended).await;
            stack.kill("notification");
            stack.start_service("notification");
        }
    };
    let placed = load.orders_during(40, disturbing).await;
    stack.check_load(&placed).await;
    let templates = |said: &[&str]| match said {
        FULFILLED => &["order_completed"][..],
        DECLINED => &["order_cancelled", "payment_failed"],
        UNSERVICEABLE => &["order_cancelled"],
        other => panic!("{other:?} was not ordered"),
    };
    let expected: Told = placed
        .iter()
        .flat_map(|(order_id, said)| templates(said).iter().flat_map(|it| about(order_id, it, "notification.sent")))
        .collect();
    let all = async || (told(&stack).await.len() == expected.len()).then_some(());
    eventually("every customer is told", all).await;
    assert_eq!(told(&stack).await, expected);
    let names: Vec<_> = expected.keys().map(|(order_id, template)| format!("{order_id}.{template}")).collect();
    assert_eq!(mails(&stack).into_keys().collect::<Vec<_>>(), names);

    // Whatever would be mailed again is seen.
    assert_eq!(stack.terminate("notification").await, Some(0));
    fs::remove_dir_all(stack.folder().join("data/notification")).unwrap();
    fs::remove_dir_all(stack.folder().join("data/mail")).unwrap();
    stack.start_service("notification");
    stack.ready("notification").await;
    stack.settle().await;
    assert_eq!((told(&stack).await, mails(&stack)), (expected, BTreeMap::new()));
    stack.check_all().await;
}

#[tokio::test]
async fn a_customer_is_known_after_a_kill_and_after_the_store_is_lost() {
    let mut stack = with_alice().await;
    let update = json!({"customer_id": "alice", "email": "alice.bell@example.com"});
    let alice = stack.get("svc.customer.update", update).await;
    stack.kill("customer");
    stack.start_service("customer");
    stack.ready("customer").await;
    let get = json!({"customer_id": "alice"});
    assert_eq!(stack.get("svc.customer.get", get.clone()).await, alice);
    stack.await_said("customer.updated", "alice").await;
    let said = stack.said().await;

    assert_eq!(stack.terminate("customer").await, Some(0));
    fs::remove_dir_all(stack.folder().join("data/customer")).unwrap();
    stack.start_service("customer");
    stack.ready("customer").await;
    assert_eq!(stack.get("svc.customer.get", get).await, alice);
    let refusal = stack.ask("svc.customer.register", with_email(&alice, "other@example.com")).await.unwrap_err();
    assert_eq!(refusal.code, 409, "{}", refusal.message);
    stack.settle().await;
    assert_eq!(stack.said().await, said);
    stack.check_all().await;
}

fn with_email(customer: &Value, email: &str) -> Value {
    let mut customer = customer.clone();
    customer["email"] = json!(email);
    customer
}
