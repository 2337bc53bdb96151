//! A process that a test owns. What it prints goes to a file; it ends with the test, however the test ends.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use crate::await_condition::eventually;

/// A process with the file that it prints to.
pub struct Process {
    child: Child,
    output: PathBuf,
    /// How much the file held before this process.
    before: usize,
}

impl Process {
    /// Starts `command`. What it prints is added to `output`.
    pub fn start(command: &mut Command, output: &Path) -> Process {
        let file = File::options().create(true).append(true).open(output).unwrap();
        let before = usize::try_from(file.metadata().unwrap().len()).unwrap();
        command.stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file);
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        Process { child, output: output.to_owned(), before }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What this process and those before it printed to the same file.
    pub fn output(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.output).unwrap()).into_owned()
    }

    /// What this process printed.
    pub fn own_output(&self) -> String {
        self.output()[self.before..].to_owned()
    }

    /// SIGKILL; it is gone when this returns.
    pub fn kill(&mut self) {
        // One that has ended by itself is as gone.
        self.child.kill().ok();
        self.child.wait().unwrap();
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// SIGTERM.
    pub fn ask_to_stop(&self) {
        self.signal("-TERM");
    }

    /// SIGSTOP: it does nothing any more, and knows nothing of it.
    pub fn stand_still(&self) {
        self.signal("-STOP");
    }

    /// SIGCONT.
    pub fn go_on(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let sent = Command::new("/bin/kill").args([signal, &self.id().to_string()]).status().unwrap();
        assert!(sent.success(), "no process {} for {signal}", self.id());
    }

    /// The exit code, once it has ended; none where a signal ended it.
    pub async fn end(&mut self) -> Option<i32> {
        let what = format!("the process that prints to {} ends", self.output.display());
        eventually(&what, async || self.child.try_wait().unwrap()).await.code()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
