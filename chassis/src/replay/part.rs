//! One service's part in a recording.
//!
//! An event stands in the stream where it was published, and was decided before that: perhaps before its service heard
//! what stands just above it. What a service says it publishes in the order in which it decided it, so where its answer to
//! an event is not the recorded one, and is when it had decided its next facts first, then that is how it was.

use std::collections::{HashMap, HashSet};

use events::{EventId, Key, header};

use super::{
    Difference, Left, Said, What,
    paper::Paper,
    story::{Origin, Story},
};
use crate::{DeadLetter, Engine, Error, Input, Released, Service, effect, reminder};

/// How many of its next facts a service may have decided before it heard an event.
const AHEAD_AT_MOST: usize = 64;

/// A service on its way through a recording.
pub(super) struct Part<'s> {
    story: &'s Story,
    name: &'static str,
    engine: Engine,
    paper: Paper,
    /// Why the service said what it said, by place.
    origins: HashMap<usize, Origin>,
    /// The places of what it said on hearing an event.
    answers: HashMap<EventId, Vec<usize>>,
    /// Facts that it had decided before it heard what stands above them.
    decided: HashSet<usize>,
    /// What it said so far.
    said: HashSet<EventId>,
    /// The effects that it asked for so far, by name, and the saga of each.
    asked: HashSet<(String, Option<Key>)>,
    turns: usize,
    /// The last turn of each saga in which it said something that was recorded.
    last: HashMap<Option<Key>, usize>,
    found: Vec<(usize, Difference)>,
}

/// What a service's part came to.
pub(super) struct Played {
    /// Where it differs, and whether the service said nothing more in that saga then.
    pub differences: Vec<(Difference, bool)>,
    pub left: Vec<Left>,
}

/// What an event led to, before it counts.
struct Step {
    at: usize,
    said: Vec<Said>,
    refused: Vec<DeadLetter>,
    asked: Vec<(String, Option<Key>)>,
}

