//! `asqav policy`: one file per command.

mod check;
mod diff;
mod explain;
mod file;
mod lint;
mod recorded;
mod replay;
mod suggest;
mod test;

use std::io::Write as _;

use crate::args::PolicyCommand;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::Output;

pub(crate) use file::read_call;

/// Runs the command.
///
/// # Errors
/// [`CliError`] when it could not do its work: exit code 3. A policy that is
/// wrong is exit code 1 where the command is there to judge it.
pub(crate) fn run(command: &PolicyCommand, output: &mut Output) -> Result<Exit, CliError> {
    match command {
        PolicyCommand::Check(args) => check::run(args, output),
        PolicyCommand::Test(args) => test::run(args, output),
        PolicyCommand::Lint(args) => lint::run(args, output),
        PolicyCommand::Diff(args) => diff::run(args, output),
        PolicyCommand::Suggest(args) => suggest::run(args, output),
        PolicyCommand::Replay(args) => replay::run(args, output),
        PolicyCommand::Schema => {
            output.write_all(asqav_policy::JSON_SCHEMA.as_bytes())?;
            output.flush()?;
            Ok(Exit::Done)
        }
        PolicyCommand::Explain(args) => explain::run(args, output),
    }
}
