//! Runs the shipping service.

use std::process::ExitCode;

use chassis::{Pace, Runner, Settings, logs};
use shipping::{Booking, LocalCarrier};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    logs::start("shipping");
    logs::end(run().await)
}

async fn run() -> anyhow::Result<()> {
    let runner = Runner::new(shipping::shipping()).performs::<Booking>(LocalCarrier, Pace::DEFAULT);
    Ok(runner.run(Settings::from_env()?).await?)
}
