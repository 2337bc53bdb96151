//! Programs of others: where they are on this machine, and whether they are new enough.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use chassis::settings;

use crate::Error;

/// The oldest nats-server that will do: it can reset a consumer.
const NEEDED: (u32, u32) = (2, 14);

/// Where `just setup` puts what it fetches.
const FETCHED: &str = ".tools/bin";

/// A nats-server that is new enough: the first on PATH, else the one that `just setup` fetched into `project`.
///
/// # Errors
/// [`Error::NoNatsServer`], which says what there is instead.
pub fn nats_server(project: &Path) -> Result<PathBuf, Error> {
    let mut found = format!("there is no nats-server on PATH or in {FETCHED}");
    for path in candidates("nats-server", project) {
        match version_of(&path) {
            Some(version) if version >= NEEDED => return Ok(path),
            Some((major, minor)) => {
                let (needed, least) = NEEDED;
                found = format!(
                    "{} is nats-server {major}.{minor}, and {needed}.{least} or newer is needed",
                    path.display()
                );
            }
            None => found = format!("{} does not say its version", path.display()),
        }
    }
    Err(Error::NoNatsServer { found })
}

/// How the `nats` CLI is called by a person in the current folder; none where there is none.
pub(crate) fn nats_cli() -> Option<String> {
    let here = env::current_dir().ok()?;
    let path = candidates("nats", &here).into_iter().next()?;
    // What `just` put in front of PATH is not on the PATH of the person who reads this.
    Some(match path.strip_prefix(&here) {
        Ok(inside) => inside.display().to_string(),
        Err(_) => "nats".to_owned(),
    })
}

/// How this program is called by a person in the current folder.
pub(crate) fn own_name() -> String {
    let named = || {
        let path = env::current_exe().ok()?;
        let here = env::current_dir().ok()?;
        Some(path.strip_prefix(&here).unwrap_or(&path).display().to_string())
    };
    named().unwrap_or_else(|| "murmur".to_owned())
}

/// The files of this name on PATH, then the one of `project`.
fn candidates(name: &str, project: &Path) -> Vec<PathBuf> {
    let path = settings::text("PATH", "");
    let folders = env::split_paths(&path).filter(|folder| folder.is_absolute());
    folders.chain([project.join(FETCHED)]).map(|folder| folder.join(name)).filter(|file| file.is_file()).collect()
}

fn version_of(program: &Path) -> Option<(u32, u32)> {
    let asked = Command::new(program).arg("--version").stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    version(&String::from_utf8_lossy(&asked.stdout))
}

/// Major and minor of `nats-server: v2.15.2`.
fn version(said: &str) -> Option<(u32, u32)> {
    let digits = &said[said.find(|c: char| c.is_ascii_digit())?..];
    let mut numbers = digits.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_and_compares_by_number() {
        assert_eq!(version("nats-server: v2.15.2\n"), Some((2, 15)));
        assert_eq!(version("nats-server: v2.14.0-RC.1"), Some((2, 14)));
        assert!(version("nats-server: v2.9.10") < Some(NEEDED));
        assert!(version("nats-server: v10.0.0") > Some(NEEDED));
        assert_eq!(version("command not found"), None);
    }
}
