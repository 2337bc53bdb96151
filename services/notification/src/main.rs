//! Runs the notification service.

use std::process::ExitCode;

use chassis::{Pace, Runner, Settings, logs};
use notification::{Mail, Mailer};

/// A mail server takes fewer connections of one sender than a payment gateway does.
const PACE: Pace = Pace { at_once: 8, ..Pace::DEFAULT };

#[tokio::main]
async fn main() -> ExitCode {
    logs::start("notification");
    logs::end(run().await)
}

async fn run() -> anyhow::Result<()> {
    let settings = Settings::from_env()?;
    let mailer = Mailer::from_env(&settings.data_dir)?;
    Ok(Runner::new(notification::notification()).performs::<Mail>(mailer, PACE).run(settings).await?)
}
