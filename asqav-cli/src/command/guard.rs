//! `asqav guard`: has the file system forbid writing to what is sealed, and
//! tells what it really applied.

use std::io::Write as _;

use asqav_log::guard::{self, Guarded};
use asqav_receipt::json::{Json, Object};

use crate::args::{Guard, GuardDo};
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::Output;
use crate::table::Table;
use crate::text::escape;

/// Changes what is asked for and prints what the system says afterwards.
pub(crate) fn run(args: &Guard, output: &mut Output) -> Result<Exit, CliError> {
    let files = match args.what {
        GuardDo::On => guard::on(&args.log_dir)?,
        GuardDo::Off => guard::off(&args.log_dir)?,
        GuardDo::Status => guard::status(&args.log_dir)?,
    };
    // Asked for and refused: the file is not guarded as it should be.
    let exit = if files.iter().any(|file| file.refused.is_some()) { Exit::Error } else { Exit::Done };
    if output.is_json() {
        let mut object = Object::new();
        object.set("files", Json::Array(files.iter().map(object_of).collect()));
        output.object(&Json::Object(object))?;
        return Ok(exit);
    }
    let mut table = Table::new(["file", "sealed", "mode", "holds", "immutable", "refused"]);
    for file in &files {
        table.push([
            escape(&file.name),
            yes_or_no(file.sealed).to_owned(),
            format!("{:04o}", file.mode),
            yes_or_no(file.mode_holds()).to_owned(),
            file.immutable.map_or("not supported", yes_or_no).to_owned(),
            file.refused.as_deref().map_or_else(String::new, escape),
        ]);
    }
    table.write(output, "")?;
    Ok(output.flush().map(|()| exit)?)
}

const fn yes_or_no(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}

fn object_of(file: &Guarded) -> Json {
    let mut object = Object::new();
    object.set("file", file.name.as_str());
    object.set("sealed", file.sealed);
    object.set("mode", format!("{:04o}", file.mode));
    object.set("mode_holds", file.mode_holds());
    object.set("immutable", file.immutable.map_or(Json::Null, Json::Bool));
    object.set("refused", file.refused.as_deref().map_or(Json::Null, Json::from));
    Json::Object(object)
}
