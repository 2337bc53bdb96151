//! Everything that a run is made of, and everything that can happen next in it.

mod disturb;
mod publish;

use std::{collections::BTreeSet, sync::Arc};

use chassis::{Engine, Input, MemoryDisk, MemoryStore, Message, Released, Service};
use events::{EVENTS, EventId};
use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};
use order::Deadline;

use super::{
    customers::Customers,
    faults::{Fault, Reached},
    process::{Hearing, Process, Relay, Waiting, place},
    trace::Trace,
};
use crate::{
    jetstream::{JetStream, Place},
    log::Fact,
    outside::Ledger,
    world::services_of_a_saga,
};

/// How long an order may take here: some are late.
const DEADLINE: Deadline = Deadline(std::time::Duration::from_secs(90));

/// A service on its machine: what outlives its process.
pub struct Node {
    pub name: &'static str,
    make: fn() -> Service,
    subjects: Vec<String>,
    pub disk: MemoryDisk,
    /// Older copies of its store.
    copies: Vec<MemoryStore>,
    pub process: Option<Process>,
    /// Until when it stands still.
    paused: Timestamp,
    /// How far its clock is off.
    skew: SignedDuration,
}

/// Something that can happen next.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    Start(usize),
    Turn(usize),
    Relay(usize),
    Hear(usize),
    Attempt(usize, usize),
    Result(usize, usize),
    Remind(usize),
    Arrive(usize),
    Customer(usize),
}

/// Something on its way through the network.
enum Packet {
    Publish(Arc<Message>),
    Acknowledge { service: &'static str, place: Place },
}

/// The run.
pub struct Town {
    pub nodes: Vec<Node>,
    pub broker: JetStream,
    /// Older copies of the broker's store, with the time.
    copies: Vec<(Timestamp, JetStream)>,
    pub ledger: Ledger,
    /// Which process of the broker runs, and when something was deleted in it.
    server: u64,
    deleted: Timestamp,
    pub customers: Customers,
    pub now: Timestamp,
    pub rng: Rng,
    pub faults: BTreeSet<Fault>,
    packets: Vec<(Timestamp, Packet)>,
    /// Until when which kind of effect is out of order.
    outages: Vec<(&'static str, Timestamp)>,
    /// All that ever stood in the stream of events, in that order.
    pub log: Vec<Fact>,
    /// How much of it was checked.
    checked: usize,
    /// Whether a week has passed.
    pub long_ago: bool,
    pub turns: u64,
    pub reached: Reached,
    pub trace: Trace,
}

impl Town {
    /// A town with a broker and six services that have not started.
    pub fn new(rng: Rng, faults: BTreeSet<Fault>, customers: Customers, trace: Trace) -> Town {
        let order = || order::order(DEADLINE);
        let node = |make: fn() -> Service| {
            let service = make();
            Node {
                name: service.name(),
                subjects: service.subjects(),
                make,
                disk: MemoryDisk::default(),
                copies: vec![MemoryStore::default()],
                process: None,
                paused: Timestamp::UNIX_EPOCH,
                skew: SignedDuration::ZERO,
            }
        };
        Town {
            nodes: services_of_a_saga(order).map(node).into(),
            broker: JetStream::default(),
            copies: Vec::new(),
            ledger: Ledger::default(),
            server: 1,
            deleted: Timestamp::UNIX_EPOCH,
            customers,
            now: Timestamp::constant(1_767_225_600, 0),
            rng,
            faults,
            packets: Vec::new(),
            outages: Vec::new(),
            log: Vec::new(),
            checked: 0,
            long_ago: false,
            turns: 0,
            reached: Reached::default(),
            trace,
        }
    }

    /// Whether something was said since this was asked last.
    pub fn log_grew(&mut self) -> bool {
        let before = std::mem::replace(&mut self.checked, self.log.len());
        before < self.log.len()
    }

    fn has(&self, fault: Fault) -> bool {
        self.faults.contains(&fault)
    }

    /// One time in `times`, where the run has that fault.
    fn strikes(&mut self, fault: Fault, times: u32) -> bool {
        self.has(fault) && self.rng.u32(0..times) == 0
    }

    fn tell(&mut self, line: impl FnOnce() -> String) {
        self.trace.tell(self.now, line);
    }

