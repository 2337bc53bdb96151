//! Why nothing was measured. Each sentence says what to do.

/// Why nothing was measured, or not all of it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The programs are not those that people run.
    #[error("this is a debug build, whose figures say nothing: use `just bench`, which builds for release")]
    DebugBuild,
    /// The arguments do not make a run.
    #[error("{0}")]
    Arguments(String),
    /// Somebody pressed Ctrl-C. Everything that was started is stopped.
    #[error("interrupted: nothing is written")]
    Interrupted,
    /// Something broke on the way. Everything that was started is stopped.
    #[error("the benchmark broke off: {0:#}")]
    BrokeOff(#[from] anyhow::Error),
}
