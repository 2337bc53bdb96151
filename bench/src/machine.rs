//! What figures were measured on: as the machine itself says it.

use std::{fs, process::Command, thread};

use serde::{Deserialize, Serialize};

/// What the figures depend on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// How many there are.
    pub cores: usize,
    /// In GiB; none where the system does not tell.
    pub memory: Option<u64>,
    /// The kernel.
    pub system: String,
    /// Its version.
    pub rustc: String,
    /// Its version.
    pub nats_server: String,
}

impl Machine {
    /// This one.
    pub fn this() -> Machine {
        Machine {
            cores: thread::available_parallelism().map_or(0, usize::from),
            memory: memory(),
            system: said("uname", &["-s", "-r", "-m"]),
            rustc: said("rustc", &["--version"]),
            nats_server: said("nats-server", &["--version"]),
        }
    }

    /// All of it on one line.
    pub fn sentence(&self) -> String {
        let memory = self.memory.map_or("memory unknown".to_owned(), |it| format!("{it} GiB of memory"));
        format!("{} cores, {memory}, {}; {}; {}", self.cores, self.system, self.rustc, self.nats_server)
    }
}

/// The sources that are run: the commit, and whether something else than the files `made` by such runs differs from it.
pub fn commit(made: &str) -> String {
    let commit = said("git", &["rev-parse", "--short=10", "HEAD"]);
    let changed = said("git", &["status", "--porcelain", "--untracked-files=no", "--", ".", &format!(":!{made}")]);
    if changed.is_empty() { commit } else { format!("{commit} with changes") }
}

/// What a program prints; where it is not there, that.
fn said(program: &str, arguments: &[&str]) -> String {
    let ended = Command::new(program).args(arguments).output();
    ended.map_or_else(|_| format!("no {program}"), |it| String::from_utf8_lossy(&it.stdout).trim().to_owned())
}

fn memory() -> Option<u64> {
    let known = fs::read_to_string("/proc/meminfo").ok()?;
    let kib: u64 =
        known.lines().find_map(|line| line.strip_prefix("MemTotal:"))?.split_whitespace().next()?.parse().ok()?;
    Some((kib + 512 * 1024) / (1024 * 1024))
}
