//! The command line: becomes a service; or runs a command, says in one sentence why it could not, and ends with a code that
//! a script can read.

use std::{
    error::Error as _,
    io::{self, Write},
    process::ExitCode,
};

use clap::Parser;
use murmur::{Cli, Command, Error, Exit, Operate};

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Serve(serve) => serve.run(),
        Command::Operate(command) => operate(command),
    }
}

#[tokio::main]
async fn operate(command: Operate) -> ExitCode {
    match command.run().await {
        Ok(exit) => exit.into(),
        // Whoever reads from here has read enough.
        Err(Error::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Done.into(),
        Err(error) => {
            // Where standard error is closed there is nobody to tell; the exit code tells.
            drop(writeln!(io::stderr(), "murmur: {}", sentence(&error)));
            error.exit().into()
        }
    }
}

/// The error with what caused it, on one line. What a cause says after another has said it is left out.
fn sentence(error: &Error) -> String {
    let mut sentence = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !sentence.ends_with(&said) {
            sentence = format!("{sentence}: {said}");
        }
        cause = error.source();
    }
    sentence
}
