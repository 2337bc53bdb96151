//! `murmur dead`: what the services could not take, and what becomes of it.
//!
//! A dead letter is a message of the stream `DEAD_LETTERS`; its number is its place there. Letters are looked at, sent
//! on their way again, or thrown away; nothing here writes to a service.

mod drop;
mod filters;
pub(crate) mod letter;
mod list;
mod original;
mod pile;
mod plan;
mod redrive;
mod show;

use std::io;

use clap::{Args, Subcommand};

use crate::{Error, Exit, output};

const EXAMPLES: &str = "\
Examples:
  murmur dead list --service payment --since 2h
  murmur dead show 17
  murmur dead redrive --reason contradicts --dry-run
  murmur dead drop --reason malformed --older-than 7d

A dead letter is an event that a service could not take. Its number is its place in the stream DEAD_LETTERS.
Exit code 0 when it is done (also when no letter fits the filters), 2 when a letter is not there or cannot be redriven.";

/// Lists, shows, redrives and drops dead letters: what a service could not take
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Dead {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    List(list::List),
    Show(show::Show),
    Redrive(redrive::Redrive),
    Drop(drop::Drop),
}

impl Dead {
    pub async fn run(self) -> Result<Exit, Error> {
        match self.command {
            Command::List(list) => list.run().await,
            Command::Show(show) => show.run().await,
            Command::Redrive(redrive) => redrive.run().await,
            Command::Drop(drop) => drop.run().await,
        }
    }
}

/// Prints what was done. Work that was asked for goes on when nobody reads of it any more.
fn report(line: &str) -> Result<(), Error> {
    match output::print(line) {
        Err(Error::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        printed => printed,
    }
}
