//! Deterministic simulation: the real services on the real engine, the model of JetStream, one thread, a clock that stands
//! still unless the run moves it, and everything that can go wrong. A seed is a run; the same seed is the same run.
//!
//! The way of FoundationDB (Zhou et al., SIGMOD 2021): all that is not deterministic is behind a door, and the simulation
//! stands behind that door. Here the doors are the engine's inputs and what it releases.

mod check;
mod customers;
mod faults;
mod process;
mod shrink;
mod town;
mod trace;

use std::{
    collections::BTreeSet,
    panic::{AssertUnwindSafe, catch_unwind},
};

use chassis::Message;
use events::{EVENTS, header};
use fastrand::Rng;
use jiff::SignedDuration;

use self::{customers::Customers, town::Town, trace::Trace};
pub use self::{
    faults::{Fault, MUST_BE_REACHED, Reached},
    shrink::shrink,
};

/// After how many steps without faults a run must have come to rest.
const RESTS_WITHIN: u32 = 60_000;

/// What a run is made of. It follows from the seed, and a smaller one is made by hand or by shrinking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// All that is left to chance.
    pub seed: u64,
    /// How many orders are placed.
    pub orders: usize,
    /// What goes wrong.
    pub faults: BTreeSet<Fault>,
    /// For how many steps things go wrong.
    pub steps: u32,
}

/// What came of a run.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Inputs that were taken.
    pub turns: u64,
    /// Orders that were answered.
    pub orders: u64,
    /// How often what was reached.
    pub reached: Reached,
    /// What is wrong; nothing where all is well.
    pub wrong: Vec<String>,
    /// What happened, where it was asked for.
    pub trace: Vec<String>,
}

impl Plan {
    /// The run of a seed.
    pub fn of(seed: u64) -> Plan {
        let mut rng = Rng::with_seed(seed ^ 0x6d75_726d_7572_6174);
        Plan { seed, orders: rng.usize(1..6), faults: faults::some(&mut rng), steps: rng.u32(100..700) }
    }

    /// The command that repeats it.
    pub fn command(&self) -> String {
        let Plan { seed, orders, faults, steps } = self;
        let whole = Plan::of(*seed);
        let mut command = format!("just simulate --seed {seed}");
        if *orders != whole.orders {
            command += &format!(" --orders {orders}");
        }
        if *steps != whole.steps {
            command += &format!(" --steps {steps}");
        }
        if *faults != whole.faults {
            let names: Vec<_> = faults.iter().map(|fault| fault.name()).collect();
            command += &format!(" --faults {}", if names.is_empty() { "none".to_owned() } else { names.join(",") });
        }
        command
    }

    /// Runs it. With `traced`, what happened is told line by line.
    pub fn run(&self, traced: bool) -> Report {
        let mut rng = Rng::with_seed(self.seed);
        let customers = Customers::wanting(self.orders, &mut rng);
        let trace = if traced { Trace::kept() } else { Trace::default() };
        let mut town = Town::new(rng, self.faults.clone(), customers, trace);
        let wrong = catch_unwind(AssertUnwindSafe(|| self.play(&mut town))).unwrap_or_else(|panic| {
            let words = panic.downcast_ref::<String>().cloned();
            vec![words.unwrap_or_else(|| "it panicked".to_owned())]
        });
        Report {
            turns: town.turns,
            orders: town.customers.acknowledged.len() as u64,
            reached: town.reached,
            wrong,
            trace: town.trace.lines.unwrap_or_default(),
        }
    }

    /// Plays it to its end, and says what is wrong.
    fn play(&self, town: &mut Town) -> Vec<String> {
        let began = town.now;
        for _ in 0..self.steps {
            town.disturb();
            happen(town);
            let wrong = if town.log_grew() { check::at_a_step(town) } else { Vec::new() };
            if !wrong.is_empty() {
                return wrong;
            }
        }
        town.heal();
        if !settle(town) {
            return vec![format!("it does not come to rest within {RESTS_WITHIN} steps")];
        }
        let minutes = town.now.duration_since(began).as_mins();
        let wrong = check::at_rest(town, &self.faults, minutes);
        if wrong.is_empty() && self.faults.contains(&Fault::LongAgo) { long_ago(town, self) } else { wrong }
    }
}

/// Lets one thing happen; nothing where nothing can.
fn happen(town: &mut Town) -> bool {
    town.now += SignedDuration::from_micros(town.rng.i64(0..20_000));
    let steps = town.steps();
    if steps.is_empty() {
        let Some(wakes) = town.wakes() else { return false };
        town.now = wakes;
        return true;
    }
    let step = steps[town.rng.usize(0..steps.len())];
    town.take(step);
    true
}

/// Lets everything happen until nothing can; whether it comes to that.
fn settle(town: &mut Town) -> bool {
    (0..RESTS_WITHIN).any(|_| !happen(town))
}

/// A week later, when what happened is being forgotten, messages from then come again: some are still known, and the
/// others are refused.
fn long_ago(town: &mut Town, plan: &Plan) -> Vec<String> {
    let old: Vec<Message> = town
        .broker
        .stream(EVENTS)
        .map(|events| events.from(1).map(|stored| Message::clone(&stored.message)).collect())
        .unwrap_or_default();
    town.now += SignedDuration::from_hours(8 * 24);
    town.long_ago = true;
    let mut rng = town.rng.fork();
    town.customers.place(6, &mut rng);
    if !settle(town) {
        return vec!["a week later it does not come to rest".to_owned()];
    }
    let before = (town.log.len(), town.ledger.clone());
    for message in old.into_iter().filter(|it| it.headers.contains_key(header::ID)) {
        town.publish(message);
    }
    if !settle(town) {
        return vec!["when messages of long ago come again it does not come to rest".to_owned()];
    }
    let mut wrong = check::at_rest(town, &plan.faults, i64::MAX);
    if town.ledger != before.1 {
        wrong.push("what was said long ago was charged or refunded again".to_owned());
    }
    if wrong.is_empty() && town.log.len() > before.0 {
        town.reached.note("messages of long ago come again");
    }
    wrong
}
