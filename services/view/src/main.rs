//! Runs the read side.

use std::process::ExitCode;

use chassis::{Runner, Settings, logs};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    logs::start("view");
    logs::end(run().await)
}

async fn run() -> anyhow::Result<()> {
    Ok(Runner::new(view::view()).run(Settings::from_env()?).await?)
}
