//! Runs the inventory service.

use std::process::ExitCode;

use chassis::{Runner, Settings, logs};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    logs::start("inventory");
    logs::end(run().await)
}

async fn run() -> anyhow::Result<()> {
    Ok(Runner::new(inventory::inventory()).run(Settings::from_env()?).await?)
}
