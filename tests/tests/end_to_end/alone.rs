//! A test in mount and process namespaces of its own: what it mounts and what it starts is gone when it is, however it
//! ends, and nobody else on the machine ever sees it. For that the test runs itself again under `unshare`, as root.

use std::{
    env,
    io::{self, Write},
    path::Path,
    process::Command,
};

use crate::stack::PLACES;

/// Set for the test that runs inside. Its folder for temporary files is in memory.
const INSIDE: &str = "MURMURATION_TEST_IS_ALONE";

/// `setpriv` ends `unshare` with the test, `unshare` ends the first process inside with itself, and the kernel ends all
/// others with that one.
const ALONE: [&str; 9] =
    ["--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--"];

/// Where a test stands that has to be alone.
pub enum Here {
    /// Inside: it goes on.
    Inside,
    /// It went on inside, and ended well.
    Done,
    /// This machine lets nobody be alone, for the reason that is told.
    Impossible(String),
}

/// Runs the test of this `name`, the one that calls, alone: inside, this returns at once.
pub async fn alone(name: &str) -> Here {
    if is_inside() {
        return Here::Inside;
    }
    let _place = PLACES.acquire().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    if let Err(why) = possible(folder.path()) {
        // Past the test's own output, which nobody sees of a test that passes.
        writeln!(io::stderr(), "{name} is SKIPPED: it mounts a disk of its own, and {why}").unwrap();
        return Here::Impossible(why);
    }
    let mut inside = Command::new("setpriv");
    // It mounts a file system in memory on its folder, and then becomes the test.
    inside.args(ALONE).args(["sh", "-c", "mount -t tmpfs -o size=4g tmpfs \"$TMPDIR\" && exec \"$@\"", "sh"]);
    inside.arg(env::current_exe().unwrap()).args(["--exact", name, "--nocapture"]);
    let ended = inside.env("TMPDIR", folder.path()).env(INSIDE, "yes").output().unwrap();
    // Only now is it part of what this test printed.
    eprint!("{}{}", String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    assert!(ended.status.success(), "{name} failed inside: {}", ended.status);
    Here::Done
}

/// Tries all that is needed once.
fn possible(folder: &Path) -> Result<(), String> {
    let mut attempt = Command::new("setpriv");
    attempt.args(ALONE).args(["sh", "-ec", TRIES]).env("TMPDIR", folder);
    let tried = attempt.output().map_err(|error| format!("there is no setpriv and unshare here: {error}"))?;
    let said = String::from_utf8_lossy(&tried.stderr);
    match tried.status.success() {
        true => Ok(()),
        false => Err(format!("this takes root, loop devices and ext4: {}", said.trim().replace('\n', "; "))),
    }
}

const TRIES: &str = "
    mount -t tmpfs tmpfs \"$TMPDIR\"; cd \"$TMPDIR\"; mkdir mounted; truncate -s 8M disk
    mkfs.ext4 -q -F disk; mount -o loop disk mounted; umount mounted
";

#[expect(clippy::disallowed_methods, reason = "a test has no settings of a service")]
fn is_inside() -> bool {
    env::var_os(INSIDE).is_some()
}
