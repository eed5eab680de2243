//! Reads policy and call files, and tells where they are wrong.

use std::io::Write as _;
use std::path::Path;

use asqav_policy::{Call, Format, PolicyError, Position, Trial};
use asqav_receipt::json::{Json, Object};

use crate::error::CliError;
use crate::exit::Exit;
use crate::input;
use crate::output::{Colour, Output};
use crate::text::escape;

/// A file's content and its format, by its name.
pub(super) fn open(path: &Path) -> Result<(Vec<u8>, Format), CliError> {
    let format = Format::of(path).ok_or_else(|| {
        CliError::Usage(format!("`{}` ends in neither .toml nor .yaml, .yml or .json", path.display()))
    })?;
    Ok((input::read(path)?, format))
}

/// A policy that a command looks into, whether its examples hold or not.
pub(super) fn trial(path: &Path) -> Result<Trial, CliError> {
    let (content, format) = open(path)?;
    Trial::read(content, format).map_err(|error| refused(path, error))
}

/// A call as its file says it.
pub(crate) fn read_call(path: &Path) -> Result<Call, CliError> {
    let (content, format) = open(path)?;
    Call::read(content, format).map_err(|error| refused(path, error))
}

/// The error of a file that a command needs to do its work.
pub(super) fn refused(path: &Path, error: PolicyError) -> CliError {
    CliError::Policy { path: path.to_owned(), error: Box::new(error) }
}

/// Says that the file itself is wrong: exit code 1.
pub(super) fn write_refused(path: &Path, error: &PolicyError, output: &mut Output) -> Result<Exit, CliError> {
    if output.is_json() {
        let mut object = Object::new();
        object.set("file", path.display().to_string());
        object.set("ok", Json::Bool(false));
        let mut members = Object::new();
        place(&mut members, error.position());
        members.set("rule", error.rule().map_or(Json::Null, Json::from));
        members.set("message", error.problem().to_string());
        object.set("error", Json::Object(members));
        output.object(&Json::Object(object))?;
    } else {
        let refused = output.paint(Colour::Red, "refused");
        writeln!(
            output,
            "{refused}: {}:{}",
            escape(&path.display().to_string()),
            escape(&error.to_string())
        )?;
        output.flush()?;
    }
    Ok(Exit::Invalid)
}

/// A number of things.
pub(super) fn count(number: usize) -> Json {
    Json::count(u64::try_from(number).unwrap_or(u64::MAX))
}

/// Sets `line` and `column`.
pub(super) fn place(members: &mut Object, position: Option<Position>) {
    members.set("line", position.map_or(Json::Null, |position| count(position.line)));
    members.set("column", position.map_or(Json::Null, |position| count(position.column)));
}

/// `FILE:LINE:COLUMN`, escaped.
pub(super) fn locate(path: &Path, position: Option<Position>) -> String {
    let path = escape(&path.display().to_string());
    match position {
        Some(Position { line, column }) => format!("{path}:{line}:{column}"),
        None => path,
    }
}
