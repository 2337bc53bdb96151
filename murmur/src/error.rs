//! Why a command did not do what it was asked. Each sentence says what to do.

use std::{io, path::PathBuf};

use chassis::Refusal;

use crate::Exit;

/// Why a command did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The broker, or a setting.
    #[error(transparent)]
    Chassis(#[from] chassis::Error),
    /// A service says no.
    #[error("{subject} says no ({}): {}", refusal.code, refusal.message)]
    Refused {
        /// Where the command went.
        subject: String,
        /// What it says.
        refusal: Refusal,
    },
    /// The broker does not store an event.
    #[error(transparent)]
    NotStored(chassis::Error),
    /// A service does not answer, or is stopping.
    #[error("{0}")]
    NotThere(String),
    /// The answer of a service cannot be read.
    #[error("the answer of {subject} cannot be read, it is of another version perhaps")]
    Answer {
        /// Where the command went.
        subject: String,
        /// What serde says.
        source: serde_json::Error,
    },
    /// No event about the order stands in the stream.
    #[error("no event about the order {0} stands in the stream: check the id, or leave out --no-wait to wait for one")]
    NoSuchOrder(String),
    /// There is nothing to record.
    #[error("nothing is known of the order {0}: no event under that key stands in the stream; check the id")]
    NothingKnown(String),
    /// There is no dead letter of that number.
    #[error("there is no dead letter {0}: `murmur dead list` shows those that there are")]
    NoSuchLetter(String),
    /// A recording cannot be read.
    #[error("cannot read the recording {}", file.display())]
    NoRecording {
        /// Where it should be.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A recording is none.
    #[error(transparent)]
    Recording(#[from] chassis::ReplayError),
    /// Nobody said which letters.
    #[error("say which dead letters to {0}: numbers, or a filter such as --service payment (--older-than 0s is all)")]
    NothingChosen(&'static str),
    /// No service speaks of the event.
    #[error("no service says {0} or hears it: `murmur graph --format json` lists the events")]
    NoSuchEvent(String),
    /// The order did not come to its end in time.
    #[error("the order {order} has not come to its end within {seconds} s: `murmur where {order}` says why")]
    NotInTime {
        /// The order.
        order: String,
        /// How long was waited.
        seconds: u64,
    },
    /// The read side did not catch up in time.
    #[error(
        "the read side has heard {heard} of {last} messages within {seconds} s: it goes on, `murmur view stats` tells how far it is"
    )]
    NotRebuilt {
        /// Up to where it has heard.
        heard: u64,
        /// Where the stream ended when it was asked.
        last: u64,
        /// How long was waited.
        seconds: u64,
    },
    /// The tour did not go as it should.
    #[error("the tour did not go as expected: {0}")]
    Tour(String),
    /// A port that is needed is taken.
    #[error("port {port} is in use, {advice}")]
    PortInUse {
        /// The port.
        port: u16,
        /// By whom perhaps, and what to do.
        advice: &'static str,
    },
    /// There is no broker to start.
    #[error("{found}: `just setup` fetches one into .tools/bin, or set NATS_URL to a broker that runs")]
    NoNatsServer {
        /// What there is instead.
        found: String,
    },
    /// The broker's configuration is not in this folder.
    #[error("there is no nats.conf in {}: start in the folder of the project (`just run-all` does)", folder.display())]
    NoNatsConfig {
        /// The current folder.
        folder: PathBuf,
    },
    /// JetStream is off.
    #[error("JetStream is off in the broker that was started: nats.conf needs its jetstream section")]
    NoJetStream,
    /// A program was not built.
    #[error("there is no {}: `cargo build --workspace --bins` makes it", path.display())]
    NoProgram {
        /// Where it should be.
        path: PathBuf,
    },
    /// A program ended before it was ready.
    #[error("{name} ended before it was ready ({how}), {where_it_says}; everything was stopped")]
    Died {
        /// The program.
        name: &'static str,
        /// Its exit status, or why it could not be started.
        how: String,
        /// Where its own sentence is.
        where_it_says: String,
    },
    /// Programs that are not ready in time.
    #[error("not ready after {seconds} s: {names}; what they say stands above; everything was stopped")]
    NotReady {
        /// Which ones.
        names: String,
        /// How long was waited.
        seconds: u64,
    },
    /// A signal came before everything was ready, or before the tour was over.
    #[error("interrupted: everything was stopped")]
    Interrupted,
    /// Nothing was measured, or not all of it.
    #[error(transparent)]
    Bench(#[from] bench::Error),
    /// The system refused something that every command needs.
    #[error("cannot {doing}")]
    System {
        /// What was tried.
        doing: &'static str,
        /// What the system says.
        source: io::Error,
    },
    /// Standard output is closed.
    #[error("cannot write to standard output")]
    Output(#[source] io::Error),
}

impl Error {
    /// What `subject` answered in place of an answer.
    pub(crate) fn refused(subject: &str, refusal: Refusal) -> Error {
        match refusal.code {
            503 => Error::NotThere(refusal.message),
            _ => Error::Refused { subject: subject.to_owned(), refusal },
        }
    }

    /// The exit code that says it to a script.
    pub fn exit(&self) -> Exit {
        match self {
            Error::Refused { .. } | Error::NotStored(_) | Error::NoSuchOrder(_) => Exit::Refused,
            Error::NothingKnown(_) | Error::NoSuchLetter(_) | Error::NothingChosen(_) => Exit::Refused,
            Error::NoSuchEvent(_) => Exit::Refused,
            Error::NoRecording { .. } | Error::Recording(_) => Exit::Refused,
            Error::Chassis(chassis::Error::Setting { .. }) => Exit::Refused,
            Error::Bench(bench::Error::DebugBuild | bench::Error::Arguments(_)) => Exit::Refused,
            Error::NotThere(_) | Error::Chassis(_) => Exit::NotThere,
            Error::NotInTime { .. } | Error::NotRebuilt { .. } => Exit::NotInTime,
            _ => Exit::Failed,
        }
    }
}
