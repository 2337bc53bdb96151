//! The whole choreography in memory: the real services on the real engine, one stream, one payment gateway with a
//! ledger, and a driver that decides what happens next. The same choices give the same run.

pub mod saved;

use std::collections::{BTreeSet, VecDeque};

use chassis::{
    Answer, Delivery, Engine, Input, MemoryDisk, MemoryStore, Message, OutboxRow, Pending, Released, Reminder, Request,
    Service,
};
use events::{Arrival, EventId, Subject};
use jiff::{SignedDuration, Timestamp};
use order::Deadline;
use tokio::sync::oneshot;

use crate::{
    jetstream,
    log::{Fact, fact},
    outside::Ledger,
};

/// A service in the world.
struct Node {
    service: fn() -> Service,
    subjects: Vec<String>,
    disk: MemoryDisk,
    /// What the disk held when somebody copied it last: nothing at first.
    copy: MemoryStore,
    engine: Engine,
    /// Places in the stream that it has not heard.
    unheard: Vec<usize>,
    outbox: VecDeque<OutboxRow>,
    effects: Vec<Pending>,
    /// What came of effects outside, and is not known inside yet: it is lost with the process.
    outcomes: Vec<(String, String, Vec<u8>)>,
    reminders: BTreeSet<Reminder>,
}

/// Something that can happen next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The service hears the message that it has not heard, counted from the oldest.
    Hear(usize, usize),
    /// The broker takes the oldest row of the service's outbox.
    Publish(usize),
    /// The outside does what an effect of the service asks for.
    Perform(usize, usize),
    /// The service hears what came of it.
    Settle(usize, usize),
    /// A reminder of the service is due, however early that is: its clock may be wrong.
    Remind(usize, usize),
}

/// All services, one stream, one gateway.
pub struct World {
    nodes: Vec<Node>,
    stream: Vec<Message>,
    ledger: Ledger,
    steps: u32,
    /// Whether the clock stands still.
    stopped: bool,
    commands: u32,
    /// Dead letters, as they were published.
    pub dead_letters: Vec<Message>,
}

/// The services that take part in a saga, all that there are but the read side, with this one for orders.
pub fn services_of_a_saga(order: fn() -> Service) -> [fn() -> Service; 6] {
    [order, inventory::inventory, payment::payment, shipping::shipping, customer::customer, notification::notification]
}

impl Default for World {
    fn default() -> World {
        let order = || order::order(Deadline::DEFAULT);
        let node = |service: fn() -> Service| {
            let disk = MemoryDisk::default();
            let mut engine = open(service, &disk);
            let ready = vec![Input::AllRemembered { from: 1 }, Input::CaughtUp];
            engine.take(ready).expect("a store in memory works");
            Node {
                service,
                subjects: service().subjects(),
                disk,
                copy: MemoryStore::default(),
                engine,
                unheard: Vec::new(),
                outbox: VecDeque::new(),
                effects: Vec::new(),
                outcomes: Vec::new(),
                reminders: BTreeSet::new(),
            }
        };
        World {
            nodes: services_of_a_saga(order).map(node).into(),
            stream: Vec::new(),
            ledger: Ledger::default(),
            steps: 0,
            stopped: false,
            commands: 0,
            dead_letters: Vec::new(),
        }
    }
}

fn open(service: fn() -> Service, disk: &MemoryDisk) -> Engine {
    let id = EventId::derived(&["store", service().name()]);
    Engine::open(service(), Box::new(disk.clone()), id).expect("a store in memory opens")
}

impl World {
    /// The event log.
    pub fn log(&self) -> Vec<Fact> {
        let facts = self.stream.iter().zip(1..);
        facts.filter_map(|(it, place)| fact(&it.subject, &it.headers, it.body.as_bytes(), place)).collect()
    }

    /// The stream as it stands.
    pub fn stream(&self) -> &[Message] {
        &self.stream
    }

    /// The rows of each service.
    pub fn rows(&self) -> Vec<Vec<(String, String)>> {
        self.nodes.iter().map(|it| it.engine.rows().expect("a store in memory reads")).collect()
    }

    /// What the gateway did.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// How many services there are.
    pub fn services(&self) -> usize {
        self.nodes.len()
    }

    /// One of them, as it is declared.
    pub fn service(&self, at: usize) -> Service {
        (self.nodes[at].service)()
    }

