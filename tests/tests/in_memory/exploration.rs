//! Small worlds, every way in which they can go.

use std::collections::BTreeMap;

use tests::{
    explorer::{Bounds, Faults, SCENARIOS, Scenario, Seen, explore},
    proof::{Proof, times},
};

/// What may happen in one search: crashes, duplicates, overtakings.
const SHORT: &[(u8, u8, u8)] = &[(1, 1, 0), (0, 0, 1)];
const LONG: &[(u8, u8, u8)] = &[(2, 0, 0), (0, 2, 0), (1, 1, 0), (0, 0, 1)];

fn search(scenario: &Scenario, (crashes, duplicates, overtakings): (u8, u8, u8), bounds: Bounds) -> Seen {
    let faults = scenario.faults(Faults { crashes, duplicates, overtakings, ..Faults::default() });
    explore(scenario, faults, bounds, |_| {}).unwrap_or_else(|bad| {
        panic!("{}: {}\n{}", scenario.name, bad.why.join("; "), bad.timeline.join("\n"));
    })
}

/// The ways that are left out end where others end.
#[test]
fn trying_everything_finds_no_other_end() {
    let bounds = Bounds { states: 100_000, depth: 200, everything: false };
    for (scenario, faults) in [("out of stock", (1, 0, 0)), ("out of stock", (0, 1, 0)), ("declined", (0, 0, 0))] {
        let scenario = SCENARIOS.iter().find(|it| it.name == scenario).unwrap();
        let some = search(scenario, faults, bounds);
        let all = search(scenario, faults, Bounds { everything: true, ..bounds });
        assert_eq!((some.ends, some.cut_off, all.cut_off), (all.ends, 0, 0), "{} {faults:?}", scenario.name);
        assert!(some.states < all.states, "{}: {} and {}", scenario.name, some.states, all.states);
    }
}

#[test]
fn no_way_of_one_or_two_orders_leads_to_a_bad_state() {
    let long = times(0, 1) == 1;
    let mut sum = Seen::default();
    for scenario in SCENARIOS {
        // The short form goes every way of the small ones, and begins the others.
        let small = scenario.orders.len() == 1 && scenario.commands.is_empty() && !scenario.late;
        let few = if small { 2000 } else { 500 };
        let states = usize::try_from(times(few, 70_000)).unwrap();
        let bounds = Bounds { states, depth: 200, everything: false };
        for faults in if long { LONG } else { SHORT } {
            let seen = search(scenario, *faults, bounds);
            assert!(seen.ends > 0 || seen.cut_off > 0, "{} comes to no end", scenario.name);
            assert!(!small || seen.cut_off == 0, "{} has more states than are looked at", scenario.name);
            sum.states += seen.states;
            sum.transitions += seen.transitions;
            sum.depth = sum.depth.max(seen.depth);
            sum.ends += seen.ends;
            sum.crashes += seen.crashes;
            sum.duplicates += seen.duplicates;
            sum.overtakings += seen.overtakings;
            sum.cut_off += seen.cut_off;
        }
    }
    println!("{sum:?}");
    let figures = [
        ("states", sum.states),
        ("moves", sum.transitions),
        ("depth", sum.depth),
        ("ends", sum.ends),
        ("crash points", sum.crashes),
        ("duplicates", sum.duplicates),
        ("overtakings", sum.overtakings),
        ("states beyond the bound", sum.cut_off),
        ("bad states", 0),
    ];
    Proof {
        part: "exploration".to_owned(),
        fault: "all interleavings of one and two orders, with crashes, duplicates and overtaking".to_owned(),
        tried: sum.states,
        figures: figures.map(|(name, count)| (name.to_owned(), count)).into_iter().collect::<BTreeMap<_, _>>(),
        repeat: "just prove exploration".to_owned(),
        ..Proof::default()
    }
    .record();
}
