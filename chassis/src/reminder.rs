//! Durable timers. A reminder is a row of the turn that asked for it; when its time has come it is an input like any
//! other, and the turn that takes it removes the row.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

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

/// What a commit changed of the reminders that stand.
#[derive(Default)]
pub(crate) struct Change {
    /// These are not wanted any more, by name and key.
    pub forgotten: Vec<(String, String)>,
    /// These are, from then on.
    pub reminders: Vec<Reminder>,
}

/// Reminders that are waited for: those that stand, and no others. Nearly all of them are forgotten before their time.
#[derive(Default)]
struct Standing {
    due: BTreeSet<Reminder>,
    /// When the one of a name and a key is due.
    at: HashMap<(String, String), Timestamp>,
}

impl Standing {
    fn change(&mut self, change: Change) {
        for it in change.forgotten {
            self.forget(it);
        }
        for reminder in change.reminders {
            let of = (reminder.name.clone(), reminder.key.clone());
            self.forget(of.clone());
            self.at.insert(of, reminder.at);
            self.due.insert(reminder);
        }
    }

    fn forget(&mut self, of: (String, String)) {
        if let Some(at) = self.at.remove(&of) {
            let (name, key) = of;
            self.due.remove(&Reminder { at, name, key });
        }
    }

    /// When the first of them is due.
    fn next(&self) -> Option<Timestamp> {
        self.due.first().map(|it| it.at)
    }

    /// The first of them that is due by `now`.
    fn pop(&mut self, now: Timestamp) -> Option<Reminder> {
        self.next().filter(|at| *at <= now)?;
        let due = self.due.pop_first()?;
        self.at.remove(&(due.name.clone(), due.key.clone()));
        Some(due)
    }
}

/// Waits for reminders and hands each on when its time has come, until `stop`.
pub(crate) async fn wait(
    mut changes: mpsc::UnboundedReceiver<Change>,
    inputs: mpsc::Sender<Input>,
    mut stop: watch::Receiver<bool>,
) -> Result<(), Error> {
    let mut standing = Standing::default();
    loop {
        let now = ambient::now();
        while let Some(due) = standing.pop(now) {
            if inputs.send(Input::Reminder(due)).await.is_err() {
                return Ok(());
            }
        }
        // The clock of the day may jump: it is read again at least once a minute.
        let pause = standing.next().map_or(LOOK_AGAIN, |at| until(at, now).min(LOOK_AGAIN));
        tokio::select! {
            change = changes.recv() => match change {
                Some(change) => standing.change(change),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn reminder(key: &str, second: i64) -> Reminder {
        Reminder { at: Timestamp::from_second(second).unwrap(), name: "wake".to_owned(), key: key.to_owned() }
    }

    #[test]
    fn what_is_forgotten_is_not_waited_for_and_what_is_asked_for_again_comes_once() {
        let mut standing = Standing::default();
        let of = |key: &str| ("wake".to_owned(), key.to_owned());
        let asked = ["a", "b", "c"].map(|key| reminder(key, 10)).to_vec();
        standing.change(Change { forgotten: vec![], reminders: asked });
        standing.change(Change { forgotten: vec![of("a"), of("never asked for")], reminders: vec![reminder("b", 20)] });
        // Taken back and asked for once more in one commit.
        standing.change(Change { forgotten: vec![of("c")], reminders: vec![reminder("c", 15)] });
        let mut due = |second| standing.pop(Timestamp::from_second(second).unwrap());
        assert_eq!((due(14), due(15), due(19)), (None, Some(reminder("c", 15)), None));
        assert_eq!((due(20), due(100)), (Some(reminder("b", 20)), None));
        assert!(standing.due.is_empty() && standing.at.is_empty());
    }
}
