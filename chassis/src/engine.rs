//! The one path that everything takes: inputs, turns, one commit, and only then anything that the outside can see.
//!
//! There is one writer per store, and this is it. It does no I/O but the store's, knows no clock, and is the same code
//! in a running service, in a replay and in a simulation.

mod start_over;
mod turns;
mod waits;

pub use waits::{WaitingEffect, Waits};

use std::collections::BTreeMap;

use events::EventId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Error, Input, OutboxRow, Pending, Released, Service, draft::Draft, draft::json, effect, key, outbox, reminder,
    service::WAITS, store::Store,
};

/// How many confirmed rows may wait for a commit that takes their removal along.
const RETIRED_AT_MOST: usize = 1024;

/// Up to where a service heard the stream. The store's word counts; the broker's consumer is set to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Which stream.
    pub stream: EventId,
    /// The last message that was taken, with all before it.
    pub sequence: u64,
}

/// Whose store this is.
#[derive(Serialize, Deserialize)]
struct Owner {
    service: String,
    id: EventId,
}

/// What the last process left to do.
#[derive(Debug)]
pub struct Unfinished {
    /// Rows that the broker has not confirmed.
    pub said: Vec<OutboxRow>,
    /// Effects without an outcome.
    pub asked: Vec<Pending>,
}

/// A service on its store.
pub struct Engine {
    pub(crate) service: Service,
    store: Box<dyn Store>,
    id: EventId,
    next_outbox_row: u64,
    position: Option<Position>,
    retired: Vec<u64>,
    /// Whether effects that an earlier process left were released.
    resumed: bool,
    /// Whether what stood in the stream at the start is heard, and reminders may come due.
    caught_up: bool,
    /// Until when which kind of effect waits behind an open breaker.
    breakers: BTreeMap<String, Timestamp>,
    /// How often everything was forgotten, to be heard again.
    starts_over: u32,
    /// Whether the stream is to be heard from its beginning, and messages of an earlier session do not count.
    deaf: bool,
}

impl Engine {
    /// Opens `service` on `store`. A new store takes `id` as its own; an old one keeps the id that it has.
    pub fn open(service: Service, mut store: Box<dyn Store>, id: EventId) -> Result<Engine, Error> {
        start_over::finish(&mut *store)?;
        let owner: Option<Owner> = Draft::over(&*store, 0).read(key::STORE);
        let id = match owner {
            Some(owner) if owner.service == service.name() => owner.id,
            Some(owner) => {
                return Err(Error::ForeignStore { found: owner.service, expected: service.name().to_owned() });
            }
            None => {
                let owner = Owner { service: service.name().to_owned(), id };
                store.commit([(key::STORE.to_vec(), Some(json(&owner)))].into())?;
                id
            }
        };
        let position = Draft::over(&*store, 0).read(key::POSITION);
        let next_outbox_row = outbox::unpublished(&*store)?.last().map_or(1, |row| row.number + 1);
        Ok(Engine {
            service,
            store,
            id,
            next_outbox_row,
            position,
            retired: Vec::new(),
            resumed: false,
            caught_up: false,
            breakers: BTreeMap::new(),
            starts_over: 0,
            deaf: false,
        })
    }

    /// The store's identity.
    pub fn id(&self) -> EventId {
        self.id
    }

    /// Up to where the stream was heard.
    pub fn position(&self) -> Option<Position> {
        self.position
    }

    /// How often this process forgot everything that it had heard: with each time the stream is heard from its beginning.
    pub fn starts_over(&self) -> u32 {
        self.starts_over
    }

    /// What the last process left to do. It comes before anything that a new batch releases; the effects come with
    /// [`Input::AllRemembered`], since an earlier self may have said how they ended, and the reminders that stand with
    /// [`Input::CaughtUp`].
    pub fn unfinished(&self) -> Result<Unfinished, Error> {
        Ok(Unfinished { said: outbox::unpublished(&*self.store)?, asked: effect::waiting(&*self.store)? })
    }

