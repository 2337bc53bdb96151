//! Runs the order service.

use std::process::ExitCode;

use chassis::{Runner, Settings, logs};

#[tokio::main]
async fn main() -> ExitCode {
    logs::start("order");
    logs::end(run().await)
}

async fn run() -> anyhow::Result<()> {
    Ok(Runner::new(order::order()).run(Settings::from_env()?).await?)
}
