//! The choreography when nothing goes as planned: the invariants hold for every order in which things can happen.

use fastrand::Rng;
use tests::{
    invariants::violations,
    world::{Step, World},
};

/// What may go wrong in a run.
#[derive(Clone, Copy, Default)]
struct Faults {
    /// Messages are heard in any order.
    reordered: bool,
    /// Messages are heard again.
    repeated: bool,
    /// Processes end between any two steps.
    crashes: bool,
    /// Orders are cancelled, dispatched and delivered at any moment, and deadlines pass.
    commands: bool,
    /// Stores are lost, or replaced by older copies, and rebuilt from the stream: so often at most, since
    /// each time everything is heard again.
    losses: u32,
}

const ORDERS: usize = 8;

/// What people ask for at any moment.
const COMMANDS: [(&str, &str); 4] =
    [("order", "cancel"), ("shipping", "dispatch"), ("shipping", "dispatch"), ("shipping", "deliver")];

/// A world with some orders placed, each kind among them.
fn busy(rng: &mut Rng) -> World {
    let mut world = World::default();
    world.command("inventory", "stock", r#"{"sku":"widget","unit_price":1999,"quantity":11}"#).unwrap();
    world.settle();
    for order in 0..ORDERS {
        let extra = match rng.u8(0..4) {
            0 => r#","payment_method":"pm_card_declined""#,
            1 => r#","ship_to":{"postal_code":"00000"}"#,
            _ => "",
        };
        let items = format!(r#"[{{"sku":"widget","quantity":{},"unit_price":1999}}]"#, rng.u8(1..4));
        let body = format!(r#"{{"order_id":"o-{order}","customer_id":"alice","items":{items}{extra}}}"#);
        world.type_by_hand("order.created", &body);
    }
    world
}

/// Something that went wrong.
fn disturb(world: &mut World, rng: &mut Rng, faults: &mut Faults) {
    let service = rng.usize(0..world.services());
    if faults.repeated && rng.u8(0..4) == 0 && !world.stream().is_empty() {
        world.hear_again(service, rng.usize(0..world.stream().len()));
    }
    if faults.crashes && rng.u8(0..8) == 0 {
        world.restart(service);
    }
    if faults.commands && rng.u8(0..12) == 0 {
        let (service, command) = *rng.choice(&COMMANDS).expect("there are some");
        // A refusal is an answer: it may be too early, or too late.
        drop(world.command(service, command, &format!(r#"{{"order_id":"o-{}"}}"#, rng.usize(0..ORDERS))));
    }
    if faults.losses > 0 && rng.u8(0..64) == 0 {
        faults.losses -= 1;
        world.forget(service);
    }
    if faults.losses > 0 && rng.u8(0..32) == 0 {
        world.copy(service);
    }
}

/// The step that happens next. Without reordering a service hears in the order of the stream.
fn choose(world: &World, rng: &mut Rng, faults: Faults) -> Option<Step> {
    let in_order = |step: &Step| faults.reordered || !matches!(step, Step::Hear(_, place) if *place > 0);
    let mut steps: Vec<_> = world.steps().into_iter().filter(in_order).collect();
    // Deadlines pass now and then, and at the end.
    let due = |step: &Step| matches!(step, Step::Remind(..));
    let some_pass = faults.commands && rng.u8(0..32) == 0;
    if !some_pass && !steps.iter().all(due) {
        steps.retain(|step| !due(step));
    }
    (!steps.is_empty()).then(|| steps[rng.usize(0..steps.len())])
}

fn run(seed: u64, mut faults: Faults) -> World {
    let mut rng = Rng::with_seed(seed);
    let mut world = busy(&mut rng);
    for _ in 0..20_000 {
        disturb(&mut world, &mut rng, &mut faults);
        match choose(&world, &mut rng, faults) {
            Some(step) => world.take(step),
            None => return world,
        }
    }
    panic!("seed {seed}: the world does not come to rest");
}

#[track_caller]
fn check(seeds: u64, faults: Faults) {
    let (mut completed, mut cancelled) = (0, 0);
    for seed in 0..seeds {
        let world = run(seed, faults);
        let log = world.log();
        assert_eq!(violations(&log, true), Vec::<String>::new(), "seed {seed}");
        assert!(world.dead_letters.is_empty(), "seed {seed}: {:?}", world.dead_letters);
        let paid = |kind: &str| {
            let mut paid: Vec<_> =
                log.iter().filter(|it| it.kind == kind).map(|it| (it.id.clone(), it.key.clone())).collect();
            paid.sort();
            paid.dedup();
            let mut orders: Vec<_> = paid.into_iter().map(|(_, order)| order).collect();
            orders.sort();
            orders
        };
        let orders = |entries: &[(String, i64)]| {
            let mut orders: Vec<_> = entries.iter().map(|(order, _)| order.clone()).collect();
            orders.sort();
            orders
        };
        assert_eq!(paid("payment.completed"), orders(&world.ledger().charges), "seed {seed}");
        assert_eq!(paid("payment.refunded"), orders(&world.ledger().refunds), "seed {seed}");
        completed += paid("order.completed").len();
        cancelled += paid("order.cancelled").len();
    }
    // A run that reaches one end only has tested little.
    assert!(completed > 0 && cancelled > 0, "{completed} completed, {cancelled} cancelled");
}

#[test]
fn orders_that_run_side_by_side_keep_the_invariants() {
    check(200, Faults::default());
}

#[test]
fn every_event_may_come_again() {
    check(200, Faults { repeated: true, ..Faults::default() });
}

#[test]
fn events_may_overtake_each_other() {
    check(200, Faults { reordered: true, ..Faults::default() });
}

#[test]
fn processes_may_end_between_any_two_steps() {
    check(200, Faults { crashes: true, ..Faults::default() });
}

#[test]
fn stores_may_be_lost_or_older_between_any_two_steps() {
    check(200, Faults { losses: 5, ..Faults::default() });
}

#[test]
fn orders_may_be_cancelled_dispatched_and_late_at_any_moment() {
    check(200, Faults { commands: true, ..Faults::default() });
}

#[test]
fn all_of_it_may_happen_at_once() {
    check(200, Faults { reordered: true, repeated: true, crashes: true, commands: true, losses: 0 });
}

/// What a service did before its store was lost followed from what it had heard by then, in the order of the stream. That
/// order is all that a rebuilt store has to find out what its earlier self may have asked of the gateway, so nothing
/// overtakes here.
#[test]
fn all_but_overtaking_may_happen_while_stores_are_lost() {
    check(200, Faults { reordered: false, repeated: true, crashes: true, commands: true, losses: 5 });
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let faults = Faults { reordered: true, repeated: true, crashes: true, commands: true, losses: 5 };
    assert_eq!(run(7, faults).stream(), run(7, faults).stream());
}
