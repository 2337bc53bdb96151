//! `murmur dead list`.

use chassis::{Client, Settings, ambient};
use clap::Args;
use jiff::Timestamp;

use super::{
    filters::Filters,
    letter::{Letter, shortened},
    pile::Pile,
};
use crate::{Error, Exit, output, progress::note, when};

const EXAMPLES: &str = "\
Examples:
  murmur dead list
  murmur dead list --service payment --since 2h
  murmur dead list --order 7f9cf0a2-9f5c-4c7e-8a51-0e7c3d0a1b2c
  murmur dead list --reason malformed --older-than 1d --limit 20
  murmur dead list --json | jq -r .reason | sort | uniq -c

Those that were parked first come first. Exit code 0 also when there are none.";

/// The headings of the columns.
const HEADING: [&str; 6] = ["number", "age", "service", "reason", "subject", "detail"];
/// How wide the columns are at least, so that pages that come one by one stand below each other; and at most.
const LEAST: [usize; 6] = [6, 3, 9, 11, 56, 0];
const MOST: [usize; 6] = [20, 10, 20, 20, 80, 80];

/// Lists dead letters, those that were parked first at the top
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct List {
    #[command(flatten)]
    filters: Filters,

    /// At most so many
    #[arg(long, value_name = "COUNT")]
    limit: Option<usize>,

    /// Print each letter as JSON on one line
    #[arg(long)]
    json: bool,
}

impl List {
    pub async fn run(self) -> Result<Exit, Error> {
        let client = Client::connect(&Settings::from_env()?).await?;
        let mut pile = Pile::of(&client, &self.filters, self.limit).await?;
        let mut widths = LEAST;
        let (mut found, now) = (false, ambient::now());
        while let Some(letters) = pile.next().await? {
            if self.json {
                letters.iter().try_for_each(|letter| output::print(&letter.json().to_string()))?;
            } else if !letters.is_empty() {
                let heading = (!found).then(|| HEADING.map(str::to_owned));
                let rows: Vec<_> = heading.into_iter().chain(letters.iter().map(|it| row(it, now))).collect();
                output::print(&lines(&rows, &mut widths))?;
            }
            found |= !letters.is_empty();
        }
        if !found {
            note(match self.filters.none() {
                true => "there are no dead letters",
                false => "no dead letter fits these filters",
            });
        }
        Ok(Exit::Done)
    }
}

fn row(Letter { number, parked, letter }: &Letter, now: Timestamp) -> [String; 6] {
    let cells = [&number.to_string(), &when::age(*parked, now), &letter.service, &letter.reason, &letter.subject];
    let [number, age, service, reason, subject] = cells;
    let mut column = 0..;
    [number, age, service, reason, subject, &letter.detail]
        .map(|cell| shortened(cell, MOST[column.next().expect("there are as many columns as cells")]))
}

/// The rows in columns that only ever grow wider.
fn lines(rows: &[[String; 6]], widths: &mut [usize; 6]) -> String {
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let line = |row: &[String; 6]| {
        let cell = |(cell, width): (&String, &usize)| format!("{cell:<width$}");
        row.iter().zip(&*widths).map(cell).collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::{super::letter::tests::letter, *};

    #[test]
    fn a_letter_is_a_line() {
        let now = "2026-01-02T03:16:05Z".parse().unwrap();
        let rows = [
            HEADING.map(str::to_owned),
            row(&letter(7, "payment.completed.o-1", Some(3), "{}"), now),
            row(&letter(12345678, "effect.charge.o-2", None, ""), now),
        ];
        insta::assert_snapshot!(lines(&rows, &mut LEAST.clone()));
    }
}
