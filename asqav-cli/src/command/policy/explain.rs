//! `asqav policy explain`: why a call comes out as it does.

use std::io::Write as _;

use super::file;
use crate::args::Explain;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::Output;
use crate::text::escape;

/// A policy whose examples fail is explained as well: that is when it is
/// needed.
pub(crate) fn run(args: &Explain, output: &mut Output) -> Result<Exit, CliError> {
    let trial = file::trial(&args.file)?;
    let call = file::read_call(&args.call)?;
    let explanation = trial.policy().explain_call(&call);
    if output.is_json() {
        output.object(&explanation.to_json())?;
        return Ok(Exit::Done);
    }
    for line in explanation.to_string().lines() {
        writeln!(output, "{}", escape(line))?;
    }
    output.flush()?;
    Ok(Exit::Done)
}
