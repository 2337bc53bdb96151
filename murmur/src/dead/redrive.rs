//! `murmur dead redrive`: events go out again, and get another chance.
//!
//! Invariant: a letter is deleted only after the broker has confirmed its event. Cut off in between, the next redrive
//! publishes the same message again: the broker takes it for a duplicate, and later the inboxes do.

use std::collections::HashMap;

use chassis::{Client, Settings};
use clap::Args;
use events::{DEAD_LETTERS, EVENTS, Event, Key, OrderCancelled, OrderCompleted};

use super::{
    filters::Filters,
    letter::{Letter, clean},
    original, pile,
    plan::{End, Plan, Refused, Step},
    report,
};
use crate::{
    Error, Exit,
    progress::{Progress, note},
};

const EXAMPLES: &str = "\
Examples:
  murmur dead redrive 17
  murmur dead redrive --reason contradicts --order 7f9cf0a2-9f5c-4c7e-8a51-0e7c3d0a1b2c
  murmur dead redrive --service payment --since 2h --dry-run
  murmur dead redrive --older-than 0s --json            (all of them)

Each event is published again where it was said, whole and under its own id, in the order in which the events were said;
services that took it before do nothing. Then the letters about it are deleted, those of other services too: who refuses
the event again parks a new letter. Redriving twice has one effect.
Exit code 2 when a letter is not there, or cannot be redriven; the others are redriven all the same.";

/// Publishes the events of dead letters again, in the order in which they were said
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Redrive {
    /// The letters, by number
    #[arg(value_name = "NUMBER", conflicts_with = "filters")]
    numbers: Vec<u64>,

    #[command(flatten)]
    filters: Filters,

    /// At most so many letters
    #[arg(long, value_name = "COUNT", conflicts_with = "numbers")]
    limit: Option<usize>,

    /// Print what would be done, and change nothing
    #[arg(long)]
    dry_run: bool,

    /// Print each event as JSON on one line
    #[arg(long)]
    json: bool,
}

impl Redrive {
    pub async fn run(self) -> Result<Exit, Error> {
        if self.numbers.is_empty() && self.filters.none() {
            return Err(Error::NothingChosen("redrive"));
        }
        let client = Client::connect(&Settings::from_env()?).await?;
        let chosen = pile::chosen(&client, &self.numbers, &self.filters, self.limit).await?;
        if chosen.is_empty() {
            note("no dead letter fits these filters");
            return Ok(Exit::Done);
        }
        let letters = pile::with_siblings(&client, chosen).await?;
        let (steps, refused) = plan(&client, &letters).await?;
        refused.iter().try_for_each(|refused| self.refuse(refused))?;
        let mut progress = Progress::of("events redriven");
        for step in &steps {
            self.take(&client, step).await?;
            progress.add(1);
        }
        Ok(if refused.is_empty() { Exit::Done } else { Exit::Refused })
    }

    async fn take(&self, client: &Client, step: &Step) -> Result<(), Error> {
        if let Some(warning) = &step.warning {
            note(&format!("warning: {warning}: see {}", step.named()));
        }
        let stored = match self.dry_run {
            true => None,
            false => Some(redrive(client, step).await?),
        };
        report(&match self.json {
            true => step.json(stored).to_string(),
            false => clean(&step.line(stored)),
        })
    }

    fn refuse(&self, refused: &Refused) -> Result<(), Error> {
        note(&clean(&refused.why));
        if self.json { report(&refused.json().to_string()) } else { Ok(()) }
    }
}

/// What is to be done for `letters`, with a warning for each event whose order has ended.
async fn plan(client: &Client, letters: &[Letter]) -> Result<(Vec<Step>, Vec<Refused>), Error> {
    let events = client.stream(EVENTS).await?;
    let mut progress = Progress::of("events looked up");
    let mut plan = Plan::default();
    for letter in letters {
        plan.add(letter, original::find(client, &events, letter).await?);
        progress.add(1);
    }
    let (mut steps, refused) = plan.finish();
    let mut ends = HashMap::new();
    for step in &mut steps {
        let Some(order) = step.key.as_deref().and_then(|key| Key::try_from(key).ok()) else { continue };
        if !ends.contains_key(&order) {
            ends.insert(order.clone(), end(client, &order).await?);
        }
        step.warn(ends[&order].as_ref());
        progress.add(1);
    }
    Ok((steps, refused))
}

/// How the order ended, if it did.
async fn end(client: &Client, order: &Key) -> Result<Option<End>, Error> {
    let ends = [OrderCompleted::TYPE, OrderCancelled::TYPE].map(|kind| format!("{kind}.{order}"));
    let last = client.last_of(EVENTS, &ends, None).await?.pop();
    Ok(last.map(|event| {
        let how = if event.subject.starts_with(OrderCompleted::TYPE) { "completed" } else { "cancelled" };
        End { how: how.to_owned(), sequence: event.sequence }
    }))
}

/// Publishes the event, and once the broker has it on its disk deletes the letters. The place that it has now.
async fn redrive(client: &Client, step: &Step) -> Result<u64, Error> {
    let body = step.original.body.clone();
    let stored = client.publish(&step.original.subject, &step.headers(), body).await.map_err(Error::NotStored)?;
    for number in &step.letters {
        client.delete(DEAD_LETTERS, *number).await?;
    }
    Ok(stored)
}
