//! The word that the service should stop.

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

use crate::Error;

/// Waits for SIGINT or SIGTERM, and sets `stop`.
pub(crate) async fn listen(stop: watch::Sender<bool>) -> Result<(), Error> {
    let failed = |error: std::io::Error| Error::Stopped { why: format!("signals cannot be heard: {error}") };
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    tracing::info!("stopping: no new input, the last batch, the last answers");
    stop.send_replace(true);
    Ok(())
}

/// Returns when the service should stop.
pub(crate) async fn stopped(stop: &mut watch::Receiver<bool>) {
    // Where nobody is left who could say stop, it is time to.
    drop(stop.wait_for(|stop| *stop).await);
}
