//! The command `asqav`: makes keys, verifies logs and receipts, shows them.

mod args;
mod command;
mod error;
mod exit;
mod input;
mod log;
mod openings;
mod output;
mod pretty;
mod progress;
mod report;
mod summary;
mod table;
mod text;
mod writer;

use std::process::ExitCode;

use clap::Parser as _;
use clap::error::ErrorKind;

use crate::args::Cli;
use crate::exit::Exit;
use crate::output::Output;

fn main() -> ExitCode {
    match Cli::try_parse() {
        Ok(cli) => run(&cli).into(),
        Err(error) => explain(&error).into(),
    }
}

fn run(cli: &Cli) -> Exit {
    let mut output = Output::stdout(cli.json);
    match command::run(&cli.command, &mut output) {
        Ok(exit) => exit,
        Err(error) => {
            output.complain(&error);
            Exit::Error
        }
    }
}

/// Prints what clap has to say. A wrong flag is a usage error like any other:
/// clap's own exit code, 2, would say `unverifiable`.
fn explain(error: &clap::Error) -> Exit {
    // A closed pipe is the reader's choice; there is nobody left to tell.
    drop(error.print());
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Exit::Done,
        _ => Exit::Error,
    }
}