    /// Places in the stream that a service has not heard.
    pub fn unheard(&self, at: usize) -> &[usize] {
        &self.nodes[at].unheard
    }

    /// The effects of a service that nobody performed yet: what they are, and how often they were tried in vain.
    pub fn effects(&self, at: usize) -> impl Iterator<Item = (&str, u32)> {
        self.nodes[at].effects.iter().map(|it| (it.name.as_str(), it.attempts))
    }

    /// The subject of the outbox row that is published next.
    pub fn next_said(&self, at: usize) -> Option<&str> {
        self.nodes[at].outbox.front().map(|row| row.message.subject.as_str())
    }

    /// Whether the service has heard the message at this place.
    pub fn has_heard(&self, at: usize, message: usize) -> bool {
        self.hears(at, &self.stream[message].subject) && !self.nodes[at].unheard.contains(&message)
    }

    /// Everything that can happen next, in a fixed order, reminders last. Nothing is left when every saga has ended.
    pub fn steps(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        for (at, node) in self.nodes.iter().enumerate() {
            steps.extend((0..node.unheard.len()).map(|place| Step::Hear(at, place)));
            steps.extend((!node.outbox.is_empty()).then_some(Step::Publish(at)));
            steps.extend((0..node.effects.len()).map(|place| Step::Perform(at, place)));
            steps.extend((0..node.outcomes.len()).map(|place| Step::Settle(at, place)));
        }
        for (at, node) in self.nodes.iter().enumerate() {
            steps.extend((0..node.reminders.len()).map(|place| Step::Remind(at, place)));
        }
        steps
    }

    /// Lets `step` happen.
    pub fn take(&mut self, step: Step) {
        match step {
            Step::Hear(at, place) => {
                let message = self.nodes[at].unheard.remove(place);
                self.hear(at, message);
            }
            Step::Publish(at) => {
                if let Some(row) = self.nodes[at].outbox.pop_front() {
                    let receipt = row.receipt(EventId::derived(&["world"]), self.stream.len() as u64 + 1);
                    self.publish(row.message);
                    let time = self.now();
                    self.input(at, Input::Published { receipts: vec![receipt], time });
                }
            }
            Step::Perform(at, place) => {
                let effect = self.nodes[at].effects.remove(place);
                self.perform(at, &effect);
            }
            Step::Settle(at, place) => {
                let (name, key, outcome) = self.nodes[at].outcomes.remove(place);
                let time = self.now();
                self.input(at, Input::Outcome { name, key, outcome, time });
            }
            Step::Remind(at, place) => {
                let due = self.nodes[at].reminders.iter().nth(place).cloned().expect("a step that was offered");
                self.nodes[at].reminders.remove(&due);
                self.input(at, Input::Reminder(due));
            }
        }
    }

    /// Lets everything happen, oldest first, until nothing is left.
    pub fn settle(&mut self) {
        while let Some(step) = self.steps().first().copied() {
            self.take(step);
        }
    }

    /// Somebody types an event.
    pub fn type_by_hand(&mut self, subject: &str, body: &str) {
        self.publish(Message { subject: subject.to_owned(), headers: Default::default(), body: body.to_owned() });
    }

    /// Somebody sends a command.
    pub fn command(&mut self, service: &str, command: &str, body: &str) -> Answer {
        self.command_bytes(service, command, body.as_bytes().to_vec())
    }

    /// The same with a body that need not be text.
    pub fn command_bytes(&mut self, service: &str, command: &str, body: Vec<u8>) -> Answer {
        let at = self.nodes.iter().position(|it| (it.service)().name() == service).expect("a service of the shop");
        let (sender, mut receiver) = oneshot::channel();
        self.commands += 1;
        let id = EventId::derived(&["command", &self.commands.to_string()]);
        let time = self.now();
        self.input(at, Input::Command(Request { command: command.to_owned(), body, id, time, answer: sender }));
        receiver.try_recv().expect("a command is answered with its commit")
    }

    /// The service hears again what it has heard before. What it has not heard yet cannot come again.
    pub fn hear_again(&mut self, at: usize, message: usize) {
        if self.has_heard(at, message) {
            self.hear(at, message);
        }
    }

