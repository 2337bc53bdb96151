//! A share of the simulation, on each run of the tests. `just simulate` has more.

use std::collections::BTreeSet;

use tests::simulation::{Fault, Plan, Reached, shrink};

/// How many seeds; debug builds are slow.
const SEEDS: u64 = 400;

/// What so few seeds reach for sure.
const REACHED: [&str; 6] = [
    "crash before a commit",
    "crash between a commit and what follows",
    "the relay notices that what was confirmed is gone",
    "hearing goes on before a lost end",
    "a store is lost",
    "messages of long ago come again",
];

fn check(seeds: impl Iterator<Item = u64>) -> Reached {
    let mut reached = Reached::default();
    for seed in seeds {
        let plan = Plan::of(seed);
        let report = plan.run(false);
        assert!(report.wrong.is_empty(), "{:#?}\nit is repeated by: {}", report.wrong, plan.command());
        reached.add(&report.reached);
    }
    reached
}

// Two halves, for two cores.
#[test]
fn whatever_goes_wrong_nothing_is_lost_and_nothing_happens_twice() {
    let reached = check((0..SEEDS).step_by(2));
    for what in REACHED {
        assert!(reached.0.contains_key(what), "no seed reached: {what}");
    }
}

#[test]
fn whatever_else_goes_wrong_nothing_is_lost_and_nothing_happens_twice() {
    check((1..SEEDS).step_by(2));
}

#[test]
fn the_same_seed_tells_the_same_story_byte_for_byte() {
    for seed in 0..10 {
        let plan = Plan::of(seed);
        let (first, second) = (plan.run(true), plan.run(true));
        assert!(!first.trace.is_empty(), "seed {seed} tells nothing");
        assert_eq!(first.trace, second.trace, "seed {seed}");
    }
}

#[test]
fn a_run_that_fails_is_made_as_small_as_it_can_be() {
    let plan = Plan { seed: 7, orders: 5, faults: Fault::ALL.into(), steps: 640 };
    let fails = |plan: &Plan| plan.faults.contains(&Fault::Clock) && plan.orders > 1 && plan.steps > 80;
    let smallest = shrink(&plan, fails);
    assert_eq!((smallest.orders, smallest.faults), (2, BTreeSet::from([Fault::Clock])));
    assert!((81..90).contains(&smallest.steps), "{}", smallest.steps);
}

#[test]
fn a_run_is_repeated_by_its_command() {
    let plan = Plan::of(11);
    assert_eq!(plan.command(), "just simulate --seed 11");
    let smaller = Plan { orders: 9, faults: [Fault::Clock, Fault::BrokerPowerCut].into(), ..plan };
    assert_eq!(smaller.command(), "just simulate --seed 11 --orders 9 --faults clock,broker-power-cut");
    assert_eq!(Fault::named("broker-power-cut"), Some(Fault::BrokerPowerCut));
}
