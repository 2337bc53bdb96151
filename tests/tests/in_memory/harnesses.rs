//! Harnesses over the whole choreography: each runs every saga in a way that no saga may notice.

use std::collections::BTreeSet;

use chassis::{Service, Trigger};
use tests::{
    invariants::violations,
    world::{Step, World},
};

/// A saga: how it begins, and what people ask for when which event was said.
struct Saga {
    name: &'static str,
    order: &'static str,
    /// When this was said, this command is sent.
    commands: &'static [(&'static str, &'static str, &'static str)],
    /// When this was said, the deadline passes.
    late: Option<&'static str>,
    ends: &'static str,
}

const PLAIN: &str = "";
const DECLINED: &str = r#","payment_method":"pm_card_declined""#;
const UNSERVICEABLE: &str = r#","ship_to":{"postal_code":"00000"}"#;
const TOO_MANY: &str = r#","customer_id":"bob""#;
const COMPLETED: &str = "order.completed";
const CANCELLED: &str = "order.cancelled";

const SAGAS: &[Saga] = &[
    Saga { name: "fulfilled", order: PLAIN, commands: &[], late: None, ends: COMPLETED },
    Saga { name: "declined", order: DECLINED, commands: &[], late: None, ends: CANCELLED },
    Saga { name: "unserviceable", order: UNSERVICEABLE, commands: &[], late: None, ends: CANCELLED },
    Saga { name: "out of stock", order: TOO_MANY, commands: &[], late: None, ends: CANCELLED },
    Saga {
        name: "delivered",
        order: PLAIN,
        commands: &[("order.completed", "shipping", "dispatch"), ("shipping.dispatched", "shipping", "deliver")],
        late: None,
        ends: COMPLETED,
    },
    Saga {
        name: "cancelled at once",
        order: PLAIN,
        commands: &[("order.created", "order", "cancel")],
        late: None,
        ends: CANCELLED,
    },
    Saga {
        name: "cancelled when paid",
        order: PLAIN,
        commands: &[("order.paid", "order", "cancel")],
        late: None,
        ends: CANCELLED,
    },
    Saga {
        name: "cancelled too late",
        order: PLAIN,
        commands: &[("shipping.scheduled", "shipping", "dispatch"), ("shipping.scheduled", "order", "cancel")],
        late: None,
        ends: COMPLETED,
    },
    Saga { name: "late", order: PLAIN, commands: &[], late: Some("inventory.reserved"), ends: CANCELLED },
];

/// Something that a harness does to a run.
trait Disturbance {
    /// Whether the step may happen now.
    fn allows(&self, _: &World, _: Step) -> bool {
        true
    }
    /// Lets the step happen, with whatever happens beside it.
    fn take(&mut self, world: &mut World, step: Step) {
        world.take(step);
    }
    /// How often each command is sent.
    fn sends(&self) -> usize {
        1
    }
}

struct Nothing;
impl Disturbance for Nothing {}

