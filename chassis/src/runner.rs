//! A service that runs: its engine between a broker, a store and the outside.

use std::collections::HashMap;

use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};

use crate::{
    DiskStore, Effect, Engine, Error, Pace, Perform, Service, Settings, ambient,
    broker::{
        Broker,
        commands::{Command, Commands},
        comparison::Comparison,
        consumer::Consumer,
        lease::Lease,
        relay::Relay,
    },
    effect::{
        desk::Desk,
        office::{Kind, Office},
        performer::Performer,
    },
    listening, reminder,
    signal::{self, stopped},
    turn_loop::{Outlets, TurnLoop},
};

/// How many inputs wait for their turn before those who bring them wait.
const INPUTS_AT_MOST: usize = 2048;

/// A service and who performs its effects.
///
/// The program of a service:
///
/// ```no_run
/// use chassis::{Error, Runner, Service, Settings, logs};
///
/// #[tokio::main(flavor = "current_thread")]
/// async fn main() -> std::process::ExitCode {
///     logs::start("greeter");
///     logs::end(run().await)
/// }
///
/// async fn run() -> Result<(), Error> {
///     Runner::new(Service::new("greeter")).run(Settings::from_env()?).await
/// }
/// ```
pub struct Runner {
    service: Service,
    kinds: HashMap<String, Kind>,
}

impl Runner {
    /// A runner of `service`.
    pub fn new(service: Service) -> Runner {
        Runner { service, kinds: HashMap::new() }
    }

    /// Says who performs the effects of the kind `F`, and at which pace.
    pub fn performs<F: Effect>(mut self, performer: impl Perform<F>, pace: Pace) -> Runner {
        let kind = Kind { performer: Performer::new(performer), desk: Desk::new(pace) };
        self.kinds.insert(F::NAME.to_owned(), kind);
        self
    }

    /// Runs the service until SIGINT or SIGTERM, then ends it in order: no new input, the last batch, the last answers,
    /// the last events, the lease, all within [`Settings::shutdown`]. After an error, or a kill at any moment, the next
    /// start goes on from the last commit.
    pub async fn run(self, settings: Settings) -> Result<(), Error> {
        let Runner { service, kinds } = self;
        let name = service.name();
        if let Some(effect) = service.effects().find(|effect| !kinds.contains_key(*effect)) {
            return Err(Error::NoPerformer { service: name.to_owned(), effect: effect.to_owned() });
        }
        let (subjects, remembers) = (listening::filters(service.subjects()), service.owns_events());
        let command = |name| Command { name, says: service.says_on(name) };
        let commands: Vec<_> = service.commands().map(command).collect();

        let mut tasks = JoinSet::new();
        let (stopper, mut stop) = watch::channel(false);
        tasks.spawn(signal::listen(stopper));

        let store = DiskStore::open_or_begin_anew(&settings.data_dir.join(name))?;
        let store = store.carrying_after(settings.journal_bytes);
        let engine = Engine::open(service, Box::new(store), ambient::random_id())?.keeping(settings.keeping);
        let broker = Broker::connect(name, &settings).await?;
        let (lease, held) = tokio::select! {
            taken = Lease::take(&broker, name, engine.id()) => taken?,
            () = stopped(&mut stop) => return Ok(()),
        };
        let (done, give_back) = watch::channel(false);
        tasks.spawn(lease.keep(give_back));

        // What takes what a commit releases, and goes on with what the last process left.
        let (inputs, incoming) = mpsc::channel(INPUTS_AT_MOST);
        let (said, rows) = mpsc::unbounded_channel();
        let (words, word) = mpsc::unbounded_channel();
        let (asked, effects) = mpsc::unbounded_channel();
        let (reminders, standing) = mpsc::unbounded_channel();
        let (starts_over, started_over) = watch::channel(0);
        let outlets = Outlets { client: broker.client.clone(), said, asked, reminders, starts_over };
        outlets.resume(engine.unfinished()?);
        let relay = Relay {
            broker: broker.clone(),
            comparison: Comparison::going_on(name, engine.compared()?),
            lease: held.clone(),
            rows,
            words,
        };
        tasks.spawn(relay.run());
        let (inputs_of_effects, patience) = (inputs.clone(), settings.shutdown / 2);
        let office = Office { kinds, asked: effects, inputs: inputs_of_effects, lease: held.clone(), patience };
        tasks.spawn(office.run(stop.clone()));
        tasks.spawn(reminder::wait(standing, inputs.clone(), stop.clone()));

        // What brings inputs: the stream, and the commands once the service knows what it said before.
        let (remembered, may_answer) = watch::channel(false);
        let (consuming, hearing) = (broker.clone(), inputs.clone());
        let consumer = Consumer {
            broker: consuming,
            service: name,
            subjects,
            remembers,
            started_over,
            inputs: hearing,
            remembered,
        };
        tasks.spawn(consumer.run(stop.clone()));
        tasks.spawn(Commands { broker, service: name, commands, inputs }.run(may_answer, stop.clone()));

        let batch_size = settings.batch_size;
        let turns = TurnLoop { engine, inputs: incoming, word, outlets, lease: held, batch_size, tasks, done };
        turns.run(stop, settings.shutdown).await
    }
}
