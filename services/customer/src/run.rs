//! The customer service as a process.

use chassis::{Runner, Settings};

/// Runs the customer service with what the environment says, until SIGINT or SIGTERM. See [`Runner::run`].
///
/// # Errors
/// A setting that cannot be understood, and what [`Runner::run`] fails with.
pub async fn run() -> anyhow::Result<()> {
    Ok(Runner::new(crate::customer()).run(Settings::from_env()?).await?)
}
