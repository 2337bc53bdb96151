//! The payment service as a process.

use chassis::{Pace, Runner, Settings};

use crate::{Charge, Gateway, Refund, Void};

/// Runs the payment service with what the environment says, until SIGINT or SIGTERM. See [`Runner::run`].
///
/// # Errors
/// A setting that cannot be understood, and what [`Runner::run`] fails with.
pub async fn run() -> anyhow::Result<()> {
    let gateway = Gateway::from_env()?;
    let runner = Runner::new(crate::payment())
        .performs::<Charge>(gateway.clone(), Pace::DEFAULT)
        .performs::<Void>(gateway.clone(), Pace::DEFAULT)
        .performs::<Refund>(gateway, Pace::DEFAULT);
    Ok(runner.run(Settings::from_env()?).await?)
}