    /// The service's process ends and starts again: what it had not written is gone, what it had not confirmed is done
    /// again.
    pub fn restart(&mut self, at: usize) {
        let node = &mut self.nodes[at];
        node.engine = open(node.service, &node.disk);
        let left = node.engine.unfinished().expect("a store in memory reads");
        node.outbox = left.said.into();
        node.effects = Vec::new();
        node.outcomes = Vec::new();
        node.reminders = BTreeSet::new();
        self.input(at, Input::AllRemembered { from: 1 });
        self.input(at, Input::CaughtUp);
    }

    /// Somebody copies the service's store.
    pub fn copy(&mut self, at: usize) {
        let node = &mut self.nodes[at];
        node.copy = node.disk.copy();
    }

    /// The service's store is lost, and a new process starts with the last copy of it, or with nothing: it remembers what
    /// was said, and then hears everything again.
    pub fn forget(&mut self, at: usize) {
        let node = &mut self.nodes[at];
        node.disk = MemoryDisk::holding(node.copy.clone());
        node.engine = open(node.service, &node.disk);
        node.outbox = node.engine.unfinished().expect("a store in memory reads").said.into();
        node.effects = Vec::new();
        node.outcomes = Vec::new();
        node.reminders = BTreeSet::new();
        node.unheard = Vec::new();
        for place in 0..self.stream.len() {
            if self.hears(at, &self.stream[place].subject) {
                self.nodes[at].unheard.push(place);
                let delivery = self.delivery(place);
                self.input(at, Input::Remembered(delivery));
            }
        }
        self.input(at, Input::AllRemembered { from: 1 });
        self.input(at, Input::CaughtUp);
    }

    fn now(&self) -> Timestamp {
        let steps = if self.stopped { 0 } else { self.steps };
        let second = SignedDuration::from_secs(i64::from(steps));
        Timestamp::UNIX_EPOCH.saturating_add(second).expect("a world does not last that long")
    }

    fn hears(&self, at: usize, subject: &str) -> bool {
        self.nodes[at].subjects.iter().any(|filter| jetstream::matches(filter, subject))
    }

    fn publish(&mut self, message: Message) {
        if message.subject.starts_with("dead.") {
            self.dead_letters.push(message);
            return;
        }
        assert!(message.subject.parse::<Subject>().is_ok(), "{} is no subject", message.subject);
        let place = self.stream.len();
        for at in 0..self.nodes.len() {
            if self.hears(at, &message.subject) {
                self.nodes[at].unheard.push(place);
            }
        }
        self.stream.push(message);
    }

    fn hear(&mut self, at: usize, place: usize) {
        let delivery = self.delivery(place);
        self.input(at, Input::Event(delivery));
    }

    fn delivery(&self, place: usize) -> Delivery {
        let message = &self.stream[place];
        Delivery {
            subject: message.subject.clone(),
            headers: message.headers.clone(),
            body: message.body.clone().into_bytes(),
            arrival: Arrival { id: EventId::derived(&["typed", &place.to_string()]), time: Timestamp::UNIX_EPOCH },
            stream: EventId::derived(&["world"]),
            sequence: place as u64 + 1,
            acknowledge: None,
        }
    }

    fn input(&mut self, at: usize, input: Input) {
        self.steps += 1;
        let node = &mut self.nodes[at];
        let released = node.engine.take(vec![input]).expect("a store in memory works");
        let Released { answers, said, withdrawn, asked, reminders, .. } = released;
        node.outbox.extend(said);
        node.effects.retain(|it| !withdrawn.iter().any(|(name, key)| (name, key) == (&it.name, &it.key)));
        node.effects.extend(asked);
        node.reminders.extend(reminders);
        for (to, answer) in answers {
            drop(to.send(answer));
        }
    }

    fn perform(&mut self, at: usize, effect: &Pending) {
        match self.ledger.perform(effect) {
            Ok(outcome) => self.nodes[at].outcomes.push((effect.name.clone(), effect.key.clone(), outcome)),
            Err(why) => self.in_vain(at, effect.clone(), why),
        }
    }

    /// An attempt in vain: the effect waits for its next one.
    fn in_vain(&mut self, at: usize, mut effect: Pending, error: String) {
        effect.attempts += 1;
        let (name, key, attempts, time) = (effect.name.clone(), effect.key.clone(), effect.attempts, self.now());
        self.input(at, Input::Attempt { name, key, attempts, error, time, open_until: None });
        self.nodes[at].effects.push(effect);
    }
}
