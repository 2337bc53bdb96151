//! `murmur streams`: makes the streams, for services that may not.

use chassis::{Client, Settings};
use clap::Args;

use crate::{Error, Exit, output};

const EXAMPLES: &str = "\
Example:
  NATS_URL=nats://operator:…@127.0.0.1:4222 murmur streams

Needed once where the broker has permissions (murmur verify --permissions): there services do not make streams. What is
there already keeps what its operator set.
Exit code 0 when the streams are there, 3 when the broker does not answer or refuses.";

/// Makes the streams of events, of dead letters and of leases, where they are missing
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Streams {}

impl Streams {
    pub async fn run(self) -> Result<Exit, Error> {
        Client::connect(&Settings::from_env()?).await?.make_streams().await?;
        output::print("the streams are there")?;
        Ok(Exit::Done)
    }
}
