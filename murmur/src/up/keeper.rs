//! Keeps one program running: starts it, starts it again when it ends by itself, and ends it when it is time.

use std::time::Duration;

use chassis::ambient::pause;
use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, ChildStdout},
    sync::{mpsc, watch},
    time::Instant,
};

use super::{
    backoff::Backoff,
    program::{Program, Ready},
};
use crate::Error;

/// What the system is about. Phases only go forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Not all is ready: a program that ends now ends the start.
    Starting,
    /// A program that ends is started again.
    Running,
    /// Programs are asked to end.
    Stopping,
    /// Somebody lost patience: programs are killed.
    Killing,
}

/// What is known of a program at this moment.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct State {
    /// Its process, where it has one.
    pub process: Option<u32>,
    /// Whether it printed the line that says it is ready.
    pub announced: bool,
}

/// The keeper of one program.
pub(crate) struct Keeper {
    pub program: Program,
    pub phase: watch::Receiver<Phase>,
    pub state: watch::Sender<State>,
    /// Where it tells that the program ended before all was ready.
    pub died: mpsc::UnboundedSender<Error>,
    /// How long the program may take to end.
    pub grace: Duration,
}

impl Keeper {
    /// Returns when the program has ended and is not to be started again. Nothing of it is left then.
    pub async fn run(mut self) {
        let name = self.program.name;
        let mut backoff = Backoff::new();
        loop {
            let started = Instant::now();
            let how = match self.program.start() {
                Ok(child) => match self.attend(child).await {
                    Some(how) => how,
                    None => return,
                },
                Err(error) => format!("it cannot be started: {error}"),
            };
            if *self.phase.borrow() == Phase::Starting {
                let died = Error::Died { name, how: how.clone(), where_it_says: self.program.last_words() };
                // Where nobody listens any more, everything is being stopped already.
                drop(self.died.send(died));
                reached(&mut self.phase, Phase::Running).await;
            }
            if *self.phase.borrow() >= Phase::Stopping {
                return;
            }
            let wait = backoff.after(started.elapsed());
            tracing::warn!("{name} ended ({how}): it is started again in {wait:?}");
            tokio::select! {
                () = pause(wait) => {}
                () = reached(&mut self.phase, Phase::Stopping) => return,
            }
        }
    }

    /// Stays with a process until it ends: by itself, then this says how; or because it is time, then this says nothing.
    async fn attend(&mut self, mut child: Child) -> Option<String> {
        self.state.send_modify(|state| state.process = child.id());
        let lines = child.stdout.take();
        let how = tokio::select! {
            biased;
            () = reached(&mut self.phase, Phase::Stopping) => None,
            status = child.wait() => Some(status.map_or_else(|error| error.to_string(), |status| status.to_string())),
            () = listen(lines, self.program.ready, &self.state) => None,
        };
        if how.is_none() {
            self.end(&mut child).await;
        }
        self.state.send_modify(|state| state.process = None);
        how
    }

    /// Asks the process to end, and kills it when it takes too long.
    async fn end(&mut self, child: &mut Child) {
        let process = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        if let Some(Err(error)) = process.map(|process| kill_process(process, Signal::TERM)) {
            tracing::debug!("{} could not be asked to end: {error}", self.program.name);
        }
        let how = tokio::select! {
            _ = child.wait() => return,
            () = pause(self.grace) => format!("does not end within {:?}", self.grace),
            () = reached(&mut self.phase, Phase::Killing) => "did not end yet".to_owned(),
        };
        tracing::warn!("{} {how}: killed", self.program.name);
        if let Err(error) = child.kill().await {
            tracing::warn!("{} could not be killed: {error}", self.program.name);
        }
    }
}

/// Reads what a program prints, for as long as it runs, and notes when it says that it is ready.
async fn listen(lines: Option<ChildStdout>, ready: Ready, state: &watch::Sender<State>) {
    if let (Some(lines), Ready::Says(beginning)) = (lines, ready) {
        let mut lines = BufReader::new(lines).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            if line.starts_with(beginning) {
                state.send_modify(|state| state.announced = true);
            }
        }
    }
    std::future::pending().await
}

/// Returns when `phase` is reached, or when nobody is left who could say so.
async fn reached(phase: &mut watch::Receiver<Phase>, wanted: Phase) {
    drop(phase.wait_for(|phase| *phase >= wanted).await);
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A program that runs `script`, and is kept running.
    fn kept(script: &str, grace: Duration) -> (watch::Sender<Phase>, watch::Receiver<State>, impl Future<Output = ()>) {
        let (phase, phases) = watch::channel(Phase::Running);
        let (state, states) = watch::channel(State::default());
        let program = Program {
            name: "test",
            executable: "/bin/sh".into(),
            arguments: vec!["-c".into(), script.into()],
            environment: Vec::new(),
            ports: Vec::new(),
            ready: Ready::Says("ready"),
            log: None,
            place: String::new(),
            store: String::new(),
        };
        let (died, _) = mpsc::unbounded_channel();
        (phase, states, Keeper { program, phase: phases, state, died, grace }.run())
    }

    #[tokio::test]
    async fn a_program_that_ends_is_started_again() {
        let folder = tempfile::tempdir().unwrap();
        let runs = folder.path().join("runs");
        let script = format!("echo run >> {}; exit 3", runs.display());
        let (phase, _, keeper) = kept(&script, Duration::from_secs(5));
        let twice = async {
            while fs::read_to_string(&runs).unwrap_or_default().lines().count() < 2 {
                pause(Duration::from_millis(10)).await;
            }
            phase.send_replace(Phase::Stopping);
        };
        tokio::time::timeout(Duration::from_secs(20), async { tokio::join!(keeper, twice) }).await.unwrap();
    }

    #[tokio::test]
    async fn a_program_that_does_not_end_is_killed() {
        let (phase, mut states, keeper) = kept("trap '' TERM; echo ready; while :; do sleep 1; done", Duration::ZERO);
        let once_ready = async {
            let process = states.wait_for(|state| state.announced).await.unwrap().process;
            phase.send_replace(Phase::Stopping);
            process
        };
        let both = async { tokio::join!(keeper, once_ready) };
        let ((), process) = tokio::time::timeout(Duration::from_secs(20), both).await.unwrap();
        let process = Pid::from_raw(process.unwrap().cast_signed()).unwrap();
        assert!(rustix::process::test_kill_process(process).is_err(), "it is still there");
    }
}
