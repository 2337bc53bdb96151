//! `murmur call`: sends any command to a service.

use chassis::{Client, Settings};
use clap::Args;

use crate::{Error, Exit, output, parse};

const EXAMPLES: &str = "\
Examples:
  murmur call svc.inventory.get '{\"sku\":\"widget\"}'
  murmur call svc.payment.get '{\"order_id\":\"7f9c…\"}'
  murmur call svc.inventory.stock '{\"sku\":\"gizmo\",\"quantity\":10}'
  murmur call '$SRV.STATS.order'

The answer is JSON on standard output. A refusal is a sentence on standard error and exit code 2; where nobody answers
it is exit code 3.";

/// Sends a command to a service, and prints its answer
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Call {
    /// Where the command goes: svc.<service>.<command>
    #[arg(value_parser = parse::command)]
    subject: String,

    /// The command's body; - reads it from standard input
    #[arg(default_value = "{}", value_name = "JSON")]
    body: String,
}

impl Call {
    pub async fn run(self) -> Result<Exit, Error> {
        let body = parse::body(self.body)?;
        let client = Client::connect(&Settings::from_env()?).await?;
        let answer = client.command(&self.subject, body).await;
        output::print(&output::text(&answer.map_err(|refusal| Error::refused(&self.subject, refusal))?))?;
        Ok(Exit::Done)
    }
}
