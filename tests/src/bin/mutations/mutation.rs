//! A guarantee that is taken out: a patch, what it takes out, and what should notice.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, ensure};

/// One patch.
#[derive(Debug)]
pub struct Mutation {
    /// The name of its file.
    pub name: String,
    pub patch: PathBuf,
    /// For people, behind "without".
    pub takes_out: String,
    /// Commands of which one has to fail.
    pub commands: Vec<String>,
}

impl Mutation {
    /// All patches in `folder`, by name.
    ///
    /// # Errors
    /// Where one cannot be read, or does not say what it takes out and what should notice.
    pub fn all(folder: &Path) -> anyhow::Result<Vec<Mutation>> {
        let mut all = Vec::new();
        for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
            let path = entry.with_context(|| folder.display().to_string())?.path();
            if path.extension().is_some_and(|it| it == "patch") {
                all.push(Mutation::read(path)?);
            }
        }
        all.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(all)
    }

    fn read(patch: PathBuf) -> anyhow::Result<Mutation> {
        let shown = patch.display().to_string();
        let text = fs::read_to_string(&patch).with_context(|| shown.clone())?;
        // What stands above the first file is ours; `git apply` skips it.
        let head = || text.lines().take_while(|line| !line.starts_with("diff --git"));
        let takes_out = head().find_map(|line| line.strip_prefix("Takes out: "));
        let takes_out = takes_out.with_context(|| format!("{shown} does not say what it `Takes out: `"))?.to_owned();
        let commands: Vec<_> = head().filter_map(|line| line.strip_prefix("Run: ")).map(str::to_owned).collect();
        ensure!(!commands.is_empty(), "{shown} does not say what to `Run: `");
        let name = patch.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let patch = patch.canonicalize().with_context(|| shown.clone())?;
        Ok(Mutation { name, patch, takes_out, commands })
    }
}
