//! `asqav policy test`: every example and every call of the call files.

use std::io::Write as _;
use std::path::Path;

use asqav_policy::{Tested, Trial};
use asqav_receipt::json::{Json, Object};

use super::file;
use crate::args::Test;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::{Colour, Output};
use crate::text::escape;

/// Exit code 1 when a call comes out otherwise than its author expects, or the
/// policy is refused.
pub(crate) fn run(args: &Test, output: &mut Output) -> Result<Exit, CliError> {
    let (content, format) = file::open(&args.file)?;
    let trial = match Trial::read(content, format) {
        Ok(trial) => trial,
        Err(error) => return file::write_refused(&args.file, &error, output),
    };
    let mut tested: Vec<(&Path, Tested)> =
        trial.examples().into_iter().map(|tested| (args.file.as_path(), tested)).collect();
    for path in &args.calls {
        let (content, format) = file::open(path)?;
        let calls = trial.calls(content, format).map_err(|error| file::refused(path, error))?;
        tested.extend(calls.into_iter().map(|tested| (path.as_path(), tested)));
    }
    let failed = tested.iter().filter(|(_, tested)| tested.failure.is_some()).count();
    if output.is_json() {
        let mut object = Object::new();
        object.set("ok", Json::Bool(failed == 0));
        object.set("calls", Json::Array(tested.iter().map(|(path, tested)| member(path, tested)).collect()));
        output.object(&Json::Object(object))?;
    } else {
        write_text(output, &tested, failed)?;
    }
    Ok(if failed == 0 { Exit::Done } else { Exit::Invalid })
}

fn member(path: &Path, tested: &Tested) -> Json {
    let mut object = Object::new();
    object.set("file", path.display().to_string());
    file::place(&mut object, tested.position);
    object.set("rule", tested.rule.as_deref().map_or(Json::Null, Json::from));
    object.set("call", tested.call.to_string());
    object.set("expected", tested.expected.as_str());
    object.set("ok", Json::Bool(tested.failure.is_none()));
    object.set("failure", tested.failure.as_ref().map_or(Json::Null, |why| why.to_string().into()));
    Json::Object(object)
}

/// Every failure with its place; what is as it should be is only counted.
fn write_text(output: &mut Output, tested: &[(&Path, Tested)], failed: usize) -> Result<(), CliError> {
    for (path, tested) in tested {
        let Some(failure) = &tested.failure else { continue };
        let rule = tested.rule.as_ref().map(|rule| format!("rule `{}`: ", escape(rule))).unwrap_or_default();
        let word = output.paint(Colour::Red, "FAIL");
        writeln!(output, "{word} {}: {rule}{failure}", file::locate(path, tested.position))?;
        writeln!(output, "     {}", escape(&tested.call.to_string()))?;
    }
    let word =
        if failed == 0 { output.paint(Colour::Green, "ok") } else { output.paint(Colour::Red, "failed") };
    writeln!(output, "{word}: {} calls as expected, {failed} not", tested.len() - failed)?;
    Ok(output.flush()?)
}
