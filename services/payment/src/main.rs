//! Runs the payment service.

use std::process::ExitCode;

use chassis::{Pace, Runner, Settings, logs};
use payment::{Charge, Gateway, Refund, Void};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    logs::start("payment");
    logs::end(run().await)
}

async fn run() -> anyhow::Result<()> {
    let gateway = Gateway::from_env()?;
    let runner = Runner::new(payment::payment())
        .performs::<Charge>(gateway.clone(), Pace::DEFAULT)
        .performs::<Void>(gateway.clone(), Pace::DEFAULT)
        .performs::<Refund>(gateway, Pace::DEFAULT);
    Ok(runner.run(Settings::from_env()?).await?)
}
