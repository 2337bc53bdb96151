//! Logs: one line an entry on standard error, with the service's name and, where there is one, the order.

use std::{io::IsTerminal, process::ExitCode};

use tracing_subscriber::{EnvFilter, fmt::time::FormatTime};

use crate::{ambient, settings};

/// Starts logging for `service`. `RUST_LOG` filters; without it, what an operator wants to see is shown.
pub fn start(service: &'static str) {
    let filter = EnvFilter::new(settings::text("RUST_LOG", "info,async_nats=warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        // Where nobody reads the log any more, the service goes on.
        .log_internal_errors(false)
        .with_timer(Stamp { service })
        .init();
}

/// How a service's process ends: in order, or with the one sentence that says why not.
pub fn end(result: Result<(), impl std::fmt::Display>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// What stands before every entry.
struct Stamp {
    service: &'static str,
}

impl FormatTime for Stamp {
    fn format_time(&self, w: &mut tracing_subscriber::fmt::format::Writer<'_>) -> std::fmt::Result {
        write!(w, "{:.3} {:<9}", ambient::now(), self.service)
    }
}
