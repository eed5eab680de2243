//! `asqav policy suggest`: a draft from what was recorded.

use std::io::Write as _;

use asqav_policy::{Model, Suggestion};

use super::recorded;
use crate::args::Suggest;
use crate::error::CliError;
use crate::exit::Exit;
use crate::log::payload;
use crate::output::{Output, write_new};

/// Verifies the log, drafts a policy, and checks the draft as a gate would.
pub(crate) fn run(args: &Suggest, output: &mut Output) -> Result<Exit, CliError> {
    let (log, report) = recorded::open(&args.log_dir, &args.keys)?;
    let mut suggestion = Suggestion::default();
    recorded::visit(&log, |receipt| {
        if let Some(payload) = payload(receipt).as_object() {
            suggestion.note(payload);
        }
        Ok(())
    })?;
    let log_id = report.log_id.map(|id| id.to_string()).unwrap_or_default();
    let receipts = report.head.map_or(0, |_| report.tree.0);
    let about = format!(
        "Drafted from {receipts} verified receipts of log {log_id} with calls of {} tools.",
        suggestion.tools()
    );
    let draft = suggestion.to_toml("suggested", &about);
    Model::from_toml(&draft).map_err(|error| CliError::Draft(Box::new(error)))?;
    match &args.output {
        Some(path) => write_new(path, |to| Ok(to.write_all(draft.as_bytes())?))?,
        None => {
            output.write_all(draft.as_bytes())?;
            output.flush()?;
        }
    }
    Ok(Exit::Done)
}
