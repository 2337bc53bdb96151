//! The command line as a whole: which commands there are.

use clap::{Parser, Subcommand};

use crate::{
    Error, Exit, call::Call, dead::Dead, demo::Demo, docs::Docs, exit::EXIT_CODES, graph::Draw, place::Place,
    publish::Publish, record::Record, replay::Replay, streams::Streams, up::Up, verify::Verify, view::View,
    watch::Watch, where_is::Where,
};

/// Starts the shop, places orders, and follows them.
///
/// The broker is looked for at NATS_URL (nats://127.0.0.1:4222).
#[derive(Debug, Parser)]
#[command(name = "murmur", version, after_help = EXIT_CODES)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Up(Up),
    Demo(Demo),
    Place(Place),
    Watch(Watch),
    Where(Where),
    Pub(Publish),
    Call(Call),
    Dead(Dead),
    Record(Record),
    Replay(Replay),
    View(View),
    Graph(Draw),
    Verify(Verify),
    Docs(Docs),
    Bench(bench::Arguments),
    Streams(Streams),
}

impl Cli {
    /// Runs the command. What it was asked for goes to standard output; everything else, logs too, to standard error.
    ///
    /// # Errors
    /// See [`Error`]; [`Error::exit`] is the exit code.
    pub async fn run(self) -> Result<Exit, Error> {
        match self.command {
            Command::Up(up) => up.run().await,
            Command::Demo(demo) => demo.run().await,
            Command::Place(place) => place.run().await,
            Command::Watch(watch) => watch.run().await,
            Command::Where(it) => it.run().await,
            Command::Pub(publish) => publish.run().await,
            Command::Call(call) => call.run().await,
            Command::Dead(dead) => dead.run().await,
            Command::Record(record) => record.run().await,
            Command::Replay(replay) => replay.run(),
            Command::View(view) => view.run().await,
            Command::Graph(draw) => draw.run(),
            Command::Verify(verify) => verify.run(),
            Command::Docs(docs) => docs.run(),
            Command::Bench(arguments) => bench::run(arguments).await.map(|()| Exit::Done).map_err(Error::from),
            Command::Streams(streams) => streams.run().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_teaches_with_an_example_and_its_exit_codes() {
        let cli = Cli::command();
        let commands = cli.get_subcommands().flat_map(|it| std::iter::once(it).chain(it.get_subcommands()));
        for command in commands {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("Example"), "{} has no example", command.get_name());
        }
    }
}
