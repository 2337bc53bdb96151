//! Where effects are performed: one desk per kind, and the attempts that are on their way.

use std::{collections::HashMap, time::Duration};

use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::{Instant, sleep_until, timeout, timeout_at},
};

use super::{Pending, Retry, desk::Desk, performer::Performer};
use crate::{Error, Input, ambient, broker::lease::Held, signal::stopped};

/// No attempt takes longer, whatever its performer does.
const ATTEMPT_AT_MOST: Duration = Duration::from_secs(60);

/// How much of an error is kept: it stands in the store.
const ERROR_CHARACTERS: usize = 300;

/// A kind of effect with who performs it.
pub(crate) struct Kind {
    pub performer: Performer,
    pub desk: Desk,
}

/// The effects of one service.
pub(crate) struct Office {
    pub kinds: HashMap<String, Kind>,
    /// Effects that were committed, and those that are not wanted any more.
    pub asked: mpsc::UnboundedReceiver<Asked>,
    pub inputs: mpsc::Sender<Input>,
    /// Effects are started by the holder of the lease only.
    pub lease: Held,
    /// How long a stopping service waits for the attempts that are on their way.
    pub patience: Duration,
}

/// What one commit changes about the effects that wait.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    /// By name and key: not wanted any more. They go first.
    pub withdrawn: Vec<(String, String)>,
    /// To be performed.
    pub asked: Vec<Pending>,
}

/// An attempt that came to its end.
struct Ended {
    name: String,
    key: String,
    result: Result<Vec<u8>, Retry>,
}

impl Office {
    /// Performs effects until `stop`; then starts no more, and waits a while for those on their way. One that is given up
    /// is in the store, and the next process performs it again.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) -> Result<(), Error> {
        let start = Instant::now();
        let mut attempts = JoinSet::new();
        loop {
            tokio::select! {
                held = self.lease.check() => held?,
                () = stopped(&mut stop) => break,
            }
            let now = start.elapsed();
            for kind in self.kinds.values_mut() {
                while let Some(effect) = kind.desk.start(now) {
                    attempts.spawn(attempt(kind.performer.clone(), effect.clone()));
                }
            }
            let wakes = self.kinds.values().filter_map(|kind| kind.desk.wakes_at(now)).min();
            tokio::select! {
                asked = self.asked.recv() => match asked {
                    Some(asked) => self.add(start.elapsed(), asked),
                    None => break,
                },
                Some(ended) = attempts.join_next() => self.end(start.elapsed(), finished(ended)?).await,
                () = sleep_until(start + wakes.unwrap_or_default()), if wakes.is_some() => {}
                () = stopped(&mut stop) => break,
            }
        }
        let given_up = Instant::now() + self.patience;
        while let Ok(Some(ended)) = timeout_at(given_up, attempts.join_next()).await {
            self.end(start.elapsed(), finished(ended)?).await;
        }
        Ok(())
    }

    fn add(&mut self, now: Duration, Asked { withdrawn, asked }: Asked) {
        for (name, key) in withdrawn {
            if let Some(kind) = self.kinds.get_mut(&name) {
                kind.desk.withdraw(&key);
            }
        }
        for effect in asked {
            match self.kinds.get_mut(&effect.name) {
                Some(kind) => kind.desk.add(now, effect),
                None => tracing::error!(effect = effect.name, "nobody performs it: it stays in the store"),
            }
        }
    }

    /// Hands the end of an attempt on as an input. Where the service stops meanwhile, the effect stays in the store.
    async fn end(&mut self, now: Duration, ended: Ended) {
        let Ended { name, key, result } = ended;
        let Some(Kind { desk, .. }) = self.kinds.get_mut(&name) else { return };
        let input = match result {
            Ok(outcome) => {
                if desk.succeeded(now, &key) {
                    tracing::info!("{name} goes through again: what piled up is worked off");
                }
                Input::Outcome { name, key, outcome, time: ambient::now() }
            }
            Err(Retry { why }) => {
                let why: String = why.chars().take(ERROR_CHARACTERS).collect();
                let failed = desk.failed(now, &key, &why);
                tracing::warn!(key, attempts = failed.attempts, "{name} failed and is tried again: {why}");
                if let Some(pause) = failed.opened {
                    tracing::warn!("the breaker of {name} is open for {pause:?}: effects wait in the store");
                }
                let time = ambient::now();
                let open_until = failed.opened.map(|pause| time.saturating_add(pause).unwrap_or(time));
                Input::Attempt { name, key, attempts: failed.attempts, error: why, time, open_until }
            }
        };
        if self.inputs.send(input).await.is_err() {
            tracing::debug!("an attempt ended after the service: it is made again");
        }
    }
}

async fn attempt(performer: Performer, effect: Pending) -> Ended {
    crate::crash::point("effect/starts");
    let attempt = timeout(ATTEMPT_AT_MOST, performer.attempt(effect.request.get()));
    let result = attempt.await.unwrap_or_else(|_| Err(Retry::because(format!("no end within {ATTEMPT_AT_MOST:?}"))));
    crate::crash::point("effect/answered");
    Ended { name: effect.name, key: effect.key, result }
}

fn finished(ended: Result<Ended, tokio::task::JoinError>) -> Result<Ended, Error> {
    ended.map_err(|error| Error::Stopped { why: format!("a performer of effects panicked: {error}") })
}
