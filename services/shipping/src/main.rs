//! Runs the shipping service.

use chassis::{Pace, Runner, Settings};
use shipping::{Booking, LocalCarrier};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let runner = Runner::new(shipping::shipping()).performs::<Booking>(LocalCarrier, Pace::DEFAULT);
    Ok(runner.run(Settings::from_env()?).await?)
}
