//! Runs the customer service.

use std::process::ExitCode;

use chassis::{Runner, Settings, logs};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    logs::start("customer");
    logs::end(run().await)
}

async fn run() -> anyhow::Result<()> {
    Ok(Runner::new(customer::customer()).run(Settings::from_env()?).await?)
}
