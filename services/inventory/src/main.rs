//! Runs the inventory service.

use chassis::{Runner, Settings};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    Ok(Runner::new(inventory::inventory()).run(Settings::from_env()?).await?)
}
