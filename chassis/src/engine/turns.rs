//! One input, one turn: which reaction it reaches, and what becomes of it when it is refused.

use events::{Envelope, EventId, Headers, MAX_BODY_BYTES, Subject, header, trace};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Engine, read_timed, timed};
use crate::{
    Answer, Delivery, Pending, Position, Refusal, Reminder, Request, Turn, Unacceptable, Waiting,
    dead_letter::{self, Lost},
    draft::{Draft, json},
    inbox::{self, Seen},
    key,
    service::{Declared, Heard},
    store::MAX_ROW_BYTES,
    turn::{ADOPTED, Cause, DONE_BEFORE},
};

/// The largest answer that is not kept: it fits into a message.
const MAX_ANSWER_BYTES: usize = 512 * 1024;

/// The answer that a command got, kept under its idempotency key.
#[derive(Serialize, Deserialize)]
struct Answered {
    print: [u8; 8],
    answer: String,
}

impl Engine {
    /// A message of the stream: taken, known already, or a dead letter. It is never in the way of the next one.
    pub(super) fn event<'s>(&'s self, draft: Draft<'s>, delivery: &Delivery) -> Draft<'s> {
        let service = self.service.name();
        let lost = |id| Lost {
            subject: &delivery.subject,
            headers: &delivery.headers,
            body: &delivery.body,
            sequence: Some(delivery.sequence),
            id,
            time: delivery.arrival.time,
        };
        let subject = delivery.subject.parse::<Subject>();
        let envelope = match subject.and_then(|it| Envelope::read(it, &delivery.headers, delivery.arrival)) {
            Ok(envelope) => envelope,
            Err(error) => return park(draft, service, &lost(delivery.arrival.id), error.into()),
        };
        let keyed = envelope.subject.key().is_some();
        let own = envelope.subject.producer() == service;
        let print = inbox::fingerprint(envelope.subject.kind(), &delivery.body);
        match inbox::seen(&draft, envelope.id, keyed.then_some(print)) {
            Seen::Never if self.forgetting.was_heard(envelope.time, delivery.arrival.time, draft.clock()) => {
                return draft;
            }
            Seen::Never if self.forgetting.may_have_taken(envelope.time, delivery.arrival.time) => {
                let detail = format!(
                    "it happened at {}, and what happened then is forgotten: it may have been taken already. If it was \
                     not, say it again as a new event",
                    envelope.time
                );
                return park(draft, service, &lost(envelope.id), Unacceptable::new("too_old", detail));
            }
            Seen::Never => {}
            Seen::Before => return draft,
            Seen::WithAnotherBody => {
                let detail = format!("the id {} was used for another body before", envelope.id);
                return park(draft, service, &lost(envelope.id), Unacceptable::new("id_reused", detail));
            }
        }
        let Some(reaction) = self.service.events.get(envelope.subject.kind()).filter(|_| keyed || own) else {
            let kind = envelope.subject.kind().to_owned();
            return match own {
                true => park(draft, service, &lost(envelope.id), events::Error::UnknownType { kind }.into()),
                false => draft,
            };
        };
        let known_to_broker = delivery.headers.contains_key(header::MESSAGE_ID);
        let heard = Heard { envelope: &envelope, body: &delivery.body, known_to_broker };
        let turn = Turn::new(draft, service, &reaction.declared, cause(&envelope, delivery));
        let (mut draft, result) = run(turn, |turn| (reaction.run)(turn, &heard));
        match result {
            Ok(()) => {
                // What was typed by hand is marked by the whole event that it became.
                if keyed {
                    inbox::mark(&mut draft, envelope.id, print, envelope.time);
                }
                draft.keep();
                draft
            }
            Err(why) => park(draft, service, &lost(envelope.id), why),
        }
    }

