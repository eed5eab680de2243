//! `asqav scope`: delegation tokens.

mod check;
mod new;
mod show;

use std::path::Path;

use asqav_receipt::delegation::Chain;
use asqav_receipt::digest::Sha256Digest;

use crate::args::ScopeCommand;
use crate::error::CliError;
use crate::exit::Exit;
use crate::input;
use crate::output::Output;

/// Runs the command.
pub(crate) fn run(command: &ScopeCommand, output: &mut Output) -> Result<Exit, CliError> {
    match command {
        ScopeCommand::New(args) => new::run(args, output),
        ScopeCommand::Show(args) => show::run(args, output),
        ScopeCommand::Check(args) => check::run(args, output),
    }
}

/// The chain that a command cannot do without.
fn chain(path: &Path) -> Result<Chain, CliError> {
    Chain::parse(&input::read(path)?).map_err(|fault| CliError::NotA {
        path: path.to_owned(),
        expected: "a chain of delegation tokens",
        why: fault.to_string(),
    })
}

/// A key by its thumbprint, or the only one of a key set.
fn thumbprint(text: &str) -> Result<Sha256Digest, CliError> {
    if let Some(thumbprint) = Sha256Digest::parse_tagged(text) {
        return Ok(thumbprint);
    }
    let path = Path::new(text);
    let keys = input::key_set(path)?;
    match keys.entries() {
        [only] => only.thumbprint().copied(),
        _ => None,
    }
    .ok_or_else(|| CliError::NotA {
        path: path.to_owned(),
        expected: "one key",
        why: "it holds several, or one that cannot be used: name the thumbprint".to_owned(),
    })
}
