//! What every service answers about itself: up to where it has heard, and what it waits for. It is how an operator finds
//! out whose turn it is, and why nothing happens.

use std::collections::BTreeMap;

use events::Key;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Engine, turns};
use crate::{
    Answer, Message, Pending, Position, Refusal, Reminder, draft::Draft, draft::json, key, outbox::chunk::Texts,
};

/// How many effects, reminders and outbox rows are looked at: an answer must not stop the service.
const LOOKED_AT: usize = 10_000;

/// How many of each are named.
const NAMED: usize = 20;

/// `svc.<service>.waits`: everything, or what is about one key.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    key: Option<Key>,
}

/// What a service waits for.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waits {
    /// Who answers.
    pub service: String,
    /// Up to where the stream is heard.
    pub heard: Option<u64>,
    /// How many outbox rows the broker has not confirmed.
    pub outbox_rows: usize,
    /// The subjects of the first of those that were asked about.
    pub outbox: Vec<String>,
    /// Effects without an outcome.
    pub effects: Vec<WaitingEffect>,
    /// Reminders that stand.
    pub reminders: Vec<Reminder>,
}

/// An effect without an outcome.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingEffect {
    /// `charge`.
    pub name: String,
    /// The idempotency key.
    pub key: String,
    /// When it was asked for.
    pub asked: Timestamp,
    /// How often it was tried in vain.
    pub attempts: u32,
    /// Why the last attempt was in vain.
    pub last_error: Option<String>,
    /// Until when the breaker of its kind is open, where it is.
    pub breaker_open_until: Option<Timestamp>,
}

impl Engine {
    /// Answers [`Waits`].
    pub(super) fn waits(
        &self,
        draft: &Draft<'_>,
        body: &[u8],
        position: Option<Position>,
        breakers: &BTreeMap<String, Timestamp>,
    ) -> Answer {
        let unreadable = |error| Refusal::unreadable(format!("the body does not read as waits: {error}"));
        let question: Question = serde_json::from_value(turns::read(body)?).map_err(unreadable)?;
        let about = |key: &str| question.key.as_ref().is_none_or(|asked| asked.as_str() == key);
        let mut texts = Texts::of(&*self.store);
        let subject = |number| {
            let line = texts.get(number).map(|text| text.map(|text| Message::subject_of(text).into_owned()));
            draft.or_fault(line)
        };
        let subjects = self.said.unconfirmed().take(LOOKED_AT).filter_map(subject);
        let effect = |it: Pending| WaitingEffect {
            breaker_open_until: breakers.get(&it.name).copied(),
            name: it.name,
            key: it.key,
            asked: it.asked,
            attempts: it.attempts,
            last_error: it.last_error,
        };
        let effects = draft.scan(key::EFFECTS, key::EFFECTS, LOOKED_AT).into_iter();
        let effects = effects.filter_map(|(key, value)| draft.decode::<Pending>(&key, &value));
        let effects = effects.filter(|it| it.saga.as_ref().map_or_else(|| about(&it.key), |saga| about(saga.as_str())));
        let reminders = draft.scan(key::REMINDERS, key::REMINDERS, LOOKED_AT).into_iter();
        let reminders = reminders.filter_map(|(key, value)| draft.decode::<Reminder>(&key, &value));
        Ok(json(&Waits {
            service: self.service.name().to_owned(),
            heard: position.map(|it| it.sequence),
            outbox_rows: self.said.unconfirmed().len(),
            outbox: subjects.filter(|it| about(it.rsplit('.').next().unwrap_or_default())).take(NAMED).collect(),
            effects: effects.map(effect).take(NAMED).collect(),
            reminders: reminders.filter(|it| about(&it.key)).take(NAMED).collect(),
        }))
    }
}
