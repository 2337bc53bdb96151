//! What can stop a service. Each sentence says what happened, to what, and what to do.

use std::path::PathBuf;

/// Why a service could not start, or had to stop. Nothing that was accepted is lost: the next start goes on from the
/// last commit.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting cannot be used.
    #[error("{name}={value:?} cannot be used: {why}")]
    Setting {
        /// The environment variable.
        name: String,
        /// Its value.
        value: String,
        /// What would do.
        why: String,
    },
    /// Another process holds the store.
    #[error("the store {} is held by another process: stop that one, or set DATA_DIR to another folder", path.display())]
    StoreLocked {
        /// The store's folder.
        path: PathBuf,
    },
    /// The store's files cannot be used.
    #[error("the files of the store {} cannot be used: check the disk's space and the folder's rights", path.display())]
    StoreFiles {
        /// The store's folder.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The store's disk takes no more.
    #[error("the disk of the store {} is full: make room, then start again; what was answered is in it", path.display())]
    StoreFull {
        /// The store's folder.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// What is in the store is not what was written.
    #[error("the store {} is damaged: {why}. Start the service again: it moves the store aside and goes on with a new one", path.display())]
    StoreDamaged {
        /// The store's folder.
        path: PathBuf,
        /// How that shows.
        why: String,
    },
    /// A damaged store cannot be moved aside.
    #[error("the store {} is damaged ({why}) and cannot be moved aside: move it away by hand, then start again", path.display())]
    StoreStays {
        /// The store's folder.
        path: PathBuf,
        /// How the damage shows.
        why: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// A newer version of the chassis wrote the store. Nothing of it is changed.
    #[error("the store {} has the form {form}, which this version does not know: start the newer version, or move the store away", path.display())]
    StoreNewer {
        /// The store's folder.
        path: PathBuf,
        /// The form of what is in it.
        form: u8,
    },
    /// The store was removed or replaced while it was open.
    #[error("the store {} was removed or replaced while it was in use: start the service again", path.display())]
    StoreGone {
        /// The store's folder.
        path: PathBuf,
    },
    /// The store does not open or does not write.
    #[error("the store {} failed: check the disk, then start again; a store beyond repair can be moved away", path.display())]
    Store {
        /// The store's folder.
        path: PathBuf,
        /// What sled says.
        source: sled::Error,
    },
    /// A row does not read back.
    #[error("the row {key} cannot be read: it was written by another version of the service, or it is damaged")]
    Row {
        /// The row's key, readable.
        key: String,
        /// What serde says.
        source: serde_json::Error,
    },
    /// The store belongs to another service.
    #[error("the store belongs to the service {found} and this is {expected}: set DATA_DIR to another folder")]
    ForeignStore {
        /// Whose it is.
        found: String,
        /// Who opened it.
        expected: String,
    },
    /// The broker is not there.
    #[error("no broker at {url}: start one (`just run-all` does), or set NATS_URL")]
    NoBroker {
        /// Where it was looked for, without credentials.
        url: String,
        /// What the client says.
        source: async_nats::ConnectError,
    },
    /// The broker cannot do what is needed.
    #[error("the broker at {url} is nats-server {version}, and {needed} or newer is needed: `just setup` fetches one")]
    OldBroker {
        /// Where it is, without credentials.
        url: String,
        /// What it is.
        version: String,
        /// What is needed.
        needed: &'static str,
    },
    /// The broker refused something.
    #[error("the broker refused to {doing}: {why}")]
    Broker {
        /// What was tried.
        doing: &'static str,
        /// What it says.
        why: String,
    },
    /// Another instance took over.
    #[error("another instance of {service} took over: this one stops, so that the two never share the work")]
    LeaseLost {
        /// The service.
        service: String,
    },
    /// The service asks for an effect that nobody performs.
    #[error("nobody performs the effect {effect} of the service {service}: give its runner a performer")]
    NoPerformer {
        /// The service.
        service: String,
        /// The effect's name.
        effect: String,
    },
    /// A task of the service ended in a way that it must not.
    #[error("a part of the service stopped: {why}")]
    Stopped {
        /// What is known about it.
        why: String,
    },
}
