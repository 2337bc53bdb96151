//! Runs the payment service.

use chassis::{Pace, Runner, Settings};
use payment::{Charge, Gateway, Refund};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let gateway = Gateway::from_env()?;
    let runner = Runner::new(payment::payment())
        .performs::<Charge>(gateway.clone(), Pace::DEFAULT)
        .performs::<Refund>(gateway, Pace::DEFAULT);
    Ok(runner.run(Settings::from_env()?).await?)
}