impl<'s> Part<'s> {
    pub fn new(service: Service, story: &'s Story) -> Result<Part<'s>, Error> {
        let name = service.name();
        let own = |at: &usize| story.events[*at].envelope.subject.producer() == name;
        let origins: HashMap<_, _> =
            (0..story.events.len()).filter(own).map(|at| (at, story.origin(&service, at))).collect();
        let mut answers: HashMap<_, Vec<_>> = HashMap::new();
        for (at, origin) in &origins {
            if let Origin::Reaction(cause) = origin {
                answers.entry(*cause).or_default().push(*at);
            }
        }
        answers.values_mut().for_each(|places| places.sort_unstable());
        let paper = Paper::default();
        let mut engine = Engine::open(service, Box::new(paper.clone()), EventId::derived(&["replay", name]))?;
        engine.take(vec![Input::AllRemembered { from: 1 }, Input::CaughtUp])?;
        Ok(Part {
            story,
            name,
            engine,
            paper,
            origins,
            answers,
            decided: HashSet::new(),
            said: HashSet::new(),
            asked: HashSet::new(),
            turns: 0,
            last: HashMap::new(),
            found: Vec::new(),
        })
    }

    /// Plays the part to the end of the recording.
    pub fn play(mut self) -> Result<Played, Error> {
        for at in 0..self.story.events.len() {
            let event = &self.story.events[at].envelope;
            let (kind, keyed) = (event.subject.kind(), event.subject.key().is_some());
            match self.origins.get(&at) {
                None if keyed && self.engine.service.events.contains_key(kind) => self.hear(at)?,
                None => {}
                // Said again by itself, or remembered before its place.
                Some(_) if keyed && self.said.contains(&event.id) => {}
                Some(Origin::Foreign) => self.hear(at)?,
                // That it is not said is known by now; what follows is to follow from what was.
                Some(Origin::Reaction(_)) => {
                    self.remember(at)?;
                    self.counts(at);
                }
                Some(Origin::Effect | Origin::Outside) => {
                    let step = self.remember(at)?;
                    self.keep(step);
                }
            }
        }
        let left = self.left()?;
        let last = &self.last;
        let is_last = |turn: usize, difference: &Difference| match &difference.what {
            What::Says { now: Some(now), .. } => last.get(&now.saga).is_none_or(|last| *last < turn),
            _ => false,
        };
        let found = self.found.into_iter();
        let differences = found.map(|(turn, difference)| {
            let last = is_last(turn, &difference);
            (difference, last)
        });
        Ok(Played { differences: differences.collect(), left })
    }

    /// Hears an event: at once, or after as many of its next facts as it takes to answer what was recorded.
    fn hear(&mut self, at: usize) -> Result<(), Error> {
        self.paper.mark();
        let step = self.take(at)?;
        if self.differences(&step).is_empty() {
            self.keep(step);
            return Ok(());
        }
        let ahead = self.ahead(at);
        for many in 1..=ahead.len() {
            self.paper.take_back(&mut self.engine.inbox)?;
            if let Some(steps) = self.after(&ahead[..many], at)? {
                self.decided.extend(&ahead[..many]);
                steps.into_iter().for_each(|step| self.keep(step));
                return Ok(());
            }
        }
        self.paper.take_back(&mut self.engine.inbox)?;
        let step = self.take(at)?;
        self.keep(step);
        Ok(())
    }

    /// The event after `ahead`, if everything fits then.
    fn after(&mut self, ahead: &[usize], at: usize) -> Result<Option<Vec<Step>>, Error> {
        let mut steps = Vec::new();
        for earlier in ahead {
            let step = self.remember(*earlier)?;
            if !self.differences(&step).is_empty() {
                return Ok(None);
            }
            steps.push(step);
        }
        steps.push(self.take(at)?);
        let fits = steps.last().is_some_and(|step| self.differences(step).is_empty());
        Ok(fits.then_some(steps))
    }

    /// The facts that the service may have decided before it heard the event at this place, in their order.
    fn ahead(&self, at: usize) -> Vec<usize> {
        let causes_before = |place: usize| {
            let cause = self.story.events[place].envelope.causation.and_then(|id| self.story.place(id));
            cause.is_none_or(|cause| cause < at)
        };
        let own = (at + 1..self.story.events.len()).filter(|place| !self.decided.contains(place));
        own.filter_map(|place| Some((place, self.origins.get(&place)?)))
            .filter(|(_, origin)| **origin != Origin::Foreign)
            // What it says on hearing this event, or a later one, it had not said yet: nor what it said after that.
            .take_while(|(place, _)| causes_before(*place))
            .filter(|(_, origin)| matches!(origin, Origin::Effect | Origin::Outside))
            .map(|(place, _)| place)
            .take(AHEAD_AT_MOST)
            .collect()
    }

    fn take(&mut self, at: usize) -> Result<Step, Error> {
        let delivery = self.story.events[at].delivery();
        let released = self.engine.take(vec![Input::Event(delivery)])?;
        Ok(step(at, released))
    }

    /// Takes a fact as one that an earlier self said; what it cannot take so, it refuses in its place.
    fn remember(&mut self, at: usize) -> Result<Step, Error> {
        let delivery = self.story.events[at].delivery();
        let inputs = vec![Input::Remembered(delivery.clone()), Input::Event(delivery)];
        Ok(step(at, self.engine.take(inputs)?))
    }

    /// A step counts.
    fn keep(&mut self, step: Step) {
        self.turns += 1;
        let on = self.story.events[step.at].moment();
        let differences = self.differences(&step).into_iter();
        let found = differences.map(|what| Difference { service: self.name, on: on.clone(), what });
        self.found.extend(found.map(|it| (self.turns, it)));
        if self.origins.contains_key(&step.at) {
            self.counts(step.at);
        }
        for said in step.said {
            if self.story.event(said.id).is_some() {
                self.last.insert(said.saga, self.turns);
            }
            self.said.insert(said.id);
        }
        self.asked.extend(step.asked);
    }

    /// The fact at this place, of the service's own, is known from this turn on.
    fn counts(&mut self, at: usize) {
        let envelope = &self.story.events[at].envelope;
        self.last.insert(envelope.correlation.clone(), self.turns);
        self.said.insert(envelope.id);
    }

    /// Where a step differs from what was recorded.
    fn differences(&self, step: &Step) -> Vec<What> {
        let event = &self.story.events[step.at];
        let origin = self.origins.get(&step.at);
        let mut differences = Vec::new();
        if origin == Some(&Origin::Effect) && !self.is_asked_for(step.at) {
            differences.push(What::AsksForNothing);
        }
        // What somebody typed under its key nobody said again: it may have been refused then too.
        let typed = origin == Some(&Origin::Foreign) && !event.is_whole;
        let refused = step.refused.iter().filter(|_| !typed);
        differences.extend(refused.map(|it| What::Refuses { reason: it.reason.clone(), detail: it.detail.clone() }));
        for now in &step.said {
            let then = self.story.event(now.id).map(|it| it.said());
            if !then.as_ref().is_some_and(|then| then.is(now)) {
                differences.push(What::Says { then, now: Some(now.clone()) });
            }
        }
        for place in self.answers.get(&event.envelope.id).into_iter().flatten() {
            let then = self.story.events[*place].said();
            if !self.said.contains(&then.id) && step.said.iter().all(|now| now.id != then.id) {
                differences.push(What::Says { then: Some(then), now: None });
            }
        }
        differences
    }

    /// Whether the service asked for an effect of that saga whose outcome may be the event at this place.
    fn is_asked_for(&self, at: usize) -> bool {
        let event = &self.story.events[at].envelope;
        let service = &self.engine.service;
        self.asked.iter().filter(|(_, saga)| *saga == event.correlation).any(|(name, _)| {
            let outcome = service.outcomes.get(name.as_str()).map(|it| &it.declared);
            let attempt = service.attempts.get(name.as_str()).map(|it| &it.declared);
            outcome.into_iter().chain(attempt).any(|it| it.says.contains(&event.subject.kind()))
        })
    }

    fn left(&self) -> Result<Vec<Left>, Error> {
        let service = self.name;
        let effects = effect::waiting(&self.paper)?.into_iter();
        let effects = effects.map(|it| Left::Effect { service, name: it.name, key: it.key });
        let reminders = reminder::standing(&self.paper)?.into_iter();
        Ok(effects.chain(reminders.map(|reminder| Left::Reminder { service, reminder })).collect())
    }
}

/// What a commit released, as far as it differs or not. Nothing of it is done.
fn step(at: usize, released: Released) -> Step {
    let mut step = Step { at, said: Vec::new(), refused: Vec::new(), asked: Vec::new() };
    for row in released.said {
        let message = row.message;
        if message.subject.starts_with("dead.") {
            step.refused.extend(serde_json::from_str::<DeadLetter>(&message.body));
            continue;
        }
        let id = EventId::named(message.headers.get(header::ID).unwrap_or_default());
        let saga = message.headers.get(header::CORRELATION).and_then(|it| Key::try_from(it).ok());
        step.said.push(Said::new(id, &message.subject, saga, message.body.as_bytes()));
    }
    step.asked = released.asked.into_iter().map(|it| (it.name, it.saga)).collect();
    step
}