    /// A fact of the service's own that its store does not know. Only what is adopted stays; the rest is heard again in
    /// its place, and decided there.
    pub(super) fn remembered<'s>(&'s self, draft: Draft<'s>, delivery: &Delivery) -> Draft<'s> {
        let service = self.service.name();
        let read = |subject: Subject| Envelope::read(subject, &delivery.headers, delivery.arrival).ok();
        let envelope = delivery.subject.parse::<Subject>().ok().and_then(read);
        let Some(envelope) = envelope.filter(|it| it.subject.producer() == service && it.subject.key().is_some())
        else {
            return draft;
        };
        let kind = envelope.subject.kind();
        let was_heard = self.forgetting.was_heard(envelope.time, delivery.arrival.time, draft.clock());
        let new = inbox::seen(&draft, envelope.id, None) == Seen::Never && !was_heard;
        let Some(reaction) = self.service.events.get(kind).filter(|_| new) else { return draft };
        let heard = Heard { envelope: &envelope, body: &delivery.body, known_to_broker: true };
        let adopted = delivery.headers.get(ADOPTED).is_some_and(|by| by == service);
        let own = adopted || envelope.source == format!("/services/{service}");
        let turn = Turn::new(draft, service, &reaction.declared, cause(&envelope, delivery)).remembering(own);
        let (mut draft, result) = run(turn, |turn| (reaction.run)(turn, &heard));
        if result.is_ok() {
            inbox::mark(&mut draft, envelope.id, inbox::fingerprint(kind, &delivery.body), envelope.time);
            draft.keep();
        }
        draft
    }

