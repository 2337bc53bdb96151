//! The operator's command, run as a process against a stack.

use serde_json::Value;
use tokio::process::Command;

use crate::{programs, stack::Stack};

/// What a command came to.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// Its lines, each of them JSON.
    #[track_caller]
    pub fn json(&self) -> Vec<Value> {
        let line = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        self.stdout.lines().map(line).collect()
    }

    /// Itself, when it did what it was asked.
    #[track_caller]
    pub fn done(self) -> Ran {
        self.ended(0)
    }

    /// Itself, when it ended with `code`.
    #[track_caller]
    pub fn ended(self, code: i32) -> Ran {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }
}

impl Stack {
    /// `murmur` with these words, which has nothing in its environment but the broker's address.
    pub fn murmur_command(&self, line: &str) -> Command {
        let mut command = Command::new(programs::of_the_workspace("murmur"));
        command.env_clear().current_dir(self.folder()).env("NATS_URL", self.broker.url());
        command.args(line.split_whitespace());
        command
    }

    /// Runs `murmur` to its end.
    pub async fn murmur(&self, line: &str) -> Ran {
        let output = self.murmur_command(line).output().await.unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ran { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}
