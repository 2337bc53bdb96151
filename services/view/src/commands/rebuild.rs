//! `svc.view.rebuild`: everything is forgotten, and heard again from the beginning of the stream.

use chassis::{Refusal, Turn};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rebuild {}

#[derive(Serialize)]
pub struct StartedOver {
    /// Up to where the stream had been heard.
    up_to: u64,
}

/// Forgets all rows. They come back the same as the stream is heard again; until then answers lack what was not heard yet.
pub fn start_over(turn: &mut Turn<'_>, _: Rebuild) -> Result<StartedOver, Refusal> {
    turn.start_over();
    Ok(StartedOver { up_to: super::up_to(turn) })
}
