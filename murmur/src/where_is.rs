//! `murmur where`: where an order is, whose turn it is, and why nothing happens.
//!
//! What is known is gathered once; from there on everything is a pure function.

mod cause;
mod decide;
mod facts;
mod gather;
mod open;
mod report;

use chassis::{Client, Settings, ambient, settings};
use clap::Args;
use events::Key;

use self::{
    cause::{Cause, Names},
    facts::Facts,
    report::Report,
};
use crate::{Error, Exit, output, timeline::entries, tool};

const EXAMPLES: &str = "\
Examples:
  murmur where 7f9cf0a2-9f5c-4c7e-8a51-0e7c3d0a1b2c
  murmur where --json 7f9cf0a2-9f5c-4c7e-8a51-0e7c3d0a1b2c | jq -r .primary.cause

Prints the timeline so far, one cause with one command that helps, and what else is known. Changes nothing.
Exit code 0 when the order is completed, 5 when it is cancelled, 4 when it has not come to its end, 2 when nothing is
known of it, 3 when the broker does not answer.";

/// Says where an order is, who should act next, and why that has not happened
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Where {
    /// The order
    #[arg(value_parser = key)]
    order_id: Key,

    /// Print the answer as JSON on one line
    #[arg(long)]
    json: bool,
}

impl Where {
    pub async fn run(self) -> Result<Exit, Error> {
        let settings = Settings::from_env()?;
        let report = match Client::connect(&settings).await {
            Ok(client) => of_facts(gather::gather(&client, &self.order_id).await?, &settings),
            Err(chassis::Error::NoBroker { source, .. }) => {
                let cause = Cause::BrokerDown { why: source.to_string() };
                let names = names(self.order_id, &settings, false);
                Report { names, timeline: Vec::new(), primary: cause, further: Vec::new() }
            }
            Err(error) => return Err(error.into()),
        };
        output::print(&if self.json { report.json().to_string() } else { report.text() })?;
        Ok(report.exit())
    }
}

fn of_facts(facts: Facts, settings: &Settings) -> Report {
    let mut causes = decide::decide(&facts);
    let primary = causes.remove(0);
    let all_down = facts.services.values().all(|it| it.waits.is_err());
    let names = Names { now: facts.now, ..names(facts.order, settings, all_down) };
    Report { names, timeline: entries(&facts.events), primary, further: causes }
}

fn names(order: Key, settings: &Settings, all_down: bool) -> Names {
    let murmur = tool::own_name();
    let start_broker = match settings::text("NATS_URL", "").as_str() {
        "" => format!("{murmur} up"),
        // `up` starts none where the environment says that there is one.
        _ => "nats-server -c nats.conf".to_owned(),
    };
    Names { order, murmur, broker: settings.nats_address(), start_broker, all_down, now: ambient::now() }
}

fn key(text: &str) -> Result<Key, String> {
    Key::try_from(text)
}
