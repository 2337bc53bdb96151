//! `murmur serve`: one service, in this process.

use std::process::ExitCode;

use chassis::logs;
use clap::{Args, ValueEnum};

const EXAMPLES: &str = "\
Examples:
  murmur serve payment
  NATS_URL=nats://broker:4222 DATA_DIR=/var/lib/murmuration RUST_LOG=warn murmur serve order

The broker is at NATS_URL, the store in DATA_DIR/<service>. A second one on the same store is refused; one with another
DATA_DIR stands by until the first is gone. SIGINT or SIGTERM stops it in order; killed at any moment, it goes on from its
last commit. `murmur up` starts all.
Exit code 0 when it was stopped, 1 when it cannot go on (the last line of its log says why), 2 for a service that is not.";

/// Runs one service, until Ctrl-C
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Serve {
    /// Which one
    service: Served,
}

/// A service of the shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Served {
    Customer,
    Inventory,
    Notification,
    Order,
    Payment,
    Shipping,
    View,
}

impl Serve {
    /// Runs the service on this thread until it is stopped: a service is one thread for its turns, and one that carries.
    #[tokio::main(flavor = "current_thread")]
    pub async fn run(self) -> ExitCode {
        let name = self.service.name();
        logs::start(name);
        #[cfg(target_os = "linux")]
        be_called(name);
        logs::end(self.service.run().await)
    }
}

impl Served {
    /// As it is called everywhere.
    pub fn name(self) -> &'static str {
        match self {
            Served::Customer => "customer",
            Served::Inventory => "inventory",
            Served::Notification => "notification",
            Served::Order => "order",
            Served::Payment => "payment",
            Served::Shipping => "shipping",
            Served::View => "view",
        }
    }

    async fn run(self) -> anyhow::Result<()> {
        match self {
            Served::Customer => customer::run().await,
            Served::Inventory => inventory::run().await,
            Served::Notification => notification::run().await,
            Served::Order => order::run().await,
            Served::Payment => payment::run().await,
            Served::Shipping => shipping::run().await,
            Served::View => view::run().await,
        }
    }
}

/// Has the process called after its service, in `top` and for `pgrep`. It has the name of its first thread, which this is.
#[cfg(target_os = "linux")]
fn be_called(name: &str) {
    if let Ok(name) = std::ffi::CString::new(name)
        && let Err(error) = rustix::thread::set_name(&name)
    {
        tracing::debug!("the process keeps its name: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_service_of_the_shop_is_served_under_its_name() {
        let mut shop: Vec<_> = crate::shop().iter().map(chassis::Service::name).collect();
        shop.sort_unstable();
        let served = Served::value_variants().iter();
        let typed = |it: &Served| it.to_possible_value().map(|it| it.get_name().to_owned());
        assert_eq!(served.clone().filter_map(typed).collect::<Vec<_>>(), shop);
        assert_eq!(served.map(|it| it.name()).collect::<Vec<_>>(), shop);
    }
}
