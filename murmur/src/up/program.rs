//! A program of the system as data: what is started, how it is known to be ready, and what the table says of it.

use std::{
    ffi::OsString,
    fs::{self, File},
    io,
    path::PathBuf,
    process::Stdio,
};

use tokio::process::{Child, Command};

use super::ports::Port;

/// How a program is known to be ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ready {
    /// It is the broker, and takes connections.
    Connects,
    /// It prints a line that starts so.
    Says(&'static str),
    /// It answers on the broker under its name.
    Answers,
}

/// A program, started as a process of its own.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub name: &'static str,
    pub executable: PathBuf,
    pub arguments: Vec<OsString>,
    /// What is set for it, beside what this process has.
    pub environment: Vec<(&'static str, String)>,
    /// What has to be free for it.
    pub ports: Vec<Port>,
    pub ready: Ready,
    /// Where its logs go, when not to standard error.
    pub log: Option<PathBuf>,
    /// Where it is found, for people.
    pub place: String,
    /// Where its data is, for people.
    pub store: String,
}

impl Program {
    /// Starts it, in a process group of its own: Ctrl-C at the terminal reaches only murmur, which then stops everything
    /// in order. Should murmur forget it, it is killed.
    pub fn start(&self) -> io::Result<Child> {
        let mut command = Command::new(&self.executable);
        command.args(&self.arguments).envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(io::stderr()).process_group(0).kill_on_drop(true);
        if let Ready::Says(_) = self.ready {
            command.stdout(Stdio::piped());
        }
        if let Some(path) = &self.log {
            path.parent().map_or(Ok(()), fs::create_dir_all)?;
            command.stderr(File::options().create(true).append(true).open(path)?);
        }
        command.spawn()
    }

    /// The last thing that it wrote to its log; where it has none, it stands on standard error already.
    pub fn last_words(&self) -> String {
        let above = || "what it says stands above".to_owned();
        let Some(path) = &self.log else { return above() };
        let log = fs::read(path).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let last = log.lines().rfind(|line| !line.trim().is_empty());
        last.map_or_else(above, |line| format!("saying {line:?} in {}", path.display()))
    }
}
