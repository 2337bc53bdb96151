//! Every way in which a small world can go: all interleavings of the real services on the real engine, with crashes at
//! every point, messages that come again and messages that overtake, each up to a stated number.
//!
//! It is a search, breadth first, so that the first bad state that it finds is one of the nearest. A state is visited once
//! ([`saved`](crate::world::saved)). What is checked: in each state the invariants of the contract, the gateway's ledger,
//! and that nothing was refused; where nothing is left to do, that every order came to its end.
//!
//! # What is left out, and why that loses nothing
//!
//! - **One service at a time.** Where a service has nothing to publish, something to hear, and nothing may overtake, only
//!   its steps are tried. Whatever others do meanwhile neither changes what it can do (what they publish goes behind what
//!   it hears next) nor sees what it did (it publishes nothing), so each run with its step later is one with its step
//!   first, with the same log. The invariants look at the log and at the ledger, each by itself, and only payment moves
//!   the ledger. No run goes in a circle: hearing, publishing, faults and attempts all run out.
//! - **The outside that remembers nothing.** Mail and booking are performed at once: an outcome that is lost in a crash is
//!   the same as an effect that was not performed.
//! - **The order in which the log has what the invariants only count** ([`digest`]).
//! - An effect that fails is tried so often: [`ATTEMPTS`].

mod digest;
mod path;
mod scenario;
mod steps;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};

use crate::{
    invariants::violations,
    world::{
        World,
        saved::{Saved, Stage},
    },
};

pub use scenario::{Faults, SCENARIOS, Scenario};
pub use steps::{ATTEMPTS, Move};

/// How far a search goes.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// The most states.
    pub states: usize,
    /// The most moves in a row.
    pub depth: usize,
    /// Whether moves are tried too that need not be: to show that leaving them out loses nothing.
    pub everything: bool,
}

/// What a search saw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// States.
    pub states: u64,
    /// Moves from one state to another, or to one that was known.
    pub transitions: u64,
    /// The most moves in a row.
    pub depth: u64,
    /// States in which nothing is left to do.
    pub ends: u64,
    /// Moves that were a crash.
    pub crashes: u64,
    /// Moves in which a message came again.
    pub duplicates: u64,
    /// Moves in which a message was heard before an older one.
    pub overtakings: u64,
    /// States that were not left, because a bound was reached.
    pub cut_off: u64,
}

/// A state that may not be, with the way to it.
#[derive(Debug)]
pub struct Bad {
    /// What is wrong with it.
    pub why: Vec<String>,
    /// How the world comes there, a line a move.
    pub timeline: Vec<String>,
}

/// A state that is to be left.
struct Open {
    state: Saved,
    number: u32,
    depth: u32,
    left: Faults,
    /// Which of the scenario's commands were sent.
    sent: u32,
}

/// Searches all that can come of `scenario`. `progress` is told now and then.
pub fn explore(
    scenario: &Scenario,
    faults: Faults,
    bounds: Bounds,
    mut progress: impl FnMut(&Seen),
) -> Result<Seen, Box<Bad>> {
    let mut stage = Stage::new(scenario.begin());
    let mut seen = Seen { states: 1, ..Seen::default() };
    // How each state was reached first: the state before, and the move.
    let mut ways: Vec<(u32, Option<Move>)> = vec![(0, None)];
    let mut known = HashMap::from([((stage.save().digest(digest::log(&stage.world)), faults, 0), 0)]);
    let first = Open { state: stage.save(), number: 0, depth: 0, left: faults, sent: 0 };
    let mut open = VecDeque::from([first]);
    while let Some(from) = open.pop_front() {
        stage.load(&from.state);
        let moves = steps::moves(&stage.world, scenario, from.left, from.sent);
        let ended = !moves.iter().any(Move::goes_on);
        seen.ends += u64::from(ended);
        seen.depth = seen.depth.max(u64::from(from.depth));
        if ended && let Some(why) = wrong(&stage.world, true) {
            return Err(path::bad(scenario, why, &ways, from.number, None));
        }
        if from.depth as usize >= bounds.depth || ways.len() >= bounds.states {
            seen.cut_off += u64::from(!moves.is_empty());
            continue;
        }
        let before = (stage.world.stream().len(), stage.world.ledger().clone());
        let tried = match bounds.everything {
            true => moves,
            false => steps::enough(&stage.world, scenario, from.left, moves),
        };
        for it in tried {
            stage.load(&from.state);
            it.take(&mut stage, scenario);
            seen.transitions += 1;
            it.count(&mut seen);
            let changed = stage.world.stream().len() != before.0 || *stage.world.ledger() != before.1;
            let why = if changed || it.may_refuse() { wrong(&stage.world, false) } else { None };
            if let Some(why) = why {
                return Err(path::bad(scenario, why, &ways, from.number, Some(it)));
            }
            let (left, sent) = it.spent(from.left, from.sent);
            let state = stage.save();
            let key = (state.digest(digest::log(&stage.world)), left, sent);
            let number = u32::try_from(ways.len()).expect("memory ends before that");
            if known.insert(key, number).is_none() {
                ways.push((from.number, Some(it)));
                seen.states += 1;
                open.push_back(Open { state, number, depth: from.depth + 1, left, sent });
            }
        }
        if seen.states % 1024 < 16 {
            progress(&seen);
        }
    }
    Ok(seen)
}

/// What is wrong with the world as it is.
fn wrong(world: &World, ended: bool) -> Option<Vec<String>> {
    let mut found = violations(&world.log(), ended);
    found.extend(world.dead_letters.iter().map(|it| format!("a dead letter: {} {}", it.subject, it.body)));
    let ledger = world.ledger();
    let per_order = |entries: &[(String, i64)]| {
        let mut counts = HashMap::<String, i64>::new();
        entries.iter().for_each(|(order, _)| *counts.entry(order.clone()).or_default() += 1);
        counts
    };
    let (charged, refunded) = (per_order(&ledger.charges), per_order(&ledger.refunds));
    for (order, times) in &charged {
        if *times > 1 {
            found.push(format!("order {order}: charged {times} times by the gateway"));
        }
    }
    for (order, times) in &refunded {
        if *times > charged.get(order).copied().unwrap_or_default() {
            found.push(format!("order {order}: refunded {times} times by the gateway, and charged less often"));
        }
    }
    if ended {
        found.extend(digest::ledger_differs(world));
    }
    (!found.is_empty()).then_some(found)
}
