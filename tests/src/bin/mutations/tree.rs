//! A copy of the sources that may be broken, with a target folder of its own.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use anyhow::{Context, bail, ensure};

const FOLDER: &str = "target/mutations";

/// How a command ended.
pub enum Ended {
    Passed,
    /// The test that failed first.
    Failed(String),
}

/// The copy.
pub struct Tree {
    folder: PathBuf,
    target: PathBuf,
}

impl Tree {
    /// A copy of the sources as they are now, with what is not committed yet.
    pub fn make() -> anyhow::Result<Tree> {
        fs::create_dir_all(FOLDER).context(FOLDER)?;
        let home = Path::new(FOLDER).canonicalize().context(FOLDER)?;
        let tree = Tree { folder: home.join("tree"), target: home.join("target") };
        let here = Path::new(".");
        // A commit that nobody sees, where something is changed.
        let changed = git(here, &["stash", "create"])?;
        let sources = if changed.is_empty() { "HEAD" } else { &changed };
        match tree.folder.join(".git").exists() {
            true => {
                tree.reset()?;
                git(&tree.folder, &["checkout", "--quiet", "--detach", &commit(sources)?])?;
            }
            false => {
                git(here, &["worktree", "prune"])?;
                let folder = tree.folder.display().to_string();
                git(here, &["worktree", "add", "--quiet", "--detach", &folder, sources])?;
            }
        }
        Ok(tree)
    }

    /// Applies a patch; nothing of it where it does not fit.
    pub fn apply(&self, patch: &Path) -> anyhow::Result<()> {
        git(&self.folder, &["apply", &patch.display().to_string()]).map(drop)
    }

    /// As it was made.
    pub fn reset(&self) -> anyhow::Result<()> {
        git(&self.folder, &["reset", "--quiet", "--hard"]).map(drop)
    }

    /// Runs a command of cargo's that tests. Sources that cannot be built are an error: they notice nothing.
    pub fn run(&self, command: &str) -> anyhow::Result<Ended> {
        let words: Vec<_> = command.split_whitespace().collect();
        let build = words.iter().copied().take_while(|word| *word != "--").chain(["--no-run"]).collect::<Vec<_>>();
        let built = self.start(&build)?;
        ensure!(built.status.success(), "{command} cannot be built:\n{}", String::from_utf8_lossy(&built.stderr));
        let ended = self.start(&words)?;
        if ended.status.success() {
            return Ok(Ended::Passed);
        }
        let said = String::from_utf8_lossy(&ended.stdout);
        match failed(&said) {
            Some(test) => Ok(Ended::Failed(test)),
            None => bail!("{command} failed, and no test did:\n{said}\n{}", String::from_utf8_lossy(&ended.stderr)),
        }
    }

    fn start(&self, words: &[&str]) -> anyhow::Result<Output> {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).current_dir(&self.folder).env("CARGO_TARGET_DIR", &self.target);
        // The short form of everything, and no figures of a broken system.
        command.env_remove("PROOF_FIGURES");
        command.output().with_context(|| format!("{} cannot be started", words.join(" ")))
    }
}

/// The first test that is listed as failed: `test the::name ... FAILED`, or, where it printed in between, a line with the
/// name alone under the last `failures:`.
fn failed(said: &str) -> Option<String> {
    let listed = said.rsplit("\nfailures:\n").next()?;
    let name = listed.lines().map(str::trim).find(|line| !line.is_empty())?;
    said.contains("test result: FAILED").then(|| name.to_owned())
}

/// The commit that a name stands for here: in the copy, HEAD is another one.
fn commit(name: &str) -> anyhow::Result<String> {
    git(Path::new("."), &["rev-parse", name])
}

/// What git prints.
fn git(folder: &Path, arguments: &[&str]) -> anyhow::Result<String> {
    let ended = Command::new("git").arg("-C").arg(folder).args(arguments).output().context("git cannot be started")?;
    let complaint = String::from_utf8_lossy(&ended.stderr);
    ensure!(ended.status.success(), "git {}: {}", arguments.join(" "), complaint.trim());
    Ok(String::from_utf8_lossy(&ended.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mutation::Mutation;

    #[test]
    fn every_patch_says_what_it_takes_out_and_still_fits() {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for mutation in Mutation::all(&workspace.join(crate::PATCHES)).unwrap() {
            git(&workspace, &["apply", "--check", &mutation.patch.display().to_string()]).unwrap();
        }
    }

    #[test]
    fn the_first_test_that_failed_is_told() {
        let said = "test a ... ok\ntest b ... printed\nFAILED\n\nfailures:\n\n---- b stdout ----\n\nfailures:\n    b\n    \
                    c\n\ntest result: FAILED. 1 passed; 2 failed;\n";
        assert_eq!(failed(said).as_deref(), Some("b"));
        assert_eq!(failed("test a ... ok\n\ntest result: ok. 1 passed;\n"), None);
    }
}
