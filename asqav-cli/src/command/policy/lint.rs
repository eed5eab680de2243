//! `asqav policy lint`: what in a policy is hardly meant.

use std::io::Write as _;
use std::path::Path;

use asqav_policy::{Lint, Trial};
use asqav_receipt::json::{Json, Object};

use super::file;
use crate::args::PolicyFile;
use crate::error::CliError;
use crate::exit::Exit;
use crate::input;
use crate::output::{Colour, Output};
use crate::text::escape;

/// Exit code 1 when there is a warning, or the file is refused.
pub(crate) fn run(args: &PolicyFile, output: &mut Output) -> Result<Exit, CliError> {
    let (content, format) = file::open(&args.file)?;
    let trial = match Trial::read(content, format) {
        Ok(trial) => trial,
        Err(error) => return file::write_refused(&args.file, &error, output),
    };
    let lints = trial.lint(Some(input::now()));
    let warnings = lints.iter().filter(|lint| lint.kind.is_warning()).count();
    if output.is_json() {
        let mut object = Object::new();
        object.set("file", args.file.display().to_string());
        object.set("ok", Json::Bool(warnings == 0));
        object.set("lint", Json::Array(lints.iter().map(member).collect()));
        output.object(&Json::Object(object))?;
    } else {
        write_lines(&args.file, &lints, output)?;
        writeln!(output, "{warnings} warnings, {} notes", lints.len() - warnings)?;
        output.flush()?;
    }
    Ok(if warnings == 0 { Exit::Done } else { Exit::Invalid })
}

pub(super) fn member(lint: &Lint) -> Json {
    let mut object = Object::new();
    file::place(&mut object, lint.position);
    object.set("rule", lint.rule.as_str());
    object.set("kind", lint.kind.as_str());
    object.set("warning", Json::Bool(lint.kind.is_warning()));
    object.set("message", lint.message.as_str());
    Json::Object(object)
}

pub(super) fn write_lines(path: &Path, lints: &[Lint], output: &mut Output) -> Result<(), CliError> {
    for lint in lints {
        let level = match lint.kind.is_warning() {
            true => output.paint(Colour::Yellow, "warning"),
            false => output.paint(Colour::Dim, "note"),
        };
        writeln!(output, "{}: {level}: {}", file::locate(path, lint.position), escape(&lint.to_string()))?;
    }
    Ok(())
}
