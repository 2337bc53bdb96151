//! Programs as processes: found beside this one, started, waited for, stopped.

use std::{
    env,
    fs::File,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use chassis::ambient::pause;
use rustix::process::{Pid, Signal, kill_process};

/// How long anything may take that is waited for.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// The process of a service: all of them are one program.
pub fn service(name: &str) -> anyhow::Result<Command> {
    let mut command = program("murmur")?;
    command.args(["serve", name]);
    Ok(command)
}

/// The program of this name: beside this one.
pub fn program(name: &str) -> anyhow::Result<Command> {
    let path = env::current_exe().context("where this program is")?.with_file_name(name);
    ensure!(path.is_file(), "{} is not there: `cargo build --release --workspace --bins` makes it", path.display());
    Ok(Command::new(path))
}

/// Starts `command`. What it prints goes to a file beside `store`.
pub fn start(command: &mut Command, store: &Path) -> anyhow::Result<Child> {
    let output = File::create(store.with_extension("log")).with_context(|| store.display().to_string())?;
    command.stdin(Stdio::null()).stderr(output.try_clone()?).stdout(output);
    command.spawn().with_context(|| format!("{:?} cannot be started", command.get_program()))
}

/// Asks a process to stop, and waits until it has.
pub async fn stop(process: &mut Child) -> anyhow::Result<()> {
    let pid = Pid::from_child(process);
    kill_process(pid, Signal::TERM).context("a process cannot be stopped")?;
    let began = Instant::now();
    while process.try_wait().context("a process cannot be looked at")?.is_none() {
        ensure!(began.elapsed() < DEADLINE, "a process did not stop within {DEADLINE:?}");
        pause(Duration::from_millis(10)).await;
    }
    Ok(())
}

/// What `look` gives as soon as it gives something.
pub async fn until<T>(what: &str, look: impl AsyncFn() -> anyhow::Result<Option<T>>) -> anyhow::Result<T> {
    within(DEADLINE, what, look).await
}

/// The same, and how long that may take.
pub async fn within<T>(
    deadline: Duration,
    what: &str,
    look: impl AsyncFn() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let began = Instant::now();
    loop {
        if let Some(found) = look().await? {
            return Ok(found);
        }
        ensure!(began.elapsed() < deadline, "not within {deadline:?}: {what}");
        pause(Duration::from_millis(20)).await;
    }
}
