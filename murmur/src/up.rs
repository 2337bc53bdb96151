//! `murmur up`: everything, started by one command and stopped by Ctrl-C.
//!
//! Nothing that was started outlives the command, however it ends short of its being killed itself.

mod backoff;
mod catalogue;
mod keeper;
mod plan;
mod ports;
mod program;
mod signals;
mod system;
mod varz;
mod welcome;

use std::time::Duration;

use chassis::{Client, Settings, logs};
use clap::Args;

pub(crate) use self::{plan::Logs, signals::Signals};
use self::{plan::Plan, system::System, welcome::Typed};
use crate::{Error, Exit, output, parse};

const EXAMPLES: &str = "\
Examples:
  murmur up
  NATS_URL=nats://127.0.0.1:4333 murmur up         (with a broker that runs; none is started)
  PAYMENT_GATEWAY_URL=https://api.stripe.com PAYMENT_GATEWAY_KEY=sk_test_… murmur up
  RUST_LOG=debug murmur up                         (the broker's log too)

Starts nats-server with ./nats.conf, the sandbox of the payment gateway, and each service as a process of its own. A
service that ends is started again, after half a second at first. Ctrl-C stops everything in order; again, at once.
Stores are under DATA_DIR (data). Exit code 1 where something is in the way: nothing is left running then.";

/// Starts everything, and keeps it running until Ctrl-C
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Up {
    /// How long everything may take to be ready
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = parse::seconds)]
    timeout: Duration,
}

impl Up {
    pub async fn run(self) -> Result<Exit, Error> {
        logs::start("murmur");
        let settings = Settings::from_env()?;
        let mut signals = Signals::listen()?;
        match up(&settings, self.timeout, &mut signals).await {
            // Whoever stops the start has what was asked for.
            Ok(()) | Err(Error::Interrupted) => {
                tracing::info!("all has stopped");
                Ok(Exit::Done)
            }
            Err(error) => Err(error),
        }
    }
}

async fn up(settings: &Settings, within: Duration, signals: &mut Signals) -> Result<(), Error> {
    let (running, client) = Running::start(settings, Logs::All, within, signals).await?;
    drop(client);
    if let Err(error) = output::print(&running.welcome()) {
        // That nobody reads the table is no reason to stop.
        tracing::debug!("{error}");
    }
    signals.next().await;
    tracing::info!("stopping: the services, then what they need");
    running.stop(signals).await;
    Ok(())
}

/// The shop, ready for orders.
pub(crate) struct Running {
    system: System,
    elsewhere: Vec<(&'static str, String)>,
}

impl Running {
    /// Starts everything that the environment does not bring, with the demo catalogue in stock.
    pub async fn start(
        settings: &Settings,
        logs: Logs,
        within: Duration,
        signals: &mut Signals,
    ) -> Result<(Running, Client), Error> {
        let plan = Plan::make(settings, logs)?;
        let elsewhere = plan.elsewhere.clone();
        let (mut system, client) = System::start(plan, settings, within, signals).await?;
        let stocked = tokio::select! {
            stocked = catalogue::stock(&client) => stocked,
            () = signals.next() => Err(Error::Interrupted),
        };
        match stocked {
            Ok(()) => Ok((Running { system, elsewhere }, client)),
            Err(error) => {
                system.stop(signals).await;
                Err(error)
            }
        }
    }

    /// Stops everything. Nothing is left when this returns.
    pub async fn stop(mut self, signals: &mut Signals) {
        self.system.stop(signals).await;
    }

    /// What is printed when everything is ready.
    fn welcome(&self) -> String {
        let elsewhere = self.elsewhere.iter();
        let elsewhere = elsewhere.map(|(name, place)| [name, "-", place, "not started here"].map(str::to_owned));
        let process = |process: Option<u32>| process.map_or_else(|| "-".to_owned(), |process| process.to_string());
        let programs = self.system.programs().map(|(program, started)| {
            [program.name.to_owned(), process(started), program.place.clone(), program.store.clone()]
        });
        welcome::welcome(elsewhere.chain(programs).collect(), &Typed::here())
    }
}
