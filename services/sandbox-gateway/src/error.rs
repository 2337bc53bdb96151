//! Why the sandbox gateway does not start, or stops.

use std::{fmt, io, net::SocketAddr, path::PathBuf};

/// Why the sandbox gateway does not start, or stops.
///
/// All but [`Error::Serve`] come from [`Sandbox::bind`](crate::Sandbox::bind), before anything is served.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// It takes money without asking who is there, so it serves this machine only. Give a loopback address.
    NotLoopback(SocketAddr),
    /// Another process listens there. Stop it, or give another port (0 takes a free one).
    PortInUse(SocketAddr),
    /// The address cannot be listened on.
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the operating system said.
        source: io::Error,
    },
    /// Another process writes this ledger. Stop it, or give another data folder.
    LedgerInUse(PathBuf),
    /// The ledger or its folder cannot be read or written.
    Ledger {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A line of the ledger is not one that this program wrote. It is left as it is: repair it, or move the file away.
    BadLine {
        /// The ledger.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// Serving failed.
    Serve(io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotLoopback(address) => write!(
                f,
                "{address} is not a loopback address: this sandbox takes payments without asking who is there, \
                 so it listens on 127.0.0.1 or [::1] only"
            ),
            Self::PortInUse(address) => write!(
                f,
                "{address} is in use by another process: stop it, or pass another --listen (port 0 takes a free one)"
            ),
            Self::Listen { address, .. } => write!(f, "cannot listen on {address}"),
            Self::LedgerInUse(folder) => write!(
                f,
                "the ledger in {} is in use by another process: stop it, or pass another --data",
                folder.display()
            ),
            Self::Ledger { path, .. } => write!(f, "cannot use {}", path.display()),
            Self::BadLine { path, line, reason } => write!(
                f,
                "line {line} of {} is not a ledger line ({reason}): repair it, or move the file away",
                path.display()
            ),
            Self::Serve(_) => write!(f, "serving failed"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Listen { source, .. } | Self::Ledger { source, .. } | Self::Serve(source) => Some(source),
            Self::NotLoopback(_) | Self::PortInUse(_) | Self::LedgerInUse(_) | Self::BadLine { .. } => None,
        }
    }
}
