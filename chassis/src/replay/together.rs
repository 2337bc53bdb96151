//! All services together: what each of them says to what was recorded, and whether it is what it said then.
//!
//! A service hears what was recorded, whatever is said now, so a difference in one service is not one in the next. What a
//! reaction to a recorded event said then it has to say now, under the same id and with the same body. What a command,
//! the outcome of an effect, a reminder or a person led to stands in the recording as a fact, and the service remembers
//! it, as it does when its store is lost: nothing is performed, and no reminder comes due.

use serde::Serialize;

use super::{Difference, Left, What, part::Part, story::Story};
use crate::{Error, Service, Stored};

/// What a replay came to.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Replayed {
    /// Where it differs from the recording, in the order of the recording.
    pub differences: Vec<Difference>,
    /// What is said behind the end of the recording, in sagas that had not come to their end.
    pub would_follow: Vec<Difference>,
    /// What the services wait for at the end.
    pub left: Vec<Left>,
}

/// Replays `recording`, which is in the order of the stream, through `services`. The same recording through the same
/// services gives the same, on every machine.
///
/// # Errors
/// Only where a row cannot be read back: a service that writes what it does not understand.
pub fn replay_together(services: Vec<Service>, recording: &[Stored]) -> Result<Replayed, Error> {
    let story = Story::of(recording);
    let ended = story.ended(&services);
    let mut replayed = Replayed::default();
    for service in services {
        let played = Part::new(service, &story)?.play()?;
        for (difference, last) in played.differences {
            let saga = |what: &What| match what {
                What::Says { then: None, now: Some(now) } => now.saga.clone(),
                _ => None,
            };
            let unfinished = saga(&difference.what).is_some_and(|saga| !ended.contains(&saga));
            match last && unfinished {
                true => replayed.would_follow.push(difference),
                false => replayed.differences.push(difference),
            }
        }
        replayed.left.extend(played.left);
    }
    replayed.differences.sort_by_key(|it| it.on.number);
    replayed.would_follow.sort_by_key(|it| it.on.number);
    Ok(replayed)
}
