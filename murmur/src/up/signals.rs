//! The signals that mean: stop everything.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::Error;

/// Ctrl-C, `kill`, and a terminal that is closed. While this exists none of them ends the process by itself.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Signals {
    /// Listens from here on.
    pub fn listen() -> Result<Signals, Error> {
        let listen = |kind| signal(kind).map_err(refused);
        Ok(Signals {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hang_up: listen(SignalKind::hangup())?,
        })
    }

    /// Returns at the next of them.
    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hang_up.recv() => {}
        }
    }
}

fn refused(source: io::Error) -> Error {
    Error::System { doing: "listen to signals", source }
}