fn begin(saga: &Saga) -> World {
    let mut world = World::default();
    world.command("inventory", "stock", r#"{"sku":"widget","unit_price":1999,"quantity":10}"#).unwrap();
    world.settle();
    let quantity = if saga.order == TOO_MANY { 11 } else { 2 };
    let extra = if saga.order == TOO_MANY { "" } else { saga.order };
    let items = format!(r#"[{{"sku":"widget","quantity":{quantity},"unit_price":1999}}]"#);
    let body = format!(r#"{{"order_id":"o-1","customer_id":"alice","items":{items}{extra}}}"#);
    world.type_by_hand("order.created", &body);
    world
}

fn said(world: &World, kind: &str) -> bool {
    world.log().iter().any(|fact| fact.kind == kind)
}

/// Runs `saga` to its end, and says what went otherwise than its end demands.
fn run(saga: &Saga, disturbance: &mut dyn Disturbance) -> World {
    let mut world = begin(saga);
    let mut left: Vec<_> = saga.commands.iter().collect();
    let mut late = saga.late;
    loop {
        while let Some(at) = left.iter().position(|(when, ..)| said(&world, when)) {
            let (_, service, command) = left.remove(at);
            let ask = |world: &mut World| world.command(service, command, r#"{"order_id":"o-1"}"#).unwrap();
            let answer = ask(&mut world);
            for _ in 1..disturbance.sends() {
                assert_eq!(ask(&mut world), answer, "{}: {command} again", saga.name);
            }
        }
        let steps = world.steps();
        if late.is_some_and(|when| said(&world, when)) {
            late = None;
            world.take(*steps.iter().find(|step| matches!(step, Step::Remind(..))).unwrap());
            continue;
        }
        // A deadline passes only where the saga says so.
        let steps: Vec<_> = steps.into_iter().filter(|step| !matches!(step, Step::Remind(..))).collect();
        let Some(step) =
            steps.iter().copied().find(|step| disturbance.allows(&world, *step)).or(steps.first().copied())
        else {
            break;
        };
        disturbance.take(&mut world, step);
    }
    let name = saga.name;
    assert!(left.is_empty(), "{name}: {left:?} was never sent");
    assert_eq!(violations(&world.log(), true), Vec::<String>::new(), "{name}");
    assert!(said(&world, saga.ends), "{name} does not end in {}", saga.ends);
    assert!(world.dead_letters.is_empty(), "{name}: {:?}", world.dead_letters);
    world
}

/// What was said, in its order.
fn facts(world: &World) -> Vec<(String, String, String)> {
    world.log().into_iter().map(|fact| (fact.kind, fact.id, fact.text)).collect()
}

/// Every event is heard twice, by everybody who hears it.
struct EventsTwice;
impl Disturbance for EventsTwice {
    fn take(&mut self, world: &mut World, step: Step) {
        let heard = if let Step::Hear(at, place) = step { Some((at, world.unheard(at)[place])) } else { None };
        world.take(step);
        if let Some((at, message)) = heard {
            world.hear_again(at, message);
        }
    }
}

/// Every command is sent twice.
struct CommandsTwice;
impl Disturbance for CommandsTwice {
    fn sends(&self) -> usize {
        2
    }
}

/// A service hears `step` only after it has heard `compensation`, if that is possible at all.
struct Overtaken<'a> {
    at: usize,
    step: &'a str,
    compensation: &'a str,
    overtaken: bool,
}

impl Overtaken<'_> {
    fn heard(&self, world: &World, compensation: &str) -> bool {
        let waits = |place: &usize| world.stream()[*place].subject.starts_with(compensation);
        said(world, compensation) && !world.unheard(self.at).iter().any(waits)
    }
}

impl Disturbance for Overtaken<'_> {
    fn allows(&self, world: &World, step: Step) -> bool {
        let Step::Hear(at, place) = step else { return true };
        let subject = &world.stream()[world.unheard(at)[place]].subject;
        let held_back = at == self.at && subject.starts_with(&format!("{}.", self.step));
        !held_back || self.heard(world, self.compensation)
    }
    fn take(&mut self, world: &mut World, step: Step) {
        if let Step::Hear(at, place) = step
            && at == self.at
            && world.stream()[world.unheard(at)[place]].subject.starts_with(&format!("{}.", self.step))
        {
            self.overtaken |= self.heard(world, self.compensation);
        }
        world.take(step);
    }
}

#[test]
fn every_event_may_be_heard_twice() {
    for saga in SAGAS {
        let once = run(saga, &mut Nothing);
        let twice = run(saga, &mut EventsTwice);
        assert_eq!(facts(&once), facts(&twice), "{}", saga.name);
        assert_eq!(once.ledger(), twice.ledger(), "{}", saga.name);
    }
}

#[test]
fn every_command_may_be_sent_twice() {
    for saga in SAGAS {
        let once = run(saga, &mut Nothing);
        let twice = run(saga, &mut CommandsTwice);
        let kinds = |world: &World| world.log().into_iter().map(|fact| fact.kind).collect::<Vec<_>>();
        assert_eq!(kinds(&once), kinds(&twice), "{}", saga.name);
        assert_eq!(once.ledger(), twice.ledger(), "{}", saga.name);
    }
}

/// For each service, what it hears on the way forward, with what it hears on the way back.
fn overtakings(service: &Service) -> Vec<(String, String)> {
    let heard = || service.reactions().filter(|it| it.trigger == Trigger::Event);
    let back = || heard().filter(|it| !it.compensates.is_empty());
    let forward = heard().filter(|it| it.compensates.is_empty());
    forward.flat_map(|step| back().map(|it| (step.hears.clone(), it.hears.clone()))).collect()
}

#[test]
fn every_compensation_may_overtake_its_step() {
    let mut reached = BTreeSet::new();
    for at in 0..World::default().services() {
        let service = World::default().service(at);
        for (step, compensation) in overtakings(&service) {
            for saga in SAGAS {
                let (step, compensation) = (step.as_str(), compensation.as_str());
                let mut disturbance = Overtaken { at, step, compensation, overtaken: false };
                run(saga, &mut disturbance);
                if disturbance.overtaken {
                    reached.insert(format!("{}: {compensation} before {step}", service.name()));
                }
            }
        }
    }
    // A pair that is not among these cannot come in that order: the one follows from the other.
    insta::assert_snapshot!(reached.into_iter().collect::<Vec<_>>().join("\n"), @r"
    inventory: payment.voided before order.created
    order: inventory.released before inventory.reserved
    order: inventory.released before payment.completed
    order: inventory.released before shipping.scheduled
    payment: shipping.cancelled before inventory.reserved
    payment: shipping.cancelled before order.created
    shipping: order.cancel_requested before order.created
    shipping: order.cancel_requested before order.paid
    ");
}
