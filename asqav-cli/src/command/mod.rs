//! One file per command.

mod anchor;
mod approve;
mod checkpoint;
mod demo;
mod diff;
mod disclose;
mod export;
mod forget;
mod guard;
mod hold;
mod import;
mod info;
mod keygen;
mod log;
mod policy;
mod pqc_audit;
mod prove;
mod retain;
mod scope;
mod show;
mod tree;
mod verify;

use crate::args::Command;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::Output;

/// Runs the command.
///
/// # Errors
/// [`CliError`] when it could not do its work: exit code 3.
pub(crate) fn run(command: &Command, output: &mut Output) -> Result<Exit, CliError> {
    match command {
        Command::Keygen(args) => keygen::run(args, output),
        Command::Verify(args) => verify::run(args, output),
        Command::Info(args) => info::run(args, output),
        Command::Show(args) => show::run(args, output),
        Command::Log(args) => log::run(args, output),
        Command::Tree(args) => tree::run(args, output),
        Command::Checkpoint(args) => checkpoint::run(args, output),
        Command::Prove(args) => prove::run(args, output),
        Command::Disclose(args) => disclose::run(args, output),
        Command::Diff(args) => diff::run(args, output),
        Command::Import(args) => import::run(args, output),
        Command::Forget(args) => forget::run(args, output),
        Command::Anchor(args) => anchor::run(&args.command, output),
        Command::Retain(args) => retain::run(args, output),
        Command::Guard(args) => guard::run(args, output),
        Command::Hold(args) => hold::run(args, output),
        Command::Export(args) => export::run(args, output),
        Command::Policy(args) => policy::run(&args.command, output),
        Command::Scope(args) => scope::run(&args.command, output),
        Command::Approve(args) => approve::run(args, output),
        Command::Demo(args) => demo::run(args, output),
    }
}
