//! Runs the notification service.

use std::process::ExitCode;

use chassis::{Runner, Settings, logs};
use notification::{Mail, Mailer};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    logs::start("notification");
    logs::end(run().await)
}

async fn run() -> anyhow::Result<()> {
    let settings = Settings::from_env()?;
    let mailer = Mailer::from_env(&settings.data_dir)?;
    let pace = mailer.pace();
    Ok(Runner::new(notification::notification()).performs::<Mail>(mailer, pace).run(settings).await?)
}
