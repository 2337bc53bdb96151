//! Runs the customer service.

use std::process::ExitCode;

use chassis::{Runner, Settings, logs};

#[tokio::main]
async fn main() -> ExitCode {
    logs::start("customer");
    logs::end(run().await)
}

async fn run() -> anyhow::Result<()> {
    Ok(Runner::new(customer::customer()).run(Settings::from_env()?).await?)
}
