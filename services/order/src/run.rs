//! The order service as a process.

use chassis::{Runner, Settings, settings};

use crate::Deadline;

/// Runs the order service with what the environment says, until SIGINT or SIGTERM. See [`Runner::run`].
///
/// # Errors
/// A setting that cannot be understood, and what [`Runner::run`] fails with.
pub async fn run() -> anyhow::Result<()> {
    let deadline = Deadline(settings::duration("SAGA_DEADLINE", Deadline::DEFAULT.0)?);
    Ok(Runner::new(crate::order(deadline)).run(Settings::from_env()?).await?)
}
