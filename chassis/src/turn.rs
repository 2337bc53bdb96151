//! A turn: what one input does to one service. A reaction sees the world through it and through nothing else.

use events::{Envelope, Event, EventId, Key, Subject, child_trace, header};
use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Effect, Unacceptable,
    draft::{Draft, json},
    effect::{Pending, Waiting},
    engine::timed,
    inbox::{self, Seen},
    key,
    outbox::Message,
    reminder::Reminder,
    service::{Declared, Trigger},
    store::MAX_ROW_BYTES,
};

/// The header that a service sets where it says again, under its key, what somebody typed: it took it in. Should its store
/// be lost, it remembers what it took in as what it said.
pub(crate) const ADOPTED: &str = "Murmuration-Adopted";

/// Why a command is refused that an earlier self has taken.
pub(crate) const DONE_BEFORE: &str = "done_before";

/// A kind of row that a service keeps, under a key of its own.
pub trait Row: Serialize + DeserializeOwned {
    /// Where rows of this kind stand: one token, never changed.
    const TABLE: &'static str;

    /// Whether a row of this kind may ever be over. Once said, it is never taken back: what was over then would be
    /// forgotten also where it was written again.
    const ENDS: bool = false;

    /// Whether nothing that may still come needs the row as it is now. It is then kept until everything that happened up
    /// to now is past the horizon ([`crate::Keeping::known`]), and forgotten; written again meanwhile, it starts anew.
    fn is_over(&self) -> bool {
        false
    }
}

/// Where an input comes from, as far as a reaction may depend on it.
#[derive(Clone, Debug)]
pub(crate) struct Cause {
    /// What the ids that are made in the turn are derived from, together with the reaction.
    pub id: EventId,
    /// With what time they begin, where they do.
    pub begun: Option<Timestamp>,
    /// The input's own time.
    pub time: Timestamp,
    /// When it reached the system.
    pub arrived: Timestamp,
    /// Who said it; the service itself where it is no event.
    pub source: String,
    /// What caused the event or led to the input in its turn.
    pub causation: Option<EventId>,
    /// Up to where the stream was heard, the input included.
    pub heard: Option<u64>,
    /// The saga, where it is known.
    pub saga: Option<Key>,
    /// W3C trace context.
    pub traceparent: String,
}

/// What one input does. Nothing of it is visible outside before the batch is on the disk; if the reaction refuses the
/// input, nothing of it stays.
pub struct Turn<'a> {
    pub(crate) draft: Draft<'a>,
    pub(crate) cause: Cause,
    service: &'static str,
    reaction: &'a Declared,
    /// The reaction as the ids know it. It names the effect's key too, where one cause leads to several outcomes.
    identity: String,
    remembers: bool,
    said: u32,
    refused: Option<Unacceptable>,
}

impl<'a> Turn<'a> {
    pub(crate) fn new(draft: Draft<'a>, service: &'static str, reaction: &'a Declared, cause: Cause) -> Turn<'a> {
        Turn {
            draft,
            cause,
            service,
            reaction,
            identity: reaction.hears.clone(),
            remembers: false,
            said: 0,
            refused: None,
        }
    }

    /// Tells this turn apart from others that the same cause leads to through the same reaction.
    pub(crate) fn about(mut self, key: &str) -> Turn<'a> {
        self.identity = format!("{}/{key}", self.identity);
        self
    }

