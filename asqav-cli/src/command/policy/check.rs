//! `asqav policy check`: whether a gate would take the file.

use std::io::Write as _;

use asqav_policy::{Model, Trial};
use asqav_receipt::json::{Json, Object};

use super::{file, lint};
use crate::args::PolicyFile;
use crate::error::CliError;
use crate::exit::Exit;
use crate::input;
use crate::output::{Colour, Output};
use crate::text::escape;

/// Exit code 1 with line and column when the file is refused; what `lint` finds
/// is shown, too, and changes nothing.
pub(crate) fn run(args: &PolicyFile, output: &mut Output) -> Result<Exit, CliError> {
    let (content, format) = file::open(&args.file)?;
    let model = match Model::read(&content, format) {
        Ok(model) => model,
        Err(error) => return file::write_refused(&args.file, &error, output),
    };
    let trial = Trial::read(&content, format).map_err(|error| file::refused(&args.file, error))?;
    let examples = trial.examples().len();
    let lints = trial.lint(Some(input::now()));
    let digest = model.digest().to_tagged();
    if output.is_json() {
        let mut object = Object::new();
        object.set("file", args.file.display().to_string());
        object.set("ok", Json::Bool(true));
        object.set("id", model.id().as_str());
        object.set("digest", digest);
        object.set("rules", file::count(model.rules().len()));
        object.set("examples", file::count(examples));
        object.set("lint", Json::Array(lints.iter().map(lint::member).collect()));
        output.object(&Json::Object(object))?;
        return Ok(Exit::Done);
    }
    let ok = output.paint(Colour::Green, "ok");
    writeln!(output, "{ok}: {}", escape(&args.file.display().to_string()))?;
    writeln!(output, "  policy    {}", escape(model.id().as_str()))?;
    writeln!(output, "  digest    {digest}")?;
    writeln!(output, "  rules     {}", model.rules().len())?;
    writeln!(output, "  examples  {examples}, all as they say")?;
    if !lints.is_empty() {
        writeln!(output)?;
        lint::write_lines(&args.file, &lints, output)?;
    }
    output.flush()?;
    Ok(Exit::Done)
}
