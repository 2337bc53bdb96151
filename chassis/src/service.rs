//! A service as a value: a table of what it hears, what it then says and what it asks of the outside.
//!
//! The table is all there is: it runs a service, replays one in memory, and draws the choreography.

use std::collections::BTreeMap;

use events::{Envelope, Event, Role};
use serde::{Serialize, de::DeserializeOwned};

use crate::{Effect, Refusal, Turn, Unacceptable, Waiting};

/// What moves a reaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// An event of another service, or of its own.
    Event,
    /// A fact of its own kind that it did not say itself.
    OwnFact,
    /// A command.
    Command,
    /// The outcome of an effect.
    Outcome,
    /// An attempt at an effect that was in vain.
    Attempt,
    /// A reminder.
    Reminder,
}

/// What is declared about a reaction where it is registered.
#[derive(Clone, Debug, Serialize)]
pub struct Declared {
    /// What kind of input it reacts to.
    pub trigger: Trigger,
    /// What it reacts to, and its name in the ids of what it says: an event's type, a command, an effect, a reminder.
    pub hears: String,
    /// The function, for people.
    pub name: &'static str,
    /// The types of the events that it may say.
    pub says: Vec<&'static str>,
    /// The names of the effects that it may ask for.
    pub performs: Vec<&'static str>,
    /// The names of the reminders that it may ask for.
    pub reminds: Vec<&'static str>,
    /// The types of the events of this service whose effect it takes back.
    pub compensates: Vec<&'static str>,
}

