//! The notification service as a process.

use chassis::{Runner, Settings};

use crate::{Mail, Mailer};

/// Runs the notification service with what the environment says, until SIGINT or SIGTERM. See [`Runner::run`].
///
/// # Errors
/// A setting that cannot be understood, and what [`Runner::run`] fails with.
pub async fn run() -> anyhow::Result<()> {
    let settings = Settings::from_env()?;
    let mailer = Mailer::from_env(&settings.data_dir)?;
    let pace = mailer.pace();
    Ok(Runner::new(crate::notification()).performs::<Mail>(mailer, pace).run(settings).await?)
}
