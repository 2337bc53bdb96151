//! `murmur docs`: writes the pages that are made from the code, and says when they are stale.

mod asyncapi;
mod bodies;
mod events_page;
mod tables;

use std::{fs, path::PathBuf};

use chassis::graph::Graph;
use clap::Args;

use crate::{Error, Exit, graph, output, shop};

const EXAMPLES: &str = "\
Examples:
  murmur docs               (just docs does the same)
  murmur docs --check

Written are docs/events.md, docs/asyncapi.json and docs/graph.svg.
Exit code 0; with --check 1 when a page is not what the code says.";

/// Writes the pages that are made from the code: events.md, asyncapi.json, graph.svg
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Docs {
    /// Write nothing, and say which pages are stale
    #[arg(long)]
    check: bool,

    /// The folder of the pages
    #[arg(long, value_name = "FOLDER", default_value = "docs")]
    folder: PathBuf,
}

/// Every page that is made from the code, as (file name, text).
pub fn pages() -> [(&'static str, String); 3] {
    let shop = shop();
    let graph = Graph::of(&shop);
    [
        ("events.md", events_page::page(&graph, &shop)),
        ("asyncapi.json", asyncapi::document(&graph, &shop)),
        ("graph.svg", graph::svg(&graph)),
    ]
}

impl Docs {
    pub fn run(self) -> Result<Exit, Error> {
        let mut stale = 0;
        for (name, text) in pages() {
            let path = self.folder.join(name);
            if fs::read_to_string(&path).is_ok_and(|there| there == text) {
                continue;
            }
            stale += 1;
            if self.check {
                output::print(&format!("{} is stale: `just docs` writes it", path.display()))?;
            } else {
                let written = fs::create_dir_all(&self.folder).and_then(|()| fs::write(&path, text));
                written.map_err(|source| Error::System { doing: "write the pages", source })?;
                output::print(&format!("wrote {}", path.display()))?;
            }
        }
        Ok(if self.check && stale > 0 { Exit::Failed } else { Exit::Done })
    }
}
