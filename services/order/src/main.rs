//! Runs the order service.

use chassis::{Runner, Settings};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    Ok(Runner::new(order::order()).run(Settings::from_env()?).await?)
}