    /// The rows of the service as text: key and JSON, in ascending order.
    pub fn rows(&self) -> Result<Vec<(String, String)>, Error> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        self.store.scan(key::ROWS).map(|pair| pair.map(|(key, value)| (text(&key[2..]), text(&value)))).collect()
    }

    /// Takes a batch of inputs, each in a turn of its own, in their order. After an error the engine is of no use: the
    /// process opens the store again.
    pub fn take(&mut self, inputs: Vec<Input>) -> Result<Released, Error> {
        let mut released = Released::default();
        let mut position = self.position;
        let mut confirmed = Vec::new();
        let mut all_remembered = false;
        let (mut caught_up, mut deaf, mut breakers) = (self.caught_up, self.deaf, self.breakers.clone());
        let mut draft = Draft::over(&*self.store, self.next_outbox_row);

        // Each input in its turn. Nothing has happened yet: a crash here leaves the store as it was, the broker
        // delivers again, and the client of a command hears nothing.
        for input in inputs {
            match input {
                Input::Event(_) if deaf => {}
                Input::Event(delivery) => {
                    // It follows what is heard, back too: a stream that lost its tail is heard from its beginning.
                    position = Some(Position { stream: delivery.stream, sequence: delivery.sequence });
                    draft = self.event(draft, &delivery);
                    released.acknowledge = delivery.acknowledge.or(released.acknowledge);
                }
                Input::Remembered(delivery) => draft = self.remembered(draft, &delivery),
                Input::AllRemembered { from } => {
                    all_remembered = true;
                    caught_up = false;
                    deaf &= from > 1;
                }
                Input::CaughtUp => caught_up = true,
                Input::Command(request) if request.command == WAITS => {
                    breakers.retain(|_, until| *until > request.time);
                    let answer = self.waits(&draft, &request.body, position, &breakers);
                    released.answers.push((request.answer, answer));
                }
                Input::Command(request) => {
                    let answer;
                    (draft, answer) = self.command(draft, &request, position);
                    released.answers.push((request.answer, answer));
                }
                Input::Outcome { name, key, outcome, time } => {
                    breakers.remove(&name);
                    draft = self.outcome(draft, &name, &key, &outcome, time);
                }
                Input::Attempt { name, key, attempts, error, time, open_until } => {
                    breakers.extend(open_until.map(|until| (name.clone(), until)));
                    draft = self.attempt(draft, &name, &key, attempts, error, time);
                }
                // It stands, and comes due again when what was said in time is heard.
                Input::Reminder(_) if !caught_up => {}
                Input::Reminder(reminder) => draft = self.reminder(draft, &reminder),
                Input::Published(rows) => confirmed.extend(rows),
            }
        }
        let (mut layer, next_outbox_row) = draft.finish()?;
        if layer.start_over {
            // With the answer to whoever asked for it.
            layer.writes.extend(start_over::begun());
            position = None;
        }
        self.retired.extend(confirmed);

        // The position moves with what was taken up to it, and confirmed rows go with it. A batch that changed nothing
        // (duplicates, questions) needs no commit: all of it is on the disk already.
        if !layer.writes.is_empty() || self.retired.len() > RETIRED_AT_MOST {
            if position != self.position && position.is_some() {
                layer.writes.insert(key::POSITION.to_vec(), Some(json(&position)));
            }
            layer.writes.extend(self.retired.drain(..).map(|number| (key::outbox(number), None)));
            // A crash in here leaves all of the batch or nothing of it.
            crate::crash::point("turn/before-the-commit");
            self.store.commit(layer.writes)?;
        }

        // From here on it has happened. A crash before the outside sees it is made good at the next start: the outbox,
        // the effects and the reminders are read back, the broker delivers again what was not acknowledged and the
        // inbox knows it, and a client that heard nothing asks again with its idempotency key.
        self.position = position;
        self.next_outbox_row = next_outbox_row;
        self.deaf = deaf;
        self.breakers = breakers;
        if layer.start_over {
            start_over::finish(&mut *self.store)?;
            self.deaf = true;
            self.starts_over += 1;
        }
        released.said = layer.said;
        released.withdrawn = layer.withdrawn;
        released.asked = match (all_remembered, self.resumed) {
            (_, true) => layer.asked,
            (true, false) => effect::waiting(&*self.store)?,
            // An earlier self may have said how they ended, and that is not read yet.
            (false, false) => Vec::new(),
        };
        self.resumed |= all_remembered;
        released.reminders = match (caught_up, self.caught_up) {
            (true, true) => layer.reminders,
            (true, false) => reminder::standing(&*self.store)?,
            (false, _) => Vec::new(),
        };
        self.caught_up = caught_up;
        Ok(released)
    }

    /// Whether something waits for a commit that takes it along.
    pub fn owes(&self) -> bool {
        !self.retired.is_empty()
    }

    /// Writes what still waits for a commit.
    pub fn tidy(&mut self) -> Result<(), Error> {
        let mut writes: crate::store::Batch =
            self.retired.drain(..).map(|number| (key::outbox(number), None)).collect();
        if let Some(position) = self.position {
            writes.insert(key::POSITION.to_vec(), Some(json(&position)));
        }
        self.store.commit(writes)
    }
}
