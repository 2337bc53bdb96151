//! The parts of the proof. A new one is an entry here.

use crate::record::Run;

/// One way of breaking the system.
#[derive(Debug)]
pub struct Part {
    /// What `just prove` calls it, and what its figures say in `part`.
    pub name: &'static str,
    /// What it does, for the list and for the page.
    pub about: &'static str,
    pub how: How,
}

/// How a part is run.
#[derive(Debug)]
pub enum How {
    /// The tests of this test program whose paths have one of these in them.
    Tests(&'static str, &'static [&'static str]),
    /// A recipe of the justfile, with what it is given.
    Just(&'static [&'static str]),
}

const END_TO_END: &str = "end_to_end";

/// All parts, in the order in which they are run: what is quick to fail comes first.
pub const PARTS: &[Part] = &[
    Part {
        name: "differential",
        about: "the models of the broker and of the store do what the real ones do",
        how: How::Tests(END_TO_END, &["differential::", "differential_stores::"]),
    },
    Part {
        name: "exploration",
        about: "every order of steps and every crash, for one and two orders",
        how: How::Tests("in_memory", &["exploration::"]),
    },
    Part {
        name: "simulation",
        about: "all services in one thread, with faults of all kinds chosen by a seed",
        how: How::Just(&["simulate", "--seeds", "100000"]),
    },
    Part {
        name: "crash-points",
        about: "a process ends itself at each named point of its work",
        how: How::Tests(END_TO_END, &["crash_points::"]),
    },
    Part { name: "kills", about: "kill -9 under load, again and again", how: How::Tests(END_TO_END, &["kills::"]) },
    Part {
        name: "stops",
        about: "a process stands still for longer than the broker waits",
        how: How::Tests(END_TO_END, &["stops::"]),
    },
    Part {
        name: "proxy",
        about: "the connection to the broker is slow, cut, or half open",
        how: How::Tests(END_TO_END, &["bad_network::"]),
    },
    Part { name: "disk-full", about: "no space is left for a store", how: How::Tests(END_TO_END, &["disk_full::"]) },
    Part {
        name: "stores",
        about: "a store is lost, cut short, damaged, or older than what it said",
        how: How::Tests(END_TO_END, &["damaged_stores::", "broken_files::"]),
    },
    Part {
        name: "power-cuts",
        about: "the power goes, for stores, for the broker, or for all of it",
        how: How::Tests(END_TO_END, &["power_cuts::"]),
    },
    Part {
        name: "rollbacks",
        about: "the broker forgets what it confirmed: an older store, or none",
        how: How::Tests(END_TO_END, &["forgets::"]),
    },
    Part {
        name: "soak",
        about: "200,000 orders: disk and memory stay level",
        how: How::Just(&["soak", "--orders", "200000"]),
    },
    Part {
        name: "mutations",
        about: "each guarantee is taken out once, and something notices",
        how: How::Just(&["mutations"]),
    },
];

impl How {
    /// The command, as it is typed.
    pub fn command(&self) -> Vec<&'static str> {
        match self {
            // All packages: so that cargo builds them the same way for every part.
            How::Tests(program, paths) => {
                let cargo = ["cargo", "test", "--workspace", "--locked", "--test", program, "--"];
                let rest = ["--nocapture", "--test-threads=1"];
                cargo.iter().chain(*paths).chain(&rest).copied().collect()
            }
            How::Just(recipe) => ["just"].iter().chain(*recipe).copied().collect(),
        }
    }
}

impl Part {
    /// A line of the list.
    pub fn line(&self, last: Option<&Run>) -> String {
        let last = match last {
            None => "not run".to_owned(),
            Some(run) => format!("{} {}, took {}", run.verdict(), run.date, run.took()),
        };
        format!("{:<13} {:<76} {last}\n", self.name, self.about)
    }
}
