//! The system as a whole: started in order, kept running, and stopped in the opposite order.

use std::time::Duration;

use chassis::{Client, Settings, ambient::pause};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::Instant,
};

use super::{
    keeper::{Keeper, Phase, State},
    plan::{MONITORING, Plan},
    program::{Program, Ready},
    signals::Signals,
    varz::Varz,
};
use crate::Error;

/// How often it is asked whether a program is ready.
const EVERY: Duration = Duration::from_millis(20);

/// How much longer a service may take to end than it gives itself.
const MARGIN: Duration = Duration::from_secs(2);

/// Programs that start together and stop together.
struct Group {
    phase: watch::Sender<Phase>,
    kept: Vec<Kept>,
    keepers: JoinSet<()>,
}

/// A program that is kept running.
struct Kept {
    program: Program,
    state: watch::Receiver<State>,
}

/// Everything that was started. Whoever has it has to stop it; where it is dropped instead, its programs are killed.
pub(crate) struct System {
    settings: Settings,
    /// In the order in which they were started.
    groups: Vec<Group>,
    dying: mpsc::UnboundedSender<Error>,
    died: mpsc::UnboundedReceiver<Error>,
    within: Duration,
    deadline: Instant,
}

impl System {
    /// Starts `plan`, and returns when all of it is ready. When something fails, when it takes longer than `within`, or
    /// when a signal comes, everything is stopped again.
    pub async fn start(
        plan: Plan,
        settings: &Settings,
        within: Duration,
        signals: &mut Signals,
    ) -> Result<(System, Client), Error> {
        let (dying, died) = mpsc::unbounded_channel();
        let deadline = Instant::now() + within;
        let mut system = System { settings: settings.clone(), groups: Vec::new(), dying, died, within, deadline };
        let started = tokio::select! {
            started = system.bring_up(plan) => started,
            () = signals.next() => Err(Error::Interrupted),
        };
        match started {
            Ok(client) => Ok((system, client)),
            Err(error) => {
                system.stop(signals).await;
                Err(error)
            }
        }
    }

    async fn bring_up(&mut self, plan: Plan) -> Result<Client, Error> {
        for program in plan.needs {
            let broker = program.ready == Ready::Connects;
            self.launch(vec![program]);
            self.ready(None).await?;
            if broker {
                self.check_broker().await?;
            }
        }
        let client = Client::connect(&self.settings).await?;
        self.launch(plan.services);
        self.ready(Some(&client)).await?;
        for group in &self.groups {
            group.phase.send_replace(Phase::Running);
        }
        Ok(client)
    }

    fn launch(&mut self, programs: Vec<Program>) {
        let (phase, _) = watch::channel(Phase::Starting);
        let mut group = Group { phase, kept: Vec::new(), keepers: JoinSet::new() };
        for program in programs {
            let (sender, state) = watch::channel(State::default());
            let keeper = Keeper {
                program: program.clone(),
                phase: group.phase.subscribe(),
                state: sender,
                died: self.dying.clone(),
                grace: self.settings.shutdown + MARGIN,
            };
            group.keepers.spawn(keeper.run());
            group.kept.push(Kept { program, state });
        }
        self.groups.push(group);
    }

    /// Waits until the group that was launched last is ready.
    async fn ready(&mut self, client: Option<&Client>) -> Result<(), Error> {
        loop {
            let mut missing = Vec::new();
            for kept in self.groups.last().into_iter().flat_map(|group| &group.kept) {
                if !kept.is_ready(&self.settings, client).await {
                    missing.push(kept.program.name);
                }
            }
            // One that ended is told of even where another instance answers in its place.
            if let Ok(error) = self.died.try_recv() {
                return Err(error);
            }
            if missing.is_empty() {
                return Ok(());
            }
            if Instant::now() > self.deadline {
                return Err(Error::NotReady { names: missing.join(", "), seconds: self.within.as_secs() });
            }
            pause(EVERY).await;
        }
    }

    /// Asks the broker that was just launched where it keeps its streams, and how well.
    async fn check_broker(&mut self) -> Result<(), Error> {
        let Some(varz) = Varz::ask(MONITORING).await else {
            tracing::warn!("the broker's monitoring does not answer: whether it syncs each event is not known");
            return Ok(());
        };
        let broker = varz.check()?;
        if let Some(warning) = broker.warning {
            tracing::warn!("{warning}");
        }
        if let Some(kept) = self.groups.last_mut().and_then(|group| group.kept.first_mut()) {
            kept.program.store = broker.store;
        }
        Ok(())
    }

    /// What runs, in the order in which it was started, with its process.
    pub fn programs(&self) -> impl Iterator<Item = (&Program, Option<u32>)> {
        let kept = self.groups.iter().flat_map(|group| &group.kept);
        kept.map(|kept| (&kept.program, kept.state.borrow().process))
    }

    /// Stops everything, the last group first, each when the one before has ended. Another signal kills what is left.
    /// Nothing is left when this returns.
    pub async fn stop(&mut self, signals: &mut Signals) {
        let mut phase = Phase::Stopping;
        while let Some(mut group) = self.groups.pop() {
            group.phase.send_replace(phase);
            let in_time = tokio::select! {
                () = group.ended() => true,
                () = signals.next() => false,
            };
            if !in_time {
                phase = Phase::Killing;
                group.phase.send_replace(phase);
                group.ended().await;
            }
        }
    }
}

impl Group {
    async fn ended(&mut self) {
        while let Some(ended) = self.keepers.join_next().await {
            if let Err(error) = ended {
                tracing::warn!("a program's keeper failed, the program is killed: {error}");
            }
        }
    }
}

impl Kept {
    async fn is_ready(&self, settings: &Settings, client: Option<&Client>) -> bool {
        match (self.program.ready, client) {
            (Ready::Connects, _) => Client::connect(settings).await.is_ok(),
            (Ready::Says(_), _) => self.state.borrow().announced,
            (Ready::Answers, Some(client)) => client.is_ready(self.program.name).await,
            (Ready::Answers, None) => false,
        }
    }
}
