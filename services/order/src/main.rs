//! Runs the order service.

use std::process::ExitCode;

use chassis::{Runner, Settings, logs, settings};
use order::Deadline;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    logs::start("order");
    logs::end(run().await)
}

async fn run() -> anyhow::Result<()> {
    let deadline = Deadline(settings::duration("SAGA_DEADLINE", Deadline::DEFAULT.0)?);
    Ok(Runner::new(order::order(deadline)).run(Settings::from_env()?).await?)
}
