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
    crate::crash::point("stop/asked");
    tracing::info!("stopping: no new input, the last batch, the last answers");
    stop.send_replace(true);
    Ok(())
}

/// Returns when the service should stop.
pub(crate) async fn stopped(stop: &mut watch::Receiver<bool>) {
    is_set(stop).await;
}

/// Returns when `word` is set, or when nobody is left who could set it.
pub(crate) async fn is_set(word: &mut watch::Receiver<bool>) {
    drop(word.wait_for(|set| *set).await);
}
