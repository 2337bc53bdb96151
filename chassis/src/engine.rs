//! The one path that everything takes: inputs, turns, one commit, and only then anything that the outside can see.
//!
//! There is one writer per store, and this is it. It does no I/O but the store's, knows no clock, and is the same code
//! in a running service, in a replay and in a simulation.

mod figures;
mod forget;
mod ladder;
mod said;
mod start_over;
mod turns;
mod waits;

pub use figures::Figures;
pub use forget::Keeping;
pub(crate) use forget::{read_timed, since, timed};
pub use waits::{WaitingEffect, Waits};

use std::collections::BTreeMap;

use events::EventId;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use self::{forget::Forgetting, ladder::Ladder, said::SaidRows};
use crate::{
    Compared, Error, Input, OutboxRow, Pending, Position, Receipt, Released, Service,
    draft::{Draft, json},
    effect,
    inbox::Inbox,
    key, listening, reminder,
    service::{FIGURES, WAITS},
    store::{Batch, Store},
};

/// How much of the broker's word may wait for a commit that takes it along.
const OWES_AT_MOST: usize = 1024;

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

/// How far the broker's clock may be ahead of a message that is new before it counts as set right.
const CLOCK_SLACK: SignedDuration = SignedDuration::from_hours(1);

/// The clock and the furthest place after the message that stands `here` and arrived then. The clock does not go back, unless a
/// new message shows that it ran ahead.
fn moved(
    clock: Option<Timestamp>,
    furthest: Option<Position>,
    here: Position,
    arrived: Timestamp,
) -> (Option<Timestamp>, Option<Position>) {
    let new = here.is_ahead_of(furthest);
    let clock = match clock {
        Some(clock) if !new || clock.duration_since(arrived) < CLOCK_SLACK => clock.max(arrived),
        _ => arrived,
    };
    (Some(clock), if new { Some(here) } else { furthest })
}

/// A service on its store.
pub struct Engine {
    pub(crate) service: Service,
    /// What it listens to; its consumer may be sent more.
    subjects: Vec<String>,
    store: Box<dyn Store>,
    id: EventId,
    position: Option<Position>,
    /// The furthest that this stream was heard: what comes behind it is new to everybody.
    furthest: Option<Position>,
    ladder: Ladder,
    pub(crate) inbox: Inbox,
    said: SaidRows,
    forgetting: Forgetting,
    /// The broker's clock: the latest time of a message that was heard.
    clock: Option<Timestamp>,
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
    figures: Figures,
}

impl Engine {
    /// Opens `service` on `store`. A new store takes `id` as its own; an old one keeps the id that it has.
    pub fn open(service: Service, mut store: Box<dyn Store>, id: EventId) -> Result<Engine, Error> {
        start_over::finish(&mut *store)?;
        let owner = store.get(key::STORE)?.and_then(|value| serde_json::from_slice::<Owner>(&value).ok());
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
        let position = store.get(key::POSITION)?.and_then(|value| read_timed::<Position>(&value));
        let (position, clock) = position.map_or((None, None), |(position, clock)| (Some(position), clock));
        let inbox = Inbox::open(&mut *store)?;
        let (said, forgetting) = (SaidRows::open(&*store)?, Forgetting::open(&*store)?);
        Ok(Engine {
            subjects: service.subjects(),
            service,
            store,
            id,
            position,
            furthest: position,
            ladder: Ladder::default(),
            inbox,
            said,
            forgetting,
            clock,
            resumed: false,
            caught_up: false,
            breakers: BTreeMap::new(),
            starts_over: 0,
            deaf: false,
            figures: Figures::default(),
        })
    }

    /// Keeps what is not needed at once for so long, instead of [`Keeping::DEFAULT`].
    pub fn keeping(mut self, keeping: Keeping) -> Engine {
        self.forgetting.keeping = keeping;
        self
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
        let said = said::rows(&*self.store, self.said.unconfirmed())?;
        Ok(Unfinished { said, asked: effect::waiting(&*self.store)? })
    }

    /// Up to where the stream was heard, and some places before, ascending by sequence.
    pub fn where_heard(&self) -> Result<Vec<Position>, Error> {
        let mut places = Ladder::places(&*self.store)?;
        let ahead =
            |it: &Position| places.last().is_none_or(|last| last.stream != it.stream || last.sequence < it.sequence);
        places.extend(self.position.filter(ahead));
        Ok(places)
    }

