//! What goes wrong in a town, and when.

use chassis::MemoryStore;
use jiff::SignedDuration;

use super::{MemoryDisk, Process, Town};
use crate::{jetstream::Consumers, simulation::faults::Fault};

const CONSUMERS: [Consumers; 2] = [Consumers::Newest, Consumers::Older];

impl Town {
    /// Something goes wrong, now and then.
    pub fn disturb(&mut self) {
        if self.rng.u8(0..100) == 0 {
            self.broker.sync();
        }
        if self.rng.u8(0..100) == 0 {
            self.copies.push((self.now, self.broker.clone()));
            for node in &mut self.nodes {
                node.copies.push(node.disk.copy());
            }
        }
        if self.rng.u16(0..50) > 0 || self.faults.is_empty() {
            return;
        }
        let which = self.rng.usize(0..self.faults.len());
        let fault = self.faults.iter().nth(which).copied().expect("it is one of them");
        let at = self.rng.usize(0..self.nodes.len());
        self.inflict(fault, at);
    }

    fn inflict(&mut self, fault: Fault, at: usize) {
        match fault {
            Fault::Crash => self.kill(at, "crash between two steps"),
            Fault::Pause => {
                self.nodes[at].paused = self.now + SignedDuration::from_millis(self.rng.i64(10..60_000));
                self.reached.note("a process stands still");
            }
            Fault::Clock => {
                self.nodes[at].skew = SignedDuration::from_secs(self.rng.i64(-3600..3600));
                self.reached.note("a clock jumps");
            }
            Fault::Disconnect => {
                if let Some(process) = &mut self.nodes[at].process {
                    process.disconnect();
                    self.reached.note("a connection breaks");
                }
            }
            Fault::BrokerKill => {
                let left = *self.rng.choice(&CONSUMERS).expect("there are two");
                self.broker.restart(left, self.now);
                self.broker_started("the broker is killed");
            }
            Fault::BrokerPowerCut => {
                self.broker.power_cut(self.now);
                self.broker_started("the broker's machine loses its power");
            }
            Fault::BrokerRestored => {
                // A row is kept for ten minutes after it was confirmed.
                let recent = self.now - SignedDuration::from_mins(9);
                self.copies.retain(|(at, _)| *at > recent);
                if !self.copies.is_empty() {
                    let copy = self.copies[self.rng.usize(0..self.copies.len())].1.clone();
                    self.broker.restore(&copy, self.now);
                    self.broker_started("the broker starts with an older copy");
                }
            }
            Fault::BrokerEmpty => {
                self.broker.wipe();
                if self.rng.bool() {
                    self.broker_started("the broker starts with nothing");
                } else {
                    self.deleted = self.now;
                    self.reached.note("somebody deletes the streams, and nobody is cut off");
                    self.tell(|| "the streams are deleted".to_owned());
                }
            }
            Fault::StoreLost => self.replace_store(at, MemoryStore::default(), "a store is lost"),
            Fault::StoreOlder => {
                let copies = &self.nodes[at].copies;
                let copy = copies[self.rng.usize(0..copies.len())].clone();
                self.replace_store(at, copy, "a store is replaced by an older one");
            }
            Fault::Outage => {
                let kind = *self.rng.choice(&["charge", "void", "refund", "booking", "mail"]).expect("there are some");
                self.outages.push((kind, self.now + SignedDuration::from_secs(self.rng.i64(1..60))));
                self.reached.note("an outage");
            }
            Fault::Commands => (0..3).for_each(|_| self.customers.want_something(&mut self.rng)),
            Fault::Deadlines => self.now += SignedDuration::from_secs(self.rng.i64(1..60)),
            Fault::Typed => {
                if let Some(message) = self.customers.type_something(&mut self.rng) {
                    self.publish(message);
                    self.reached.note("a fact is typed by hand");
                }
            }
            // These strike where they belong.
            Fault::PublishUnknown | Fault::PublishLate | Fault::AcknowledgeLost | Fault::Slow | Fault::LongAgo => {}
        }
    }

    /// What was acknowledged and not published yet stands in one store only: that one is not lost.
    fn replace_store(&mut self, at: usize, with: MemoryStore, what: &'static str) {
        let published = |process: &Process| process.engine.unfinished().is_ok_and(|left| left.said.is_empty());
        if self.nodes[at].process.as_ref().is_some_and(published) {
            self.kill(at, what);
            self.nodes[at].disk = MemoryDisk::holding(with);
        }
    }

    fn broker_started(&mut self, what: &'static str) {
        self.server += 1;
        for node in &mut self.nodes {
            node.process.iter_mut().for_each(Process::disconnect);
        }
        self.reached.note(what);
        self.tell(|| what.to_owned());
    }

    /// Nothing goes wrong any more.
    pub fn heal(&mut self) {
        self.faults.clear();
        self.outages.clear();
        for node in &mut self.nodes {
            (node.paused, node.skew) = (self.now, SignedDuration::ZERO);
        }
        self.tell(|| "nothing goes wrong any more".to_owned());
    }
}
