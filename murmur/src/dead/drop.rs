//! `murmur dead drop`: letters are thrown away. The events that they are about stay in the stream.

use chassis::{Client, Settings};
use clap::Args;
use events::DEAD_LETTERS;
use serde_json::json;

use super::{
    filters::Filters,
    letter::{Letter, shortened},
    pile, report,
};
use crate::{
    Error, Exit,
    progress::{Progress, note},
};

const EXAMPLES: &str = "\
Examples:
  murmur dead drop 17 18
  murmur dead drop --reason malformed --older-than 7d --dry-run
  murmur dead drop --service payment --json

The letters are gone for good; the events that they are about stay in the stream of events. Without numbers or a filter
nothing is dropped. Exit code 2 when a letter is not there: then none is dropped.";

/// Deletes dead letters for good
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Drop {
    /// The letters, by number
    #[arg(value_name = "NUMBER", conflicts_with = "filters")]
    numbers: Vec<u64>,

    #[command(flatten)]
    filters: Filters,

    /// At most so many
    #[arg(long, value_name = "COUNT", conflicts_with = "numbers")]
    limit: Option<usize>,

    /// Print what would be dropped, and change nothing
    #[arg(long)]
    dry_run: bool,

    /// Print each letter that is dropped whole, as JSON on one line
    #[arg(long)]
    json: bool,
}

impl Drop {
    pub async fn run(self) -> Result<Exit, Error> {
        if self.numbers.is_empty() && self.filters.none() {
            return Err(Error::NothingChosen("drop"));
        }
        let client = Client::connect(&Settings::from_env()?).await?;
        // Chosen before the first is deleted: one number that is not there refuses all.
        let letters = pile::chosen(&client, &self.numbers, &self.filters, self.limit).await?;
        if letters.is_empty() {
            note("no dead letter fits these filters");
        }
        let mut progress = Progress::of("dead letters dropped");
        for letter in &letters {
            // One that is gone by now was dropped or redriven by somebody else.
            if self.dry_run || client.delete(DEAD_LETTERS, letter.number).await? {
                self.print(letter)?;
            }
            progress.add(1);
        }
        Ok(Exit::Done)
    }

    fn print(&self, letter: &Letter) -> Result<(), Error> {
        if self.json {
            let mut line = letter.json();
            line["dropped"] = json!(!self.dry_run);
            return report(&line.to_string());
        }
        let done = if self.dry_run { "would drop" } else { "dropped" };
        let Letter { number, letter, .. } = letter;
        let line = format!("{done} dead letter {number}: {}, {}, {}", letter.service, letter.reason, letter.subject);
        report(&shortened(&line, 300))
    }
}
