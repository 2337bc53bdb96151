//! `murmur view`: what the read side knows of all orders, and its rebuild. Thin over the commands `svc.view.*`.

mod order;
mod orders;
mod progress;
mod rebuild;
mod stats;

use chassis::{Client, Settings};
use clap::{Args, Subcommand};
use serde_json::Value;

use self::{order::Order, orders::Orders, rebuild::Rebuild, stats::Stats};
use crate::{Error, Exit};

const EXAMPLES: &str = "\
Examples:
  murmur view order 7f9cf0a2-9f5c-4c7e-8a51-0e7c3d0a1b2c
  murmur view orders --saga-status compensating
  murmur view orders --status confirmed --older-than 15m
  murmur view stats
  murmur view rebuild

Each knows --json, and its own --help. What is shown is as far as the read side has heard the stream: up_to says how far.";

/// Shows orders and totals as the read side has them, and rebuilds it
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct View {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Order(Order),
    Orders(Orders),
    Stats(Stats),
    Rebuild(Rebuild),
}

impl View {
    pub async fn run(self) -> Result<Exit, Error> {
        let client = Client::connect(&Settings::from_env()?).await?;
        match self.what {
            What::Order(order) => order.run(&client).await,
            What::Orders(orders) => orders.run(&client).await,
            What::Stats(stats) => stats.run(&client).await,
            What::Rebuild(rebuild) => rebuild.run(&client).await,
        }
    }
}

/// The answer of `svc.view.<command>`.
async fn ask(client: &Client, command: &str, body: Value) -> Result<Value, Error> {
    let subject = format!("svc.view.{command}");
    let answer = client.command(&subject, body.to_string().into_bytes()).await;
    let answer = answer.map_err(|refusal| Error::refused(&subject, refusal))?;
    serde_json::from_slice(&answer).map_err(|source| Error::Answer { subject, source })
}

/// A field of an answer as a cell of a table; empty where it is not there.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// An amount with its currency; empty while it is not known.
fn money(order: &Value) -> String {
    format!("{} {}", cell(&order["total"]), cell(&order["currency"])).trim().to_owned()
}

/// The entries of a field that is a list.
fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}