    /// Makes this a turn in which the service remembers what an earlier self said.
    pub(crate) fn remembering(mut self, own: bool) -> Turn<'a> {
        self.remembers = own;
        self
    }

    /// Whether an earlier self of this service said the fact that is adopted, and the store that knew why is gone: it is
    /// true, whatever else is not known yet.
    pub fn remembers(&self) -> bool {
        self.remembers
    }

    /// The time of the input: when the event happened, the command came, the outcome was known, the reminder was due.
    pub fn now(&self) -> Timestamp {
        self.cause.time
    }

    /// When the input reached the system: for an event the broker's time, which nobody who types one can set. A deadline
    /// counts from here.
    pub fn arrived(&self) -> Timestamp {
        self.cause.arrived
    }

    /// The id of the event or command that led to this turn.
    pub fn cause(&self) -> EventId {
        self.cause.id
    }

    /// The id of what caused the event that is heard; none where its sender named none.
    pub fn causation(&self) -> Option<EventId> {
        self.cause.causation
    }

    /// Who said the event that is heard: `/services/order`, or `/external`.
    pub fn source(&self) -> &str {
        &self.cause.source
    }

    /// The place in the stream up to which this service has heard, the input included; none while it has heard nothing.
    pub fn heard(&self) -> Option<u64> {
        self.cause.heard
    }

    /// A new id, derived from the cause: the same input gives the same id again. Where the cause is a command, it begins with
    /// the time of that, so that what was asked for at one time stands together in the store; with an `idempotency_key` only
    /// where that one begins with a time (UUIDv7): the same key gives the same id also when it comes later.
    pub fn new_id(&self, what: &str) -> EventId {
        let id = EventId::derived(&[self.service, &self.cause.id.to_string(), &self.identity, what]);
        self.cause.begun.map_or(id, |begun| id.at(begun))
    }

    /// The row under `key`, with what this batch wrote so far.
    pub fn row<R: Row>(&self, key: impl AsRef<str>) -> Option<R> {
        self.draft.read(&key::row(R::TABLE, key.as_ref()))
    }

    /// Rows of the kind `R` with their keys, in ascending order of the keys: those that start with `prefix`, behind the key
    /// `after` where one is given, `at_most` so many. With what this batch wrote so far.
    pub fn rows<R: Row>(&self, prefix: &str, after: Option<&str>, at_most: usize) -> Vec<(String, R)> {
        let table = key::row(R::TABLE, "");
        let within = key::row(R::TABLE, prefix);
        // The first key behind another one is that one with a zero byte.
        let from = after.map_or_else(|| within.clone(), |after| [key::row(R::TABLE, after), vec![0]].concat());
        let pairs = self.draft.scan(&within, &from.max(within.clone()), at_most);
        let row = |(key, value): (Vec<u8>, Vec<u8>)| {
            Some((String::from_utf8_lossy(&key[table.len()..]).into_owned(), self.draft.decode(&key, &value)?))
        };
        pairs.into_iter().filter_map(row).collect()
    }

    /// Removes the row under `key`. One that is not there is no error.
    pub fn remove<R: Row>(&mut self, key: impl AsRef<str>) {
        self.draft.remove(key::row(R::TABLE, key.as_ref()));
        self.retire::<R>(key.as_ref(), false);
    }

    /// Forgets everything that was heard, all rows with it, and hears the stream again from its beginning. Only for a
    /// service that says nothing and asks nobody for anything: a read side. A crash in the middle goes on with it.
    pub fn start_over(&mut self) {
        self.draft.turn.start_over = true;
    }

    /// Writes the row under `key`. A row larger than 7 KiB refuses the whole turn.
    pub fn put<R: Row>(&mut self, key: impl AsRef<str>, row: &R) {
        let (place, value) = (key::row(R::TABLE, key.as_ref()), json(row));
        self.fits(place.len() + value.len(), R::TABLE);
        self.draft.put(place, value);
        self.retire::<R>(key.as_ref(), row.is_over());
    }

    /// Marks a row as one that is forgotten some day, or takes the mark back.
    fn retire<R: Row>(&mut self, key: &str, is_over: bool) {
        if !R::ENDS {
            if is_over {
                let detail = format!("a row of {} is over, and its kind does not say that it ENDS", R::TABLE);
                self.refuse(Unacceptable::new("undeclared", detail));
            }
            return;
        }
        let mark = key::retired(R::TABLE, key);
        if is_over {
            let now = self.draft.clock().map_or(self.cause.arrived, |clock| clock.max(self.cause.arrived));
            self.draft.put(mark, timed(Vec::new(), now));
        } else if self.draft.get(&mark).is_some() {
            self.draft.remove(mark);
        }
    }

    /// Says a fact: it is published after the commit, once in effect, after everything said before it.
    pub fn emit<E: Event>(&mut self, event: &E) {
        if !self.reaction.says.contains(&E::TYPE) {
            let detail = format!("{} says {} and does not declare it", self.reaction.name, E::TYPE);
            return self.refuse(Unacceptable::new("undeclared", detail));
        }
        let id = EventId::derived(&[self.service, &self.cause.id.to_string(), &self.identity, &self.said.to_string()]);
        self.said += 1;
        let key = event.key();
        let envelope = Envelope {
            id,
            source: format!("/services/{}", self.service),
            time: self.cause.time,
            version: Some(E::VERSION.to_string()),
            correlation: Some(self.cause.saga.clone().unwrap_or_else(|| key.clone())),
            causation: Some(self.cause.id),
            traceparent: child_trace(&self.cause.traceparent, id),
            subject: Subject::keyed(E::TYPE, key),
        };
        self.say(event, &envelope, envelope.id, None);
    }

    /// Says an event that was typed by hand again, whole and under its key, with its own id.
    ///
    /// `known_to_broker` is whether the broker has seen that id as a message id: it would take the second message for a
    /// duplicate, so that one gets a message id of its own.
    pub(crate) fn say_keyed<E: Event>(&mut self, event: &E, typed: &Envelope, known_to_broker: bool) {
        let key = event.key();
        let envelope = Envelope {
            version: Some(E::VERSION.to_string()),
            correlation: typed.correlation.clone().or_else(|| Some(key.clone())),
            subject: Subject::keyed(E::TYPE, key),
            ..typed.clone()
        };
        let message_id = if known_to_broker { EventId::derived(&["keyed", &typed.id.to_string()]) } else { typed.id };
        let adopted = (ADOPTED, self.service);
        self.say(event, &envelope, message_id, Some(adopted));
    }

    fn say<E: Event>(&mut self, event: &E, envelope: &Envelope, message_id: EventId, more: Option<(&str, &str)>) {
        let body = match events::encode(event) {
            Ok(body) => body,
            Err(error) => return self.refuse(error.into()),
        };
        // The same idempotency key gave the same id before, and the answer that was kept is gone with an earlier store.
        let known = || inbox::seen(&self.draft, envelope.id, None) != Seen::Never;
        if self.reaction.trigger == Trigger::Command && known() {
            let detail = "it was done before, and its answer is not known any more: ask for what there is now";
            return self.refuse(Unacceptable::new(DONE_BEFORE, detail.to_owned()));
        }
        inbox::mark(&mut self.draft, envelope.id, inbox::fingerprint(E::TYPE, &body), envelope.time);
        let mut headers = envelope.headers();
        headers.insert(header::MESSAGE_ID, message_id);
        if let Some((name, value)) = more {
            headers.insert(name, value);
        }
        let body = String::from_utf8(body).expect("serde_json writes UTF-8");
        let message = Message { subject: envelope.subject.to_string(), headers, body };
        self.fits(message.to_row().len(), E::TYPE);
        self.draft.say(message);
    }

    /// Asks the outside for something, after the commit. While an effect of this name and key waits, asking again does
    /// nothing.
    pub fn perform<F: Effect>(&mut self, effect: &F) {
        if !self.reaction.performs.contains(&F::NAME) {
            let detail = format!("{} performs {} and does not declare it", self.reaction.name, F::NAME);
            return self.refuse(Unacceptable::new("undeclared", detail));
        }
        let key = key::effect(F::NAME, &effect.key());
        if self.draft.get(&key).is_some() {
            return;
        }
        let pending = Pending {
            name: F::NAME.to_owned(),
            key: effect.key(),
            request: serde_json::value::to_raw_value(effect).expect("an effect has string keys and plain values"),
            cause: self.cause.id,
            saga: self.cause.saga.clone(),
            traceparent: self.cause.traceparent.clone(),
            asked: self.cause.time,
            attempts: 0,
            last_error: None,
        };
        self.fits(key.len() + json(&pending).len(), F::NAME);
        self.draft.ask(pending);
    }

    /// Takes an effect back: it is not tried again. Should it be on its way all the same, its outcome is ignored. One that
    /// does not wait is no error.
    pub fn withdraw<F: Effect>(&mut self, key: impl AsRef<str>) {
        self.draft.withdraw(F::NAME, key.as_ref());
    }

    /// How the effect of the kind `F` under `key` is getting on; none where it does not wait.
    pub fn waiting<F: Effect>(&self, key: impl AsRef<str>) -> Option<Waiting> {
        let Pending { attempts, last_error, .. } = self.draft.read(&key::effect(F::NAME, key.as_ref()))?;
        Some(Waiting { attempts, last_error })
    }

    /// Asks to be reminded of `key` at `at` by the reaction to `name`. A later reminder of the same name and key
    /// replaces an earlier one.
    pub fn remind(&mut self, name: &str, key: impl AsRef<str>, at: Timestamp) {
        if !self.reaction.reminds.contains(&name) {
            let detail = format!("{} asks for the reminder {name} and does not declare it", self.reaction.name);
            return self.refuse(Unacceptable::new("undeclared", detail));
        }
        self.draft.remind(Reminder { at, name: name.to_owned(), key: key.as_ref().to_owned() });
    }

    /// Takes a reminder back. One that does not stand is no error.
    pub fn forget(&mut self, name: &str, key: impl AsRef<str>) {
        self.draft.forget(name, key.as_ref());
    }

    fn fits(&mut self, bytes: usize, what: &str) {
        if bytes > MAX_ROW_BYTES {
            let detail = format!("the row for {what} would have {bytes} bytes and may have {MAX_ROW_BYTES}: send less");
            self.refuse(Unacceptable::new("too_large", detail));
        }
    }

    fn refuse(&mut self, why: Unacceptable) {
        self.refused.get_or_insert(why);
    }

    /// The draft back, and whether the chassis refuses what the reaction wanted.
    pub(crate) fn finish(self) -> (Draft<'a>, Result<(), Unacceptable>) {
        (self.draft, self.refused.map_or(Ok(()), Err))
    }
}