    /// Everything that can happen now.
    pub fn steps(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        for (at, node) in self.nodes.iter().enumerate() {
            let Some(process) = &node.process else {
                steps.push(Step::Start(at));
                continue;
            };
            if node.paused > self.now {
                continue;
            }
            if !(process.inputs.is_empty() && process.words.is_empty()) {
                steps.push(Step::Turn(at));
            }
            let waits = matches!(process.relay, Relay::Asked(_)) && !process.words.is_empty();
            let compares = self.may_find_something(process) && process.compares_at() <= self.now;
            if !waits && (!matches!(process.relay, Relay::Compared) || !process.queue.is_empty() || compares) {
                steps.push(Step::Relay(at));
            }
            if self.may_hear(process) {
                steps.push(Step::Hear(at));
            }
            let due = process.effects.iter().enumerate().filter(|(_, it)| it.not_before <= self.now);
            steps.extend(due.map(|(place, _)| Step::Attempt(at, place)));
            steps.extend((0..process.results.len()).map(|place| Step::Result(at, place)));
            if process
                .reminders
                .first()
                .is_some_and(|due| due.at <= self.now.saturating_add(node.skew).unwrap_or(self.now))
            {
                steps.push(Step::Remind(at));
            }
        }
        let arrived = self.packets.iter().enumerate().filter(|(_, (at, _))| *at <= self.now);
        steps.extend(arrived.map(|(place, _)| Step::Arrive(place)));
        steps.extend(self.customers.ready(&self.nodes).into_iter().map(Step::Customer));
        steps
    }

    /// Whether something was deleted since it looked last.
    fn may_find_something(&self, process: &Process) -> bool {
        process.compared.0 <= self.deleted
    }

    fn may_hear(&self, process: &Process) -> bool {
        match &process.hearing {
            Hearing::None | Hearing::Remembering { .. } => self.broker.stream(EVENTS).is_ok(),
            // Its question waits for a turn.
            Hearing::Asked(_) => process.inputs.is_empty(),
            Hearing::Listening { looked_at, again, .. } => {
                let overdue = again.is_some_and(|again| again <= self.now);
                overdue || self.broker.stream(EVENTS).is_ok_and(|events| Some(events.info()) != *looked_at)
            }
        }
    }

    /// The next time at which something can happen by itself; none where nothing will.
    pub fn wakes(&self) -> Option<Timestamp> {
        let mut times: Vec<_> = self.packets.iter().map(|(at, _)| *at).collect();
        for node in &self.nodes {
            times.extend((node.paused > self.now).then_some(node.paused));
            if let Some(process) = &node.process {
                times.extend(process.effects.iter().map(|it| it.not_before));
                if let Hearing::Listening { again, .. } = &process.hearing {
                    times.extend(*again);
                }
                // It looks every so often; where nothing is to be found that is of no interest.
                times.extend(self.may_find_something(process).then(|| process.compares_at()));
                let due = process.reminders.first().and_then(|due| due.at.checked_sub(node.skew).ok());
                times.extend(due);
            }
        }
        times.into_iter().filter(|at| *at > self.now).min()
    }

    /// Lets `step` happen.
    pub fn take(&mut self, step: Step) {
        match step {
            Step::Start(at) => self.start(at),
            Step::Turn(at) => self.turn(at),
            Step::Relay(at) => self.relay(at),
            Step::Hear(at) => self.hear(at),
            Step::Attempt(at, place) => self.attempt(at, place),
            Step::Result(at, place) => {
                if let Some(process) = &mut self.nodes[at].process {
                    let result = process.results.remove(place);
                    process.inputs.push_back(result);
                }
            }
            Step::Remind(at) => {
                if let Some(process) = &mut self.nodes[at].process
                    && let Some(due) = process.reminders.pop_first()
                {
                    process.inputs.push_back(Input::Reminder(due));
                    self.reached.note("a reminder comes due");
                }
            }
            Step::Arrive(place) => self.arrive(place),
            Step::Customer(place) => self.customers.send(place, &mut self.nodes, self.now),
        }
    }

    fn start(&mut self, at: usize) {
        let node = &mut self.nodes[at];
        let id = EventId::derived(&["store", node.name]);
        let engine = Engine::open((node.make)(), Box::new(node.disk.clone()), id).expect("a store in memory opens");
        let process = Process::start(node.name, node.subjects.clone(), engine);
        if !process.queue.is_empty() {
            self.reached.note("a process goes on with rows that are not published");
        }
        let (name, rows) = (node.name, process.queue.len());
        node.process = Some(process);
        self.tell(|| format!("{name} starts, {rows} rows to publish"));
    }

    /// The process ends, wherever it is.
    pub fn kill(&mut self, at: usize, when: &'static str) {
        let node = &mut self.nodes[at];
        if node.process.take().is_some() {
            let name = node.name;
            self.reached.note(when);
            self.tell(|| format!("{name} ends: {when}"));
        }
        self.customers.hear_answers(&mut self.reached);
    }

