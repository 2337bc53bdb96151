//! The command line as a whole: which commands there are.

use clap::{Parser, Subcommand};

use crate::{
    Error, Exit, call::Call, dead::Dead, demo::Demo, docs::Docs, exit::EXIT_CODES, graph::Draw, place::Place,
    publish::Publish, record::Record, replay::Replay, serve::Serve, streams::Streams, up::Up, verify::Verify,
    view::View, watch::Watch, where_is::Where,
};

/// Starts the shop, places orders, and follows them.
///
/// The broker is looked for at NATS_URL (nats://127.0.0.1:4222).
#[derive(Debug, Parser)]
#[command(name = "murmur", version, after_help = EXIT_CODES)]
pub struct Cli {
    /// What was typed.
    #[command(subcommand)]
    pub command: Command,
}

/// What this process is: the operator's hand, or a service.
#[derive(Debug, Subcommand)]
#[allow(missing_docs, reason = "what stands here would stand in the help")]
pub enum Command {
    #[command(flatten)]
    Operate(Operate),
    Serve(Serve),
}

/// What an operator asks for.
#[derive(Debug, Subcommand)]
#[allow(missing_docs, private_interfaces, reason = "each is the command of its name; its file says what it does")]
pub enum Operate {
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

impl Operate {
    /// Runs the command. What it was asked for goes to standard output; everything else, logs too, to standard error.
    ///
    /// # Errors
    /// See [`Error`]; [`Error::exit`] is the exit code.
    pub async fn run(self) -> Result<Exit, Error> {
        match self {
            Operate::Up(up) => up.run().await,
            Operate::Demo(demo) => demo.run().await,
            Operate::Place(place) => place.run().await,
            Operate::Watch(watch) => watch.run().await,
            Operate::Where(it) => it.run().await,
            Operate::Pub(publish) => publish.run().await,
            Operate::Call(call) => call.run().await,
            Operate::Dead(dead) => dead.run().await,
            Operate::Record(record) => record.run().await,
            Operate::Replay(replay) => replay.run(),
            Operate::View(view) => view.run().await,
            Operate::Graph(draw) => draw.run(),
            Operate::Verify(verify) => verify.run(),
            Operate::Docs(docs) => docs.run(),
            Operate::Bench(arguments) => bench::run(arguments).await.map(|()| Exit::Done).map_err(Error::from),
            Operate::Streams(streams) => streams.run().await,
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
