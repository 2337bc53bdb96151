//! The command line of the sandbox gateway.

use std::{
    io::{self, IsTerminal, Write},
    net::SocketAddr,
    path::PathBuf,
    process::ExitCode,
};

use anyhow::Context;
use clap::Parser;
use sandbox_gateway::Sandbox;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::{EnvFilter, filter::LevelFilter};

/// A stand-in for Stripe's API with a ledger of its own.
///
/// Serves POST /v1/payment_intents and POST /v1/refunds in Stripe's wire format, with idempotency keys, and writes what
/// really happened to DATA/ledger.jsonl. Any secret key that starts with sk_ is accepted.
///
/// A payment intent without confirm=true is written down and charges nobody; its idempotency key is used up.
///
/// Cards: pm_card_visa is approved; pm_card_declined and pm_card_visa_chargeDeclined are declined; pm_gateway_down
/// answers 503; pm_gateway_flaky answers 503 twice per idempotency key, then it is approved; pm_refund_refused is approved
/// and its refunds are refused, until POST /sandbox/refunds with {"accepted": true}.
///
/// GET /sandbox/ledger shows what happened. POST /sandbox/mode with {"mode": MODE, "requests": N} makes /v1 misbehave,
/// for the next N requests or until it is changed. MODE is ok, unavailable, internal_error, rate_limited, slow (with
/// "slow_ms"), reset or lost_reply.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Where to listen: a loopback address; port 0 takes a free port
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:12111")]
    listen: SocketAddr,

    /// The folder of the ledger; made if it is not there
    #[arg(long, value_name = "DATA", default_value = "data/sandbox-gateway")]
    data: PathBuf,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    log_to_stderr();
    match run(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sandbox-gateway: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> anyhow::Result<()> {
    // Before anything is said, so that whoever waits for the line below can stop this process at once.
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen to SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen to SIGTERM")?;
    let sandbox = Sandbox::bind(arguments.listen, &arguments.data).await?;
    announce(sandbox.address()).context("cannot say where it listens")?;
    let stop = async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    };
    Ok(sandbox.serve(stop).await?)
}

fn announce(address: SocketAddr) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "sandbox-gateway listening on http://{address}")?;
    stdout.flush()
}

fn log_to_stderr() {
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).from_env_lossy();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr)
        // Where nobody reads the log any more, the gateway goes on.
        .log_internal_errors(false)
        .init();
}
