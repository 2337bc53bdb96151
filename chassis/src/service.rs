//! A service as a value: a table of what it hears, what it then says and what it asks of the outside.
//!
//! The table is all there is: it runs a service, replays one in memory, and draws the choreography.

use std::collections::BTreeMap;

use events::{Envelope, Event};
use serde::{Serialize, de::DeserializeOwned};

use crate::{Effect, Refusal, Turn, Unacceptable};

/// What is declared about a reaction where it is registered.
#[derive(Clone, Debug)]
pub struct Declared {
    /// What it reacts to, and its name in the ids of what it says: an event's type, a command, an effect, a reminder.
    pub hears: String,
    /// The function, for people.
    pub name: &'static str,
    /// The types of the events that it may say.
    pub says: Vec<&'static str>,
    /// The names of the effects that it may ask for.
    pub performs: Vec<&'static str>,
}

type OnEvent = Box<dyn Fn(&mut Turn<'_>, &Heard<'_>) -> Result<(), Unacceptable> + Send + Sync>;
type OnCommand = Box<dyn Fn(&mut Turn<'_>, serde_json::Value) -> Result<Vec<u8>, Refusal> + Send + Sync>;
type OnOutcome = Box<dyn Fn(&mut Turn<'_>, &str, &[u8]) -> Result<(), Unacceptable> + Send + Sync>;
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

/// Which of the four tables a declaration was made in last.
enum Last {
    Event(&'static str),
    Command(&'static str),
    Effect(&'static str),
    Reminder(&'static str),
}

/// A service: a name and a table of reactions.
pub struct Service {
    name: &'static str,
    last: Option<Last>,
    pub(crate) events: BTreeMap<&'static str, Reaction<OnEvent>>,
    pub(crate) commands: BTreeMap<&'static str, Reaction<OnCommand>>,
    pub(crate) outcomes: BTreeMap<&'static str, Reaction<OnOutcome>>,
    pub(crate) reminders: BTreeMap<&'static str, Reaction<OnReminder>>,
}

impl Service {
    /// A service that hears nothing yet. It owns the events whose type starts with `name`.
    pub fn new(name: &'static str) -> Service {
        Service {
            name,
            last: None,
            events: BTreeMap::new(),
            commands: BTreeMap::new(),
            outcomes: BTreeMap::new(),
            reminders: BTreeMap::new(),
        }
    }

    /// The service's name: the prefix of its events and its commands, its store's folder, its consumer.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Reacts to an event. The same event again, before or after a restart, does not reach the reaction.
    pub fn on<E: Event>(
        mut self,
        reaction: impl Fn(&mut Turn<'_>, &E) -> Result<(), Unacceptable> + Send + Sync + 'static,
    ) -> Service {
        let declared = declare(E::TYPE, &reaction);
        let run: OnEvent = Box::new(move |turn, heard| {
            let event: E = events::decode(heard.envelope, heard.body)?;
            turn.cause.saga.get_or_insert_with(|| event.key());
            reaction(turn, &event)?;
            if heard.envelope.subject.key().is_none() {
                turn.say_keyed(&event, heard.envelope, heard.known_to_broker);
            }
            Ok(())
        });
        self.events.insert(E::TYPE, Reaction { declared, run });
        self.last = Some(Last::Event(E::TYPE));
        self
    }

    /// Takes a fact of this service's own kind that it did not say itself, typed by hand or said before its store was
    /// lost, into its state; or refuses it, because it contradicts what the service knows.
    pub fn adopts<E: Event>(
        self,
        reaction: impl Fn(&mut Turn<'_>, &E) -> Result<(), Unacceptable> + Send + Sync + 'static,
    ) -> Service {
        let own = E::TYPE.split('.').next() == Some(self.name);
        assert!(own, "{} adopts {}, which is not its own: use on", self.name, E::TYPE);
        self.on(reaction)
    }

    /// Answers a command, `svc.<service>.<name>`. The answer is sent after the change is durable; a refusal changes
    /// nothing. With an `idempotency_key` the same command gets the same answer again.
    pub fn answers<C: DeserializeOwned, A: Serialize>(
        mut self,
        name: &'static str,
        reaction: impl Fn(&mut Turn<'_>, C) -> Result<A, Refusal> + Send + Sync + 'static,
    ) -> Service {
        let declared = declare(name, &reaction);
        let run: OnCommand = Box::new(move |turn, body| {
            let command = C::deserialize(body)
                .map_err(|error| Refusal::unreadable(format!("the body does not read as {name}: {error}")))?;
            let answer = reaction(turn, command)?;
            Ok(crate::draft::json(&answer))
        });
        self.commands.insert(name, Reaction { declared, run });
        self.last = Some(Last::Command(name));
        self
    }

    /// Takes the outcome of an effect. It comes exactly once per effect that was asked for.
    pub fn settles<F: Effect>(
        mut self,
        reaction: impl Fn(&mut Turn<'_>, &F, &F::Outcome) -> Result<(), Unacceptable> + Send + Sync + 'static,
    ) -> Service {
        let declared = declare(F::NAME, &reaction);
        let run: OnOutcome = Box::new(move |turn, request, outcome| {
            let unreadable = |error: serde_json::Error| Unacceptable::new("malformed", error.to_string());
            let effect: F = serde_json::from_str(request).map_err(unreadable)?;
            let outcome: F::Outcome = serde_json::from_slice(outcome).map_err(unreadable)?;
            reaction(turn, &effect, &outcome)
        });
        self.outcomes.insert(F::NAME, Reaction { declared, run });
        self.last = Some(Last::Effect(F::NAME));
        self
    }

    /// Reacts to a reminder that [`Turn::remind`] asked for, with the key that it is about.
    pub fn reminded(
        mut self,
        name: &'static str,
        reaction: impl Fn(&mut Turn<'_>, &str) -> Result<(), Unacceptable> + Send + Sync + 'static,
    ) -> Service {
        let declared = declare(name, &reaction);
        self.reminders.insert(name, Reaction { declared, run: Box::new(reaction) });
        self.last = Some(Last::Reminder(name));
        self
    }

    /// Declares that the reaction above may say `E`. One that says something else is refused.
    pub fn says<E: Event>(mut self) -> Service {
        self.declared().says.push(E::TYPE);
        self
    }

    /// Declares that the reaction above may ask for the effect `F`. One that asks for something else is refused.
    pub fn performs<F: Effect>(mut self) -> Service {
        self.declared().performs.push(F::NAME);
        self
    }

    /// Everything that is declared, in the order: events, commands, effects, reminders.
    pub fn reactions(&self) -> impl Iterator<Item = &Declared> {
        let events = self.events.values().map(|it| &it.declared);
        let commands = self.commands.values().map(|it| &it.declared);
        let outcomes = self.outcomes.values().map(|it| &it.declared);
        let reminders = self.reminders.values().map(|it| &it.declared);
        events.chain(commands).chain(outcomes).chain(reminders)
    }

    /// The names of the commands that it answers.
    pub fn commands(&self) -> impl Iterator<Item = &'static str> {
        self.commands.keys().copied()
    }

    /// The names of the effects that it needs performed.
    pub fn effects(&self) -> impl Iterator<Item = &'static str> {
        self.outcomes.keys().copied()
    }

    /// What its consumer listens to: everything of its own, typed by hand too, and what it hears of others, keyed.
    pub fn subjects(&self) -> Vec<String> {
        let own = format!("{}.", self.name);
        let foreign = self.events.keys().filter(|kind| !kind.starts_with(&own)).map(|kind| format!("{kind}.*"));
        std::iter::once(format!("{own}>")).chain(foreign).collect()
    }

    fn declared(&mut self) -> &mut Declared {
        let found = match self.last.as_ref().expect("says and performs stand behind a reaction") {
            Last::Event(name) => self.events.get_mut(name).map(|it| &mut it.declared),
            Last::Command(name) => self.commands.get_mut(name).map(|it| &mut it.declared),
            Last::Effect(name) => self.outcomes.get_mut(name).map(|it| &mut it.declared),
            Last::Reminder(name) => self.reminders.get_mut(name).map(|it| &mut it.declared),
        };
        found.expect("the reaction above was just registered")
    }
}

fn declare<F>(hears: &str, _reaction: &F) -> Declared {
    let path = std::any::type_name::<F>();
    let name = path.rsplit("::").next().unwrap_or(path);
    Declared { hears: hears.to_owned(), name, says: Vec::new(), performs: Vec::new() }
}
