//! Durable timers. A reminder is a row of the turn that asked for it; when its time has come it is an input like any
//! other, and the turn that takes it removes the row.

use std::{collections::BTreeSet, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, watch};

use crate::{Error, Input, ambient, key, signal::stopped, store::Store};

const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// A reminder that was asked for. At most one stands per name and key; a later one replaces it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Reminder {
    /// When it is due, at the earliest.
    pub at: Timestamp,
    /// Which reaction it is for.
    pub name: String,
    /// What it is about.
    pub key: String,
}

/// All reminders that stand.
pub(crate) fn standing(store: &dyn Store) -> Result<Vec<Reminder>, Error> {
    store
        .scan(key::REMINDERS)
        .map(|pair| {
            let (key, value) = pair?;
            serde_json::from_slice(&value)
                .map_err(|source| Error::Row { key: String::from_utf8_lossy(&key).into_owned(), source })
        })
        .collect()
}

/// Waits for reminders and hands each on when its time has come, until `stop`.
pub(crate) async fn wait(
    mut asked: mpsc::UnboundedReceiver<Vec<Reminder>>,
    inputs: mpsc::Sender<Input>,
    mut stop: watch::Receiver<bool>,
) -> Result<(), Error> {
    let mut standing = BTreeSet::new();
    loop {
        let now = ambient::now();
        while standing.first().is_some_and(|first: &Reminder| first.at <= now) {
            let due = standing.pop_first().expect("there is a first one");
            if inputs.send(Input::Reminder(due)).await.is_err() {
                return Ok(());
            }
        }
        // The clock of the day may jump: it is read again at least once a minute.
        let pause = standing.first().map_or(LOOK_AGAIN, |first| until(first.at, now).min(LOOK_AGAIN));
        tokio::select! {
            reminders = asked.recv() => match reminders {
                Some(reminders) => standing.extend(reminders),
                None => return Ok(()),
            },
            () = ambient::pause(pause) => {}
            () = stopped(&mut stop) => return Ok(()),
        }
    }
}

fn until(at: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(at.duration_since(now)).unwrap_or_default()
}