    /// A command and its answer. A refusal changes nothing.
    pub(super) fn command<'s>(
        &'s self,
        draft: Draft<'s>,
        request: &Request,
        position: Option<Position>,
    ) -> (Draft<'s>, Answer) {
        let Some(reaction) = self.service.commands.get(request.command.as_str()) else {
            let message = format!("{} answers no command {}", self.service.name(), request.command);
            return (draft, Err(Refusal::not_found(message)));
        };
        let mut body = match read(&request.body) {
            Ok(body) => body,
            Err(refusal) => return (draft, Err(refusal)),
        };
        // Taken over all of the body, the key included; nobody asks for it where there is no key.
        let print = body.get("idempotency_key").map(|_| inbox::fingerprint(&request.command, &json(&body)));
        let idempotency_key = match take_idempotency_key(&mut body) {
            Ok(key) => key,
            Err(refusal) => return (draft, Err(refusal)),
        };
        let once = idempotency_key
            .as_deref()
            .zip(print)
            .map(|(key, print)| (EventId::derived(&[self.service.name(), "command", &request.command, key]), print));
        if let Some((id, print)) = once
            && let Some((before, _)) = draft.get(&key::answer(id)).and_then(|value| read_timed::<Answered>(&value))
        {
            let answer = match before.print == print {
                true => Ok(before.answer.into_bytes()),
                false => Err(Refusal::conflict("this idempotency_key was used for another body: use a new one")),
            };
            return (draft, answer);
        }
        let id = once.map_or(request.id, |(id, _)| id);
        let begun = idempotency_key.as_deref().map_or(request.id, EventId::named).time();
        let cause = Cause { begun, heard: position.map(|it| it.sequence), ..self.own_cause(id, request.time) };
        let turn = Turn::new(draft, self.service.name(), &reaction.declared, cause);
        let (mut draft, mut answer) = answered(turn, |turn| (reaction.run)(turn, body));
        if let (Some((id, print)), Ok(kept)) = (once, &answer) {
            let answered = json(&Answered { print, answer: String::from_utf8_lossy(kept).into_owned() });
            let answered = timed(answered, draft.clock().unwrap_or(request.time));
            let key = key::answer(id);
            match key.len() + answered.len() > MAX_ROW_BYTES {
                true => answer = Err(too_large(&reaction.declared)),
                false => draft.put(key, answered),
            }
        }
        if answer.as_ref().is_ok_and(|answer| answer.len() > MAX_ANSWER_BYTES) {
            answer = Err(too_large(&reaction.declared));
        }
        match answer.is_ok() {
            true => draft.keep(),
            false => draft.discard(),
        }
        (draft, answer)
    }

    /// The outcome of an effect. One that nobody waits for any more was settled before.
    pub(super) fn outcome<'s>(
        &'s self,
        draft: Draft<'s>,
        name: &str,
        about: &str,
        outcome: &[u8],
        time: Timestamp,
    ) -> Draft<'s> {
        let row = key::effect(name, about);
        let (Some(pending), Some(reaction)) = (draft.read::<Pending>(&row), self.service.outcomes.get(name)) else {
            return draft;
        };
        let Pending { cause, saga, traceparent, request, .. } = pending;
        let cause = Cause { saga, traceparent, ..self.own_cause(cause, time) };
        let mut turn = Turn::new(draft, self.service.name(), &reaction.declared, cause).about(about);
        turn.draft.remove(row.clone());
        let (mut draft, result) = run(turn, |turn| (reaction.run)(turn, request.get(), outcome));
        match result {
            Ok(()) => draft.keep(),
            Err(why) => {
                draft = self.park_own(draft, &format!("effect.{name}.{about}"), outcome, time, why);
                draft.remove(row);
                draft.keep();
            }
        }
        draft
    }

    /// An effect was tried in vain: kept, so that it can be seen how often and why.
    pub(super) fn attempt<'s>(
        &'s self,
        mut draft: Draft<'s>,
        name: &str,
        about: &str,
        attempts: u32,
        error: String,
        time: Timestamp,
    ) -> Draft<'s> {
        let row = key::effect(name, about);
        let Some(pending) = draft.read::<Pending>(&row) else { return draft };
        let waiting = Waiting { attempts, last_error: Some(error.clone()) };
        let pending = Pending { attempts, last_error: Some(error), ..pending };
        draft.put(row, json(&pending));
        draft.keep();
        let Some(reaction) = self.service.attempts.get(name) else { return draft };
        let Pending { cause, saga, traceparent, request, .. } = pending;
        let cause = Cause { saga, traceparent, ..self.own_cause(cause, time) };
        // Its outcome is another turn with the same cause; no key holds a space.
        let turn = Turn::new(draft, self.service.name(), &reaction.declared, cause);
        let turn = turn.about(&format!("{about} attempt {attempts}"));
        let (mut draft, result) = run(turn, |turn| (reaction.run)(turn, request.get(), &waiting));
        if let Err(why) = result {
            draft = self.park_own(draft, &format!("effect.{name}.{about}"), b"", time, why);
        }
        draft.keep();
        draft
    }

    /// A reminder that is due. One that was taken back or replaced meanwhile does nothing.
    pub(super) fn reminder<'s>(&'s self, draft: Draft<'s>, due: &Reminder) -> Draft<'s> {
        let row = key::reminder(&due.name, &due.key);
        let stands = draft.read::<Reminder>(&row).is_some_and(|standing| standing == *due);
        let Some(reaction) = self.service.reminders.get(due.name.as_str()).filter(|_| stands) else {
            return draft;
        };
        let id = EventId::derived(&[self.service.name(), "reminder", &due.name, &due.key, &due.at.to_string()]);
        let saga = events::Key::try_from(due.key.as_str()).ok();
        let cause = Cause { saga, ..self.own_cause(id, due.at) };
        let mut turn = Turn::new(draft, self.service.name(), &reaction.declared, cause);
        turn.draft.remove(row.clone());
        let (mut draft, result) = run(turn, |turn| (reaction.run)(turn, &due.key));
        match result {
            Ok(()) => draft.keep(),
            Err(why) => {
                draft = self.park_own(draft, &format!("reminder.{}.{}", due.name, due.key), b"", due.at, why);
                draft.remove(row);
                draft.keep();
            }
        }
        draft
    }

    /// Where an input comes from that never stood in the stream.
    fn own_cause(&self, id: EventId, time: Timestamp) -> Cause {
        let source = format!("/services/{}", self.service.name());
        let traceparent = trace(id);
        Cause { id, begun: None, time, arrived: time, saga: None, traceparent, source, causation: None, heard: None }
    }

    /// Parks an input that never stood in the stream.
    fn park_own<'s>(
        &'s self,
        draft: Draft<'s>,
        subject: &str,
        body: &[u8],
        time: Timestamp,
        why: Unacceptable,
    ) -> Draft<'s> {
        let id = EventId::derived(&[self.service.name(), subject, &time.to_string()]);
        let lost = Lost { subject, headers: &Headers::new(), body, sequence: None, id, time };
        park(draft, self.service.name(), &lost, why)
    }
}

