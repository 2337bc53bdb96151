//! Whole sagas as timelines that a non-programmer can read.

use chassis::{Message, Stored};
use murmur::timeline::{entries, render};
use tests::{
    invariants::violations,
    world::{Step, World},
};

#[track_caller]
fn check(name: &str, world: &World) {
    insta::with_settings!({ prepend_module_to_snapshot => false, snapshot_path => "../../snapshots" }, {
        insta::assert_snapshot!(format!("saga__{name}"), timeline(world));
    });
}

fn timeline(world: &World) -> String {
    assert_eq!(violations(&world.log(), true), Vec::<String>::new());
    let stored = |(at, message): (usize, &Message)| Stored {
        sequence: at as u64 + 1,
        subject: message.subject.clone(),
        headers: message.headers.clone(),
        body: message.body.clone().into_bytes(),
    };
    let events: Vec<_> = world.stream().iter().enumerate().map(stored).collect();
    render(&entries(&events))
}

fn stocked(quantity: u32) -> World {
    let mut world = World::default();
    let body = format!(r#"{{"sku":"widget","unit_price":1999,"quantity":{quantity}}}"#);
    world.command("inventory", "stock", &body).unwrap();
    let alice = r#"{"customer_id":"alice","name":"Alice","email":"alice@example.com"}"#;
    world.command("customer", "register", alice).unwrap();
    world.settle();
    world
}

fn typed(world: &mut World, extra: &str) {
    let items = r#"[{"sku":"widget","quantity":2,"unit_price":1999}]"#;
    let body = format!(r#"{{"order_id":"o-1","customer_id":"alice","items":{items}{extra}}}"#);
    world.type_by_hand("order.created", &body);
    world.settle();
}

#[test]
fn an_order_is_fulfilled() {
    let mut world = stocked(10);
    typed(&mut world, "");
    check("fulfilled", &world);
    assert_eq!(world.ledger().charges, [("o-1".to_owned(), 3998)]);
}

#[test]
fn a_declined_payment_is_undone() {
    let mut world = stocked(10);
    typed(&mut world, r#","payment_method":"pm_card_declined""#);
    check("payment_declined", &world);
    assert!(world.ledger().charges.is_empty());
}

#[test]
fn an_order_without_stock_is_cancelled() {
    let mut world = stocked(1);
    typed(&mut world, "");
    check("out_of_stock", &world);
    assert!(world.ledger().charges.is_empty());
}

fn ask(world: &mut World, service: &str, command: &str) {
    world.command(service, command, r#"{"order_id":"o-1"}"#).unwrap();
}

/// Lets everything happen until `kind` was said.
fn until(world: &mut World, kind: &str) {
    while !world.log().iter().any(|fact| fact.kind == kind) {
        let step = world.steps().first().copied().unwrap_or_else(|| panic!("nothing says {kind}"));
        world.take(step);
    }
}

fn placed(world: &mut World) {
    let items = r#"[{"sku":"widget","quantity":2,"unit_price":1999}]"#;
    world.type_by_hand("order.created", &format!(r#"{{"order_id":"o-1","customer_id":"alice","items":{items}}}"#));
}

#[test]
fn a_parcel_is_dispatched_and_delivered() {
    let mut world = stocked(10);
    typed(&mut world, "");
    ask(&mut world, "shipping", "dispatch");
    world.settle();
    ask(&mut world, "shipping", "deliver");
    world.settle();
    check("delivered", &world);
}

#[test]
fn an_order_is_cancelled_before_anything_is_held() {
    let mut world = stocked(10);
    placed(&mut world);
    until(&mut world, "order.created");
    ask(&mut world, "order", "cancel");
    world.settle();
    check("cancelled_at_once", &world);
    assert_eq!(world.ledger().charges, world.ledger().refunds);
}

#[test]
fn an_order_is_cancelled_when_its_parcel_is_booked() {
    let mut world = stocked(10);
    placed(&mut world);
    until(&mut world, "order.paid");
    ask(&mut world, "order", "cancel");
    world.settle();
    check("cancelled_when_paid", &world);
    assert_eq!(world.ledger().charges, world.ledger().refunds);
}

#[test]
fn an_order_whose_parcel_is_on_its_way_is_not_cancelled() {
    let mut world = stocked(10);
    placed(&mut world);
    until(&mut world, "shipping.scheduled");
    ask(&mut world, "order", "cancel");
    ask(&mut world, "shipping", "dispatch");
    world.settle();
    check("too_late_to_cancel", &world);
    assert!(world.ledger().refunds.is_empty());
}

#[test]
fn an_order_that_takes_too_long_is_undone() {
    let mut world = stocked(10);
    placed(&mut world);
    until(&mut world, "payment.completed");
    let due = world.steps().into_iter().find(|step| matches!(step, Step::Remind(..))).unwrap();
    world.take(due);
    world.settle();
    check("deadline_passed", &world);
    assert_eq!(world.ledger().charges, world.ledger().refunds);
}

#[test]
fn a_shipment_that_nobody_takes_is_undone() {
    let mut world = stocked(10);
    typed(&mut world, r#","ship_to":{"postal_code":"00000"}"#);
    check("unserviceable_address", &world);
    assert_eq!(world.ledger().charges, world.ledger().refunds);
}
