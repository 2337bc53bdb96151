//! What can be asked of a run.

use std::path::PathBuf;

use clap::Args;

const EXAMPLES: &str = "\
Examples:
  just bench                          all of it, about five minutes
  just bench --quick                  within a minute, everything in small; writes nothing
  just bench --growth --only-growth   whether a million orders in the stores make it slower
  just bench --json --quick | jq '.systems[0].closed[].per_second'
  just bench-micro                    a turn, a commit, encode and decode, by themselves

How to read it:
  limit A    the broker alone: the messages that orders make, published and heard as the services do, and nothing else
  limit B    the same, and the bytes that the services wrote, in batches, flushed and synced
  closed     so many customers place one order after the other, each when the one before has ended
  open       orders come at a steady rate, whatever happens; time counts from when an order was due, so that one
             that had to wait to be placed is as late as it was (no coordinated omission)
  CPU        of every process: services, broker, payment gateway, and the load itself

Run it in the folder of the project (it takes nats.conf from there), on a machine that does nothing else.
Exit code 0 when all was measured, 1 when it broke off, 2 for a debug build or arguments that make no run.";

/// Measures orders a second, times, CPU, memory and disk, against what the broker and the disk could do
///
/// Starts a broker, the sandbox gateway and all services, each a process of its own, on free ports and in a folder that
/// is removed in the end. Everything is as in production: release builds, the broker with sync_interval: always, stores
/// synced with each commit. 0 % and 20 % of the orders fail, half of these at the payment and half at the shipment.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Everything in small, within a minute; nothing is written unless --out is given
    #[arg(long)]
    pub quick: bool,

    /// How long each load is kept up [default: 10, 30 with --only-growth, or 1.5 with --quick]
    #[arg(long, value_name = "SECONDS")]
    pub seconds: Option<f64>,

    /// How many customers there are in the closed loops [default: 1,64,256,1024,2048, or 1,64 with --quick]
    #[arg(long, value_name = "N,N", value_delimiter = ',')]
    pub together: Vec<usize>,

    /// Measures also with ORDERS in the stores: the rate, the memory, the start, a rebuild
    #[arg(long, value_name = "ORDERS", num_args = 0..=1, default_missing_value = "1000000")]
    pub growth: Option<u64>,

    /// Measures nothing but --growth
    #[arg(long, requires = "growth")]
    pub only_growth: bool,

    /// Print JSON in place of the table
    #[arg(long)]
    pub json: bool,

    /// Where NAME.json and NAME.svg are written [default: docs/bench]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,

    /// What the files are called
    #[arg(long, value_name = "NAME", default_value = "latest")]
    pub name: String,

    /// Where the folder of the run is made: the disk that is measured
    #[arg(long, value_name = "DIR", default_value = "target")]
    pub within: PathBuf,
}