    fn turn(&mut self, at: usize) {
        if self.strikes(Fault::Crash, 60) {
            return self.kill(at, "crash before a commit");
        }
        let at_most = self.rng.usize(0..6);
        let (now, name) = (self.now, self.nodes[at].name);
        let Some(process) = &mut self.nodes[at].process else { return };
        let (inputs, mut released) = process.turn(at_most);
        self.turns += inputs as u64;
        if inputs > 0 {
            let said = released.said.len();
            self.tell(|| format!("{name} takes {inputs}, says {said}"));
        }
        if self.strikes(Fault::Crash, 60) {
            return self.kill(at, "crash between a commit and what follows");
        }
        for (to, answer) in released.answers.drain(..) {
            drop(to.send(answer));
        }
        if self.strikes(Fault::Crash, 120) {
            return self.kill(at, "crash between an answer and what was said");
        }
        if let Some(process) = &mut self.nodes[at].process {
            process.hand_on(&mut released, now);
        }
        self.acknowledge(at, released);
        self.customers.hear_answers(&mut self.reached);
    }

    fn acknowledge(&mut self, at: usize, released: Released) {
        let Some(place) = released.acknowledge.as_ref().and_then(place) else { return };
        let service = self.nodes[at].name;
        if self.strikes(Fault::AcknowledgeLost, 4) {
            self.reached.note("an acknowledgement is lost");
        } else if self.strikes(Fault::AcknowledgeLost, 4) {
            let late = self.now + SignedDuration::from_millis(self.rng.i64(1..40_000));
            self.packets.push((late, Packet::Acknowledge { service, place }));
            self.reached.note("an acknowledgement is late");
        } else {
            self.broker.acknowledge(EVENTS, service, place);
        }
    }

    fn hear(&mut self, at: usize) {
        let at_most = 1 + self.rng.usize(0..5);
        if self.strikes(Fault::Crash, 120) {
            return self.kill(at, "crash while hearing");
        }
        let now = self.now;
        if let Some(process) = &mut self.nodes[at].process {
            process.hear(&mut self.broker, at_most, now, &mut self.reached);
        }
        if self.strikes(Fault::Disconnect, 100)
            && let Some(process) = &mut self.nodes[at].process
        {
            process.miss_one(now, &mut self.reached);
        }
        if self.strikes(Fault::Slow, 40) {
            // Longer than the acknowledgement wait.
            self.now += SignedDuration::from_secs(self.rng.i64(31..40));
            self.reached.note("messages wait for their turn for long");
            if let Some(process) = &mut self.nodes[at].process
                && let Hearing::Listening { looked_at, .. } = &mut process.hearing
            {
                *looked_at = None;
            }
        }
    }

    /// One attempt at an effect.
    fn attempt(&mut self, at: usize, which: usize) {
        let time = self.nodes[at].clock(self.now);
        let answer_is_lost = self.strikes(Fault::Outage, 8);
        let Some(process) = &mut self.nodes[at].process else { return };
        let Waiting { effect, .. } = &mut process.effects[which];
        let (name, key) = (effect.name.clone(), effect.key.clone());
        let down = self.outages.iter().any(|(kind, until)| *kind == name && *until > self.now);
        let outcome = if down { Err("it is out of order".to_owned()) } else { self.ledger.perform(effect) };
        let why = match outcome {
            Ok(_) if answer_is_lost => "its answer was lost".to_owned(),
            Ok(outcome) => {
                process.effects.remove(which);
                process.results.push(Input::Outcome { name: name.clone(), key: key.clone(), outcome, time });
                let service = self.nodes[at].name;
                return self.tell(|| format!("{service}: {name} {key} is done outside"));
            }
            Err(why) => why,
        };
        effect.attempts += 1;
        let attempts = effect.attempts;
        process.effects[which].not_before = self.now + SignedDuration::from_millis(self.rng.i64(50..10_000));
        self.reached.note(&format!("{name} is tried in vain"));
        process.inputs.push_back(Input::Attempt { name, key, attempts, error: why, time, open_until: None });
    }
}

impl Node {
    /// What its clock says.
    pub fn clock(&self, now: Timestamp) -> Timestamp {
        now.saturating_add(self.skew).unwrap_or(now)
    }

    /// Hands a command to it, where it may be asked.
    pub fn ask(&mut self, input: Input) {
        if let Some(process) = &mut self.process {
            process.inputs.push_back(input);
        }
    }

    /// Whether it may be asked.
    pub fn answers(&self) -> bool {
        self.process.as_ref().is_some_and(|process| process.ready)
    }
}
