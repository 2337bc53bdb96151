//! `murmur view rebuild`: the read side forgets everything and hears the stream again, and is waited for.

use std::time::Duration;

use chassis::{
    Client,
    ambient::{pause, random_id},
};
use clap::Args;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    ask,
    progress::{Progress, Reached},
};
use crate::{Error, Exit, output, parse};

const EXAMPLES: &str = "\
Examples:
  murmur view rebuild
  murmur view rebuild --json | jq .seconds

Orders go on meanwhile: only what the read side shows lacks what it has not heard again. Interrupting this command does
not stop the rebuild.
Exit code 0 when everything that stood in the stream is heard again, 3 where the read side does not answer, 4 when it
is not done in time.";

/// How often it is asked how far it is.
const EVERY: Duration = Duration::from_millis(100);

/// Rebuilds the read side from the stream, and waits until it has caught up
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Rebuild {
    /// How long to wait
    #[arg(long, value_name = "SECONDS", default_value = "3600", value_parser = parse::seconds)]
    timeout: Duration,

    /// Print the outcome as JSON
    #[arg(long)]
    json: bool,
}

impl Rebuild {
    pub async fn run(self, client: &Client) -> Result<Exit, Error> {
        let began = Instant::now();
        self.start(client, began).await?;
        let last = end_of_events(client).await?;
        let reached = self.catch_up(client, last, began).await?;
        let Reached { heard, orders, elapsed, .. } = reached;
        let seconds = (elapsed.as_secs_f64() * 100.0).round() / 100.0;
        output::print(&match self.json {
            true => json!({ "up_to": heard, "orders": orders, "seconds": seconds }).to_string(),
            false => format!("rebuilt up to message {heard} of the stream: {orders} orders in {seconds} s"),
        })?;
        Ok(Exit::Done)
    }

    /// Has everything forgotten, once: it takes its time where that is much, so it is asked until it answers, under one
    /// idempotency key.
    async fn start(&self, client: &Client, began: Instant) -> Result<(), Error> {
        let question = json!({ "idempotency_key": random_id().to_string() });
        loop {
            match ask(client, "rebuild", question.clone()).await {
                Err(error) if is_busy(&error) && began.elapsed() < self.timeout && client.is_ready("view").await => {
                    pause(EVERY).await;
                }
                answer => return answer.map(drop),
            }
        }
    }

    async fn catch_up(&self, client: &Client, last: u64, began: Instant) -> Result<Reached, Error> {
        let mut progress = Progress::new();
        let mut heard = 0;
        loop {
            match ask(client, "stats", json!({})).await {
                Ok(stats) => {
                    heard = stats["up_to"].as_u64().unwrap_or_default();
                    let reached = Reached { heard, last, orders: orders(&stats), elapsed: began.elapsed() };
                    progress.show(&reached);
                    if heard >= last {
                        progress.end();
                        return Ok(reached);
                    }
                }
                // It may be restarted meanwhile, and goes on.
                Err(error) if is_busy(&error) => tracing::debug!("asked in vain: {error}"),
                Err(error) => return Err(error),
            }
            if began.elapsed() >= self.timeout {
                progress.end();
                return Err(Error::NotRebuilt { heard, last, seconds: self.timeout.as_secs() });
            }
            pause(EVERY).await;
        }
    }
}

/// Where the stream ends for somebody who hears every event under its key. What nobody hears may stand behind.
async fn end_of_events(client: &Client) -> Result<u64, Error> {
    let mut end = 0;
    for schema in events::CATALOGUE {
        end = end.max(client.last_under(&format!("{}.*", schema.kind)).await?.unwrap_or_default());
    }
    Ok(end)
}

fn orders(stats: &Value) -> u64 {
    stats["statuses"].as_object().into_iter().flat_map(|it| it.values()).filter_map(Value::as_u64).sum()
}

/// Whether the same question later may be answered.
fn is_busy(error: &Error) -> bool {
    match error {
        Error::NotThere(_) => true,
        Error::Refused { refusal, .. } => refusal.code == 429,
        _ => false,
    }
}