/// Where a message comes from.
fn cause(envelope: &Envelope, delivery: &Delivery) -> Cause {
    let Envelope { id, time, correlation, traceparent, source, causation, .. } = envelope;
    Cause {
        id: *id,
        begun: None,
        time: *time,
        arrived: delivery.arrival.time,
        saga: correlation.clone(),
        traceparent: traceparent.clone(),
        source: source.clone(),
        causation: *causation,
        heard: Some(delivery.sequence),
    }
}

/// Runs a reaction. When it is refused, by itself or by the chassis, nothing of the turn stays in the draft.
fn run<'s>(
    mut turn: Turn<'s>,
    reaction: impl FnOnce(&mut Turn<'s>) -> Result<(), Unacceptable>,
) -> (Draft<'s>, Result<(), Unacceptable>) {
    let result = reaction(&mut turn);
    let (mut draft, allowed) = turn.finish();
    let result = result.and(allowed);
    if result.is_err() {
        draft.discard();
    }
    (draft, result)
}

/// Runs the reaction to a command.
fn answered<'s>(mut turn: Turn<'s>, reaction: impl FnOnce(&mut Turn<'s>) -> Answer) -> (Draft<'s>, Answer) {
    let answer = reaction(&mut turn);
    let (draft, allowed) = turn.finish();
    let refused = |why: Unacceptable| match why.reason == DONE_BEFORE {
        true => Refusal::conflict(why.detail),
        false => Refusal::unprocessable(why.detail),
    };
    let answer = answer.and_then(|answer| allowed.map(|()| answer).map_err(refused));
    (draft, answer)
}

fn too_large(declared: &Declared) -> Refusal {
    Refusal::unprocessable(format!("the answer of {} would be too large: ask for less", declared.hears))
}

/// Parks `lost` as a dead letter, once. It is not marked as taken: redriven, it gets another chance.
fn park<'s>(mut draft: Draft<'s>, service: &'static str, lost: &Lost<'_>, why: Unacceptable) -> Draft<'s> {
    tracing::warn!(subject = lost.subject, reason = %why.reason, "dead letter: {}", why.detail);
    let message = dead_letter::message(service, lost, why);
    let id = EventId::named(&message.headers[header::MESSAGE_ID]);
    if inbox::seen(&draft, id, None) == Seen::Never {
        inbox::mark(&mut draft, id, [0; 8], lost.time);
        draft.say(message);
        draft.keep();
    }
    draft
}

/// The body of a command as JSON. Its depth is bounded by the parser.
pub(super) fn read(body: &[u8]) -> Result<serde_json::Value, Refusal> {
    if body.len() > MAX_BODY_BYTES {
        let bytes = body.len();
        return Err(Refusal::unreadable(format!(
            "the body has {bytes} bytes and may have {MAX_BODY_BYTES}: send less"
        )));
    }
    // A command without a body is one without fields: `nats req svc.order.get ''` says which are missing.
    let body = if body.is_empty() { b"{}" } else { body };
    match serde_json::from_slice(body) {
        Ok(body @ serde_json::Value::Object(_)) => Ok(body),
        Ok(_) => Err(Refusal::unreadable("the body is JSON and not an object: use {\"field\": value}")),
        Err(error) => Err(Refusal::unreadable(format!("the body is not JSON: {error}"))),
    }
}

/// Takes the `idempotency_key` out of a command: it is the chassis' business, for every command alike.
fn take_idempotency_key(body: &mut serde_json::Value) -> Result<Option<String>, Refusal> {
    match body.as_object_mut().and_then(|fields| fields.remove("idempotency_key")) {
        None | Some(serde_json::Value::Null) => Ok(None),
        Some(serde_json::Value::String(key)) if (1..=255).contains(&key.len()) => Ok(Some(key)),
        Some(_) => Err(Refusal::unreadable("idempotency_key: use a string of 1 to 255 bytes")),
    }
}
