//! What can go wrong in a run, and how often each thing did.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;

/// A kind of fault. A run has some of them; that none of them is left out over many runs is checked at their end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// A process ends at any step: before its commit, between commit and everything after, while it publishes.
    Crash,
    /// A process stands still for a while, and goes on as if nothing had happened.
    Pause,
    /// The clock of a service jumps, back or ahead.
    Clock,
    /// A connection breaks.
    Disconnect,
    /// A request to publish, or its answer, is lost.
    PublishUnknown,
    /// A request to publish arrives long after it was given up.
    PublishLate,
    /// An acknowledgement is lost, or arrives late.
    AcknowledgeLost,
    /// Messages are delivered long before they are taken: they are delivered again meanwhile.
    Slow,
    /// The broker is killed.
    BrokerKill,
    /// The broker's machine loses its power: what it had not synced is gone.
    BrokerPowerCut,
    /// The broker starts with an older copy of its store.
    BrokerRestored,
    /// The broker starts with nothing.
    BrokerEmpty,
    /// A service's store is gone.
    StoreLost,
    /// A service's store is replaced by an older copy.
    StoreOlder,
    /// The gateway, the carrier or the mail server is out of order, or its answers are lost.
    Outage,
    /// Customers cancel, parcels leave and arrive, at any moment.
    Commands,
    /// Deadlines pass.
    Deadlines,
    /// Facts are typed by hand.
    Typed,
    /// What was said long ago is said again, when the services have forgotten it.
    LongAgo,
}

impl Fault {
    /// All of them.
    pub const ALL: [Fault; 19] = [
        Fault::Crash,
        Fault::Pause,
        Fault::Clock,
        Fault::Disconnect,
        Fault::PublishUnknown,
        Fault::PublishLate,
        Fault::AcknowledgeLost,
        Fault::Slow,
        Fault::BrokerKill,
        Fault::BrokerPowerCut,
        Fault::BrokerRestored,
        Fault::BrokerEmpty,
        Fault::StoreLost,
        Fault::StoreOlder,
        Fault::Outage,
        Fault::Commands,
        Fault::Deadlines,
        Fault::Typed,
        Fault::LongAgo,
    ];

    /// Its name on the command line: `broker-kill`.
    pub fn name(self) -> String {
        let mut name = String::new();
        for letter in format!("{self:?}").chars() {
            if letter.is_uppercase() && !name.is_empty() {
                name.push('-');
            }
            name.extend(letter.to_lowercase());
        }
        name
    }

    /// The fault of this name.
    pub fn named(name: &str) -> Option<Fault> {
        Fault::ALL.into_iter().find(|fault| fault.name() == name)
    }

    /// Whether the broker forgets what it confirmed.
    pub fn forgets(self) -> bool {
        matches!(self, Fault::BrokerPowerCut | Fault::BrokerRestored | Fault::BrokerEmpty)
    }

    /// Whether a service forgets what it knew.
    pub fn loses(self) -> bool {
        matches!(self, Fault::StoreLost | Fault::StoreOlder)
    }
}

/// The faults of a run: each of them or not, so that some runs have few and go deep (swarm testing, Groce et al. 2012).
///
/// Where the broker forgets, no service does: what both have lost is nowhere.
pub fn some(rng: &mut Rng) -> BTreeSet<Fault> {
    let broker_forgets = rng.bool();
    let allowed = |fault: &Fault| if broker_forgets { !fault.loses() } else { !fault.forgets() };
    let rare = |fault: &Fault| matches!(fault, Fault::LongAgo | Fault::BrokerEmpty | Fault::Typed);
    let mut faults = BTreeSet::new();
    for fault in Fault::ALL {
        let wanted = rng.u8(0..if rare(&fault) { 4 } else { 2 }) == 0;
        if wanted && allowed(&fault) {
            faults.insert(fault);
        }
    }
    faults
}

/// How often something was reached, by name.
#[derive(Clone, Debug, Default)]
pub struct Reached(pub BTreeMap<String, u64>);

impl Reached {
    /// Once more.
    pub fn note(&mut self, what: &str) {
        match self.0.get_mut(what) {
            Some(times) => *times += 1,
            None => drop(self.0.insert(what.to_owned(), 1)),
        }
    }

    /// What another run reached too.
    pub fn add(&mut self, other: &Reached) {
        for (what, times) in &other.0 {
            *self.0.entry(what.clone()).or_default() += times;
        }
    }
}

/// What many runs together must have reached: a run that never gets there proves nothing about it.
pub const MUST_BE_REACHED: &[&str] = &[
    // Crashes, at each step
    "crash before a commit",
    "crash between a commit and what follows",
    "crash between an answer and what was said",
    "crash before a publish",
    "crash between a publish and its answer",
    "crash while hearing",
    "crash between two steps",
    "a process goes on with rows that are not published",
    "a command is cut off",
    "a process stands still",
    "a clock jumps",
    // The network
    "a connection breaks",
    "a message is lost between the broker and a service",
    "a gap ends a session",
    "a publish does not reach the broker",
    "the answer to a publish is lost",
    "a publish is given up and arrives late",
    "the broker knows a message id",
    "a batch is refused for a duplicate",
    "an event stands in the stream twice",
    "an acknowledgement is lost",
    "an acknowledgement is late",
    "messages wait for their turn for long",
    "a message is delivered again while the first is on its way",
    // A broker that forgets
    "the broker is killed",
    "the broker's machine loses its power",
    "the broker starts with an older copy",
    "the broker starts with nothing",
    "somebody deletes the streams, and nobody is cut off",
    "the stream is made anew while a session begins",
    "one look is enough where the server did not start again",
    "the relay notices that what was confirmed is gone",
    "a sequence goes back while nobody was cut off",
    "hearing goes on before a lost end",
    "hearing starts again in another stream",
    // A service that forgets
    "a store is lost",
    "a store is replaced by an older one",
    "messages of long ago come again",
    // The outside, and people
    "an outage",
    "charge is tried in vain",
    "void is tried in vain",
    "refund is tried in vain",
    "booking is tried in vain",
    "mail is tried in vain",
    "a reminder comes due",
    "a fact is typed by hand",
    // How far an order can get
    "order.completed",
    "order.cancelled",
    "order.cancel_requested",
    "inventory.reservation_failed",
    "inventory.released",
    "payment.failed",
    "payment.voided",
    "payment.refunded",
    "payment.refund_stuck",
    "shipping.failed",
    "shipping.cancelled",
    "shipping.cancel_refused",
    "shipping.dispatched",
    "shipping.delivered",
    "notification.sent",
    "notification.failed",
];