type OnEvent = Box<dyn Fn(&mut Turn<'_>, &Heard<'_>) -> Result<(), Unacceptable> + Send + Sync>;
type OnCommand = Box<dyn Fn(&mut Turn<'_>, serde_json::Value) -> Result<Vec<u8>, Refusal> + Send + Sync>;
type OnOutcome = Box<dyn Fn(&mut Turn<'_>, &str, &[u8]) -> Result<(), Unacceptable> + Send + Sync>;
type OnAttempt = Box<dyn Fn(&mut Turn<'_>, &str, &Waiting) -> Result<(), Unacceptable> + Send + Sync>;
type OnReminder = Box<dyn Fn(&mut Turn<'_>, &str) -> Result<(), Unacceptable> + Send + Sync>;

/// An event on its way into a reaction.
pub(crate) struct Heard<'a> {
    pub envelope: &'a Envelope,
    pub body: &'a [u8],
    /// Whether the broker has seen the event's id as a message id.
    pub known_to_broker: bool,
}

/// A reaction with what is declared about it.
pub(crate) struct Reaction<F> {
    pub declared: Declared,
    pub run: F,
}

/// The name of the command that every service answers: what it heard, and what it waits for.
pub(crate) const WAITS: &str = "waits";

/// The name of the command that every service answers: how much it took, wrote and published.
pub(crate) const FIGURES: &str = "figures";

/// The commands about a service itself.
pub(crate) const ABOUT_ITSELF: [&str; 2] = [WAITS, FIGURES];

/// A service: a name and a table of reactions.
pub struct Service {
    name: &'static str,
    last: Option<(Trigger, &'static str)>,
    /// The events that the table speaks of, with the version and the role of each.
    pub(crate) kinds: BTreeMap<&'static str, (u32, Role)>,
    pub(crate) events: BTreeMap<&'static str, Reaction<OnEvent>>,
    pub(crate) commands: BTreeMap<&'static str, Reaction<OnCommand>>,
    pub(crate) outcomes: BTreeMap<&'static str, Reaction<OnOutcome>>,
    pub(crate) attempts: BTreeMap<&'static str, Reaction<OnAttempt>>,
    pub(crate) reminders: BTreeMap<&'static str, Reaction<OnReminder>>,
}

impl Service {
    /// A service that hears nothing yet. It owns the events whose type starts with `name`.
    pub fn new(name: &'static str) -> Service {
        Service {
            name,
            last: None,
            kinds: BTreeMap::new(),
            events: BTreeMap::new(),
            commands: BTreeMap::new(),
            outcomes: BTreeMap::new(),
            attempts: BTreeMap::new(),
            reminders: BTreeMap::new(),
        }
    }

    /// The service's name: the prefix of its events and its commands, its store's folder, its consumer.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Reacts to an event. The same event again, before or after a restart, does not reach the reaction.
    pub fn on<E: Event>(
        self,
        reaction: impl Fn(&mut Turn<'_>, &E) -> Result<(), Unacceptable> + Send + Sync + 'static,
    ) -> Service {
        self.hears(Trigger::Event, reaction)
    }

    fn hears<E: Event>(
        mut self,
        trigger: Trigger,
        reaction: impl Fn(&mut Turn<'_>, &E) -> Result<(), Unacceptable> + Send + Sync + 'static,
    ) -> Service {
        let declared = declare(trigger, E::TYPE, &reaction);
        let run: OnEvent = Box::new(move |turn, heard| {
            let event: E = events::decode(heard.envelope, heard.body)?;
            turn.cause.saga.get_or_insert_with(|| event.key());
            // Before anything that follows from it; a reaction that refuses it takes this back too.
            if heard.envelope.subject.key().is_none() {
                turn.say_keyed(&event, heard.envelope, heard.known_to_broker);
            }
            reaction(turn, &event)
        });
        self.events.insert(E::TYPE, Reaction { declared, run });
        self.last = Some((trigger, E::TYPE));
        self.knows::<E>()
    }

    fn knows<E: Event>(mut self) -> Service {
        self.kinds.insert(E::TYPE, (E::VERSION, E::ROLE));
        self
    }

    /// Takes a fact of this service's own kind that it did not say itself, typed by hand or said before its store was
    /// lost, into its state; or refuses it, because it contradicts what the service knows.
    pub fn adopts<E: Event>(
        self,
        reaction: impl Fn(&mut Turn<'_>, &E) -> Result<(), Unacceptable> + Send + Sync + 'static,
    ) -> Service {
        assert!(self.owns(E::TYPE), "{} adopts {}, which is not its own: use on", self.name, E::TYPE);
        self.hears(Trigger::OwnFact, reaction)
    }

    /// Answers a command, `svc.<service>.<name>`. The answer is sent after the change is durable; a refusal changes
    /// nothing. With an `idempotency_key` the same command gets the same answer again.
    pub fn answers<C: DeserializeOwned, A: Serialize>(
        mut self,
        name: &'static str,
        reaction: impl Fn(&mut Turn<'_>, C) -> Result<A, Refusal> + Send + Sync + 'static,
    ) -> Service {
        assert!(!ABOUT_ITSELF.contains(&name), "every service answers {name}: use another name");
        let declared = declare(Trigger::Command, name, &reaction);
        let run: OnCommand = Box::new(move |turn, body| {
            let command = C::deserialize(body)
                .map_err(|error| Refusal::unreadable(format!("the body does not read as {name}: {error}")))?;
            let answer = reaction(turn, command)?;
            Ok(crate::draft::json(&answer))
        });
        self.commands.insert(name, Reaction { declared, run });
        self.last = Some((Trigger::Command, name));
        self
    }

    /// Takes the outcome of an effect. It comes exactly once per effect that was asked for.
    pub fn settles<F: Effect>(
        mut self,
        reaction: impl Fn(&mut Turn<'_>, &F, &F::Outcome) -> Result<(), Unacceptable> + Send + Sync + 'static,
    ) -> Service {
        let declared = declare(Trigger::Outcome, F::NAME, &reaction);
        let run: OnOutcome = Box::new(move |turn, request, outcome| {
            let effect: F = serde_json::from_str(request).map_err(unreadable)?;
            let outcome: F::Outcome = serde_json::from_slice(outcome).map_err(unreadable)?;
            reaction(turn, &effect, &outcome)
        });
        self.outcomes.insert(F::NAME, Reaction { declared, run });
        self.last = Some((Trigger::Outcome, F::NAME));
        self
    }

    /// Hears of every attempt at an effect that was in vain, with how often it was tried and why the last one failed. It
    /// is tried again whatever the reaction does. An attempt that a crash cut off is not counted.
    pub fn struggles<F: Effect>(
        mut self,
        reaction: impl Fn(&mut Turn<'_>, &F, &Waiting) -> Result<(), Unacceptable> + Send + Sync + 'static,
    ) -> Service {
        let declared = declare(Trigger::Attempt, F::NAME, &reaction);
        let run: OnAttempt = Box::new(move |turn, request, waiting| {
            let effect: F = serde_json::from_str(request).map_err(unreadable)?;
            reaction(turn, &effect, waiting)
        });
        self.attempts.insert(F::NAME, Reaction { declared, run });
        self.last = Some((Trigger::Attempt, F::NAME));
        self
    }

    /// Reacts to a reminder that [`Turn::remind`] asked for, with the key that it is about.
    pub fn reminded(
        mut self,
        name: &'static str,
        reaction: impl Fn(&mut Turn<'_>, &str) -> Result<(), Unacceptable> + Send + Sync + 'static,
    ) -> Service {
        let declared = declare(Trigger::Reminder, name, &reaction);
        self.reminders.insert(name, Reaction { declared, run: Box::new(reaction) });
        self.last = Some((Trigger::Reminder, name));
        self
    }

    /// Declares that the reaction above may say `E`. One that says something else is refused.
    pub fn says<E: Event>(mut self) -> Service {
        self.declared().says.push(E::TYPE);
        self.knows::<E>()
    }

    /// Declares that the reaction above may ask for the effect `F`. One that asks for something else is refused.
    pub fn performs<F: Effect>(mut self) -> Service {
        self.declared().performs.push(F::NAME);
        self
    }

    /// Declares that the reaction above may ask for the reminder `name`. One that asks for another is refused.
    pub fn reminds(mut self, name: &'static str) -> Service {
        self.declared().reminds.push(name);
        self
    }

    /// Declares that the reaction above takes back what `E`, an event of this service, did: the way back of that step.
    pub fn compensates<E: Event>(mut self) -> Service {
        self.declared().compensates.push(E::TYPE);
        self.knows::<E>()
    }

    /// Everything that is declared, in the order: events, commands, effects' outcomes and attempts, reminders.
    pub fn reactions(&self) -> impl Iterator<Item = &Declared> {
        let events = self.events.values().map(|it| &it.declared);
        let commands = self.commands.values().map(|it| &it.declared);
        let outcomes = self.outcomes.values().map(|it| &it.declared);
        let attempts = self.attempts.values().map(|it| &it.declared);
        let reminders = self.reminders.values().map(|it| &it.declared);
        events.chain(commands).chain(outcomes).chain(attempts).chain(reminders)
    }

    /// The names of the commands that it answers, those that every service answers among them.
    pub fn commands(&self) -> impl Iterator<Item = &'static str> {
        self.commands.keys().copied().chain(ABOUT_ITSELF)
    }

    /// Whether its turn on a command may say or ask for something.
    pub(crate) fn says_on(&self, command: &str) -> bool {
        let declared = self.commands.get(command).map(|it| &it.declared);
        declared.is_some_and(|it| !(it.says.is_empty() && it.performs.is_empty()))
    }

    /// The names of the effects that it needs performed.
    pub fn effects(&self) -> impl Iterator<Item = &'static str> {
        self.outcomes.keys().copied()
    }

    /// What its consumer listens to: everything of its own, typed by hand too, and what it hears of others, keyed.
    pub fn subjects(&self) -> Vec<String> {
        let own = self.owns_events().then(|| format!("{}.>", self.name));
        let foreign = self.events.keys().filter(|kind| !self.owns(kind)).map(|kind| format!("{kind}.*"));
        own.into_iter().chain(foreign).collect()
    }

    /// Whether there are events of its own kind: a read side has none.
    pub fn owns_events(&self) -> bool {
        self.reactions().any(|it| !it.says.is_empty()) || self.events.keys().any(|kind| self.owns(kind))
    }

    /// Whether an event of that type is one of its own.
    pub(crate) fn owns(&self, kind: &str) -> bool {
        kind.split('.').next() == Some(self.name)
    }

    fn declared(&mut self) -> &mut Declared {
        let (trigger, name) = self.last.expect("says, performs and their like stand behind a reaction");
        let found = match trigger {
            Trigger::Event | Trigger::OwnFact => self.events.get_mut(name).map(|it| &mut it.declared),
            Trigger::Command => self.commands.get_mut(name).map(|it| &mut it.declared),
            Trigger::Outcome => self.outcomes.get_mut(name).map(|it| &mut it.declared),
            Trigger::Attempt => self.attempts.get_mut(name).map(|it| &mut it.declared),
            Trigger::Reminder => self.reminders.get_mut(name).map(|it| &mut it.declared),
        };
        found.expect("the reaction above was just registered")
    }
}

fn declare<F>(trigger: Trigger, hears: &str, _reaction: &F) -> Declared {
    let path = std::any::type_name::<F>();
    let name = path.rsplit("::").next().unwrap_or(path);
    let hears = hears.to_owned();
    Declared {
        trigger,
        hears,
        name,
        says: Vec::new(),
        performs: Vec::new(),
        reminds: Vec::new(),
        compensates: Vec::new(),
    }
}

fn unreadable(error: serde_json::Error) -> Unacceptable {
    Unacceptable::new("malformed", error.to_string())
}

#[cfg(test)]
mod tests {
    use events::OrderCreated;

    use super::*;

    fn nothing(_: &mut Turn<'_>, _: serde_json::Value) -> Result<(), Refusal> {
        Ok(())
    }

    #[test]
    fn a_command_that_says_nothing_is_one_that_only_reads() {
        let service = Service::new("order").answers("place", nothing).says::<OrderCreated>().answers("get", nothing);
        let commands: Vec<_> = service.commands().map(|name| (name, service.says_on(name))).collect();
        assert_eq!(commands, [("get", false), ("place", true), (WAITS, false), (FIGURES, false)]);
    }
}
