//! The shipping service as a process.

use chassis::{Pace, Runner, Settings};

use crate::{Booking, LocalCarrier};

/// Runs the shipping service with what the environment says, until SIGINT or SIGTERM. See [`Runner::run`].
///
/// # Errors
/// A setting that cannot be understood, and what [`Runner::run`] fails with.
pub async fn run() -> anyhow::Result<()> {
    let runner = Runner::new(crate::shipping()).performs::<Booking>(LocalCarrier, Pace::DEFAULT);
    Ok(runner.run(Settings::from_env()?).await?)
}