    /// What the broker confirmed, as far as it is kept.
    pub fn what_was_confirmed(&self) -> Result<Vec<Receipt>, Error> {
        self.said.receipts(&*self.store)
    }

    /// With whom all that the broker confirmed was compared last, and the furthest that it confirmed in each stream.
    pub fn compared(&self) -> Result<Option<(Compared, Vec<Receipt>)>, Error> {
        said::compared(&*self.store)
    }

    /// The rows of the service as text: key and JSON, in ascending order.
    pub fn rows(&self) -> Result<Vec<(String, String)>, Error> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        self.store.scan(key::ROWS).map(|pair| pair.map(|(key, value)| (text(&key[2..]), text(&value)))).collect()
    }

    /// Takes a batch of inputs, each in a turn of its own, in their order. After an error the engine is of no use: the
    /// process opens the store again.
    pub fn take(&mut self, inputs: Vec<Input>) -> Result<Released, Error> {
        self.figures.take(&inputs);
        let mut released = Released::default();
        let mut position = self.position;
        let (mut clock, mut furthest, mut last) = (self.clock, self.furthest, None);
        let (mut receipts, mut gone) = (Vec::new(), Vec::new());
        let (mut ask_heard, mut ask_confirmed) = (Vec::new(), Vec::new());
        let (mut hears_from, mut published, mut compared) = (None, None, None);
        let mut passed = false;
        let (mut caught_up, mut deaf, mut breakers) = (self.caught_up, self.deaf, self.breakers.clone());
        let mut draft = Draft::over(&*self.store, &self.inbox, self.said.next).at(clock);

        // Each input in its turn. Nothing has happened yet: a crash here leaves the store as it was, the broker
        // delivers again, and the client of a command hears nothing.
        for input in inputs {
            match input {
                Input::Event(_) if deaf => {}
                Input::Event(delivery) => {
                    // It follows what is heard, back too: where the stream lost its end, hearing goes on before it.
                    let here = Position::in_passing(delivery.stream, delivery.sequence);
                    position = Some(here);
                    (clock, furthest) = moved(clock, furthest, here, delivery.arrival.time);
                    draft = draft.at(clock);
                    if listening::is_for(&self.subjects, &delivery.subject) {
                        draft = self.event(draft, &delivery);
                    }
                    released.acknowledge = delivery.acknowledge.or(released.acknowledge);
                    last = Some((delivery.subject, delivery.arrival.time));
                }
                Input::Passed { .. } if deaf => {}
                Input::Passed { position: here, time } => {
                    position = Some(here);
                    (clock, furthest) = moved(clock, furthest, here, time);
                    (last, passed) = (None, true);
                }
                Input::Remembered(delivery) => draft = self.remembered(draft, &delivery),
                Input::AllRemembered { from } => {
                    hears_from = Some(from);
                    caught_up = false;
                    deaf &= from > 1;
                }
                Input::CaughtUp => caught_up = true,
                Input::Command(request) if request.command == WAITS => {
                    breakers.retain(|_, until| *until > request.time);
                    let answer = self.waits(&draft, &request.body, position, &breakers);
                    released.answers.push((request.answer, answer));
                }
                Input::Command(request) if request.command == FIGURES => {
                    released.answers.push((request.answer, self.figures.answer(&request.body)));
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
                Input::Published { receipts: word, time } => {
                    // A service that hears nothing has no other clock.
                    clock = if self.service.events.is_empty() { clock.max(Some(time)) } else { clock };
                    published = Some(time);
                    receipts.extend(word);
                }
                Input::Gone(rows) => gone.extend(rows),
                Input::Compared(with) => compared = Some(with),
                Input::WhereHeard(answer) => ask_heard.push(answer),
                Input::WhatWasConfirmed(answer) => ask_confirmed.push(answer),
            }
        }
        if let (Some(position), Some((subject, time))) = (&mut position, last) {
            position.mark = Position::heard(&subject, time);
        }
        let (mut layer, next_outbox_row) = draft.finish()?;
        if layer.start_over {
            // With the answer to whoever asked for it.
            layer.writes.extend(start_over::begun());
            // The clock goes back with it: what is heard again is known for as long as it was the first time.
            (position, furthest, clock) = (None, None, None);
            self.forgetting.start_over();
        }
        if let Some(from) = hears_from {
            self.ladder.cut(&*self.store, &mut layer.writes, from)?;
        }
        self.said.confirmed(receipts);
        self.said.compared(compared);
        released.said = self.said.gone(&*self.store, &mut layer.writes, gone)?;

        // The position moves with what was taken up to it, and the broker's word goes with it. A batch that changed
        // nothing (duplicates, questions) needs no commit: all of it is on the disk already. What was passed over was much, and
        // is not to be read again by every start.
        if passed || !layer.writes.is_empty() || self.said.owes() > OWES_AT_MOST {
            self.commit(layer.writes, position, clock, published)?;
        }

        // From here on it has happened. A crash before the outside sees it is made good at the next start: the outbox,
        // the effects and the reminders are read back, the broker delivers again what was not acknowledged and the
        // inbox knows it, and a client that heard nothing asks again with its idempotency key.
        (self.position, self.furthest, self.clock) = (position, furthest, clock);
        (self.deaf, self.breakers) = (deaf, breakers);
        self.said.next = next_outbox_row;
        self.said.added(&layer.said);
        if layer.start_over {
            start_over::finish(&mut *self.store)?;
            self.inbox.clear();
            self.deaf = true;
            self.starts_over += 1;
        }
        released.said.extend(layer.said);
        released.withdrawn = layer.withdrawn;
        released.asked = match (hears_from.is_some(), self.resumed) {
            (_, true) => layer.asked,
            (true, false) => effect::waiting(&*self.store)?,
            // An earlier self may have said how they ended, and that is not read yet.
            (false, false) => Vec::new(),
        };
        self.resumed |= hears_from.is_some();
        (released.forgotten, released.reminders) = match (caught_up, self.caught_up) {
            (true, true) => (layer.forgotten, layer.reminders),
            (true, false) => (Vec::new(), reminder::standing(&*self.store)?),
            (false, _) => Default::default(),
        };
        self.caught_up = caught_up;
        // Whoever asked and is gone asks again.
        for answer in ask_heard {
            drop(answer.send(self.where_heard()?));
        }
        for answer in ask_confirmed {
            drop(answer.send(self.what_was_confirmed()?));
        }
        Ok(released)
    }

    /// Writes `writes` with what belongs to every commit. A crash in here leaves all of it or nothing.
    fn commit(
        &mut self,
        mut writes: Batch,
        position: Option<Position>,
        clock: Option<Timestamp>,
        published: Option<Timestamp>,
    ) -> Result<(), Error> {
        let now = clock.or(published).unwrap_or(Timestamp::UNIX_EPOCH);
        if let Some(position) = position.filter(|_| position != self.position) {
            self.ladder.climb(&mut writes, position, now);
        }
        // It may be ahead of the store's: what was heard again changed nothing.
        if let Some(position) = position {
            writes.insert(key::POSITION.to_vec(), Some(timed(json(&position), now)));
        }
        self.said.write(&mut writes, now);
        if let Some(now) = clock {
            self.forgetting.turn(&*self.store, &mut writes, now)?;
        }
        self.figures.commit(&writes);
        crate::crash::point("turn/before-the-commit");
        self.inbox.commit(&mut *self.store, writes)
    }

    /// Whether something waits for a commit that takes it along, or the store for a moment in which nobody waits.
    pub fn would_tidy(&self) -> bool {
        self.said.owes() > 0 || self.store.would_tidy()
    }

    /// Writes what still waits for a commit.
    pub fn tidy(&mut self) -> Result<(), Error> {
        self.commit(Batch::new(), self.position, self.clock, None)
    }

    /// Whether [`Engine::tidy_store`] does not bear much delay.
    pub fn has_to_tidy_store(&self) -> bool {
        self.store.has_to_tidy()
    }

    /// Does what makes the next start faster. It may take seconds: nothing else happens meanwhile.
    pub fn tidy_store(&mut self) -> Result<(), Error> {
        self.store.tidy()
    }
}
