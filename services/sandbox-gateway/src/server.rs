//! The sandbox as a server: bound to an address and a ledger, then served until it is told to stop.

use std::{io, net::SocketAddr, path::Path, time::Duration};

use axum::serve::Listener as _;
use tokio::{net::TcpListener, task};

use crate::{
    ambient,
    error::Error,
    gateway::Gateway,
    line::{Line, Lines},
    routes::routes,
};

/// How long a stopping sandbox waits for requests that are being sent or answered.
const GRACE: Duration = Duration::from_secs(5);

/// A sandbox that listens, but does not answer before [`serve`](Self::serve).
///
/// ```no_run
/// # async fn example() -> Result<(), sandbox_gateway::Error> {
/// let sandbox = sandbox_gateway::Sandbox::bind(
///     ([127, 0, 0, 1], 0).into(),
///     "data/sandbox-gateway".as_ref(),
/// )
/// .await?;
/// println!("http://{}", sandbox.address());
/// sandbox.serve(std::future::pending()).await
/// # }
/// ```
pub struct Sandbox {
    lines: Lines,
    address: SocketAddr,
    gateway: Gateway,
}

impl Sandbox {
    /// Takes an address and a ledger. Port 0 takes a free port. The data folder is made if it is not there.
    ///
    /// # Errors
    /// See [`Error`]. Nothing is kept after an error.
    pub async fn bind(listen: SocketAddr, data: &Path) -> Result<Self, Error> {
        if !listen.ip().is_loopback() {
            return Err(Error::NotLoopback(listen));
        }
        let refused = |source: io::Error| match source.kind() {
            io::ErrorKind::AddrInUse => Error::PortInUse(listen),
            _ => Error::Listen { address: listen, source },
        };
        let lines = Lines(TcpListener::bind(listen).await.map_err(refused)?);
        let address = lines.local_addr().map_err(refused)?;
        let gateway = Gateway::open(data)?;
        Ok(Self { lines, address, gateway })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `stop`, then finishes what it has begun and gives the ledger back: once this returns, another sandbox
    /// can be bound to the same address and ledger. Slow answers are given at once; a client that is still sending after
    /// five seconds is left.
    ///
    /// # Errors
    /// [`Error::Serve`]
    pub async fn serve(self, stop: impl Future<Output = ()> + Send + 'static) -> Result<(), Error> {
        let Self { lines, gateway, .. } = self;
        let service = routes(gateway.clone()).into_make_service_with_connect_info::<Line>();
        let stopping = gateway.stopping().clone();
        let mut stopped = stopping.subscribe();
        let serving = axum::serve(lines, service).with_graceful_shutdown(async move {
            stop.await;
            stopping.send_replace(true);
        });
        let outcome = tokio::select! {
            outcome = serving.into_future() => outcome.map_err(Error::Serve),
            () = async {
                stopped.wait_for(|&stopped| stopped).await.expect("the gateway here holds the sender");
                ambient::wait(GRACE).await;
            } => {
                tracing::warn!("left the clients that were still sending");
                Ok(())
            }
        };
        let closing = task::spawn_blocking(move || gateway.close());
        closing.await.expect("closing waits for the last write and drops a file");
        outcome
    }
}
