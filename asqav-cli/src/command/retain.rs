//! `asqav retain`: deletes sealed segments whose time is over, and records that
//! with signed receipts. Without `--apply` it only tells.

use std::io::Write as _;

use asqav_log::retention::{Deleted, MIN_DAYS, Retention, RetentionPlan, Stop, apply};
use asqav_receipt::json::{Json, Object};

use crate::args::Retain;
use crate::error::CliError;
use crate::exit::Exit;
use crate::input::now;
use crate::output::Output;
use crate::writer::{close, not_written, open_gate};

/// Tells what is due, and deletes it if that was asked for.
pub(crate) fn run(args: &Retain, output: &mut Output) -> Result<Exit, CliError> {
    let retention = retention(args, output)?;
    let plan = RetentionPlan::make(&args.log_dir, retention, now())?;
    let mut deleted = None;
    if args.apply && !plan.due.is_empty() {
        let Some((key, keys)) = args.key.as_deref().zip(args.keys.as_deref()) else {
            return Err(CliError::Usage("--key and --keys sign the deletion receipt".to_owned()));
        };
        let gate = open_gate(&args.log_dir, key, keys)?;
        let done = apply(&args.log_dir, &gate, &plan);
        // The log is ended well whether or not something was deleted.
        close(&gate)?;
        deleted = Some(done.map_err(not_written)?);
    }
    report(&plan, deleted.as_ref(), output)
}

fn retention(args: &Retain, output: &mut Output) -> Result<Retention, CliError> {
    let days = args.days.unwrap_or(Retention::default().days());
    match Retention::of_days(days) {
        Some(retention) => Ok(retention),
        None if args.short => {
            output.warn(&format!("{days} days are less than six months ({MIN_DAYS} days)"))?;
            Ok(Retention::shorter(days))
        }
        None => Err(CliError::Usage(format!(
            "{days} days are less than six months ({MIN_DAYS} days), for which many logs have to be kept: \
             --short says that it is meant"
        ))),
    }
}

fn report(plan: &RetentionPlan, deleted: Option<&Deleted>, output: &mut Output) -> Result<Exit, CliError> {
    let recorded_in = deleted.map(|deleted| deleted.recorded_in.as_slice()).unwrap_or_default();
    if output.is_json() {
        output.object(&Json::Object(object(plan, deleted.is_some(), recorded_in)))?;
        return Ok(Exit::Done);
    }
    let what = if deleted.is_some() { "deleted" } else { "would be deleted" };
    writeln!(
        output,
        "kept for {} days; over it is what claims {} or before",
        plan.retention.days(),
        plan.before
    )?;
    writeln!(
        output,
        "{} segments {what}: {} receipts, {} bytes",
        plan.due.len(),
        plan.receipts().count(),
        plan.bytes()
    )?;
    for due in &plan.due {
        let (first, last) = due.receipts;
        writeln!(
            output,
            "  segment {}: receipts {first} to {last}, the latest of {}",
            due.segment, due.newest
        )?;
    }
    writeln!(output, "{}", why_no_more(&plan.stop))?;
    let numbers: Vec<_> = recorded_in.iter().map(u64::to_string).collect();
    if !numbers.is_empty() {
        writeln!(output, "recorded in receipt {}", numbers.join(", "))?;
    }
    if deleted.is_none() && !plan.due.is_empty() {
        output.hint("nothing was deleted: --apply does it")?;
    }
    Ok(output.flush().map(|()| Exit::Done)?)
}

fn why_no_more(stop: &Stop) -> String {
    match stop {
        Stop::Young { segment, newest } => {
            format!("segment {segment} stays: its latest receipt is of {newest}")
        }
        Stop::Held { segment, hold } => {
            format!("segment {segment} stays: the legal hold `{hold}` forbids it")
        }
        Stop::Damaged { segment } => {
            format!("segment {segment} stays: it is not what its header says, see `asqav verify`")
        }
        _ => "the newest sealed segment and what follows stay".to_owned(),
    }
}

fn object(plan: &RetentionPlan, applied: bool, recorded_in: &[u64]) -> Object {
    let mut object = Object::new();
    object.set("applied", applied);
    object.set("days", Json::count(u64::from(plan.retention.days())));
    object.set("before", plan.before.to_string());
    object.set("receipts", plan.receipts().to_string().as_str());
    object.set("bytes", Json::count(plan.bytes()));
    object.set("segments", Json::Array(plan.due.iter().map(|due| Json::count(due.segment)).collect()));
    let (stop, segment, hold) = match &plan.stop {
        Stop::Young { segment, .. } => ("young", Some(*segment), None),
        Stop::Held { segment, hold } => ("held", Some(*segment), Some(hold)),
        Stop::Damaged { segment } => ("damaged", Some(*segment), None),
        _ => ("newest", None, None),
    };
    object.set("stop", stop);
    object.set("stop_segment", segment.map_or(Json::Null, Json::count));
    object.set("held_by", hold.map_or(Json::Null, |hold| Json::from(hold.as_str())));
    object.set("recorded_in", Json::Array(recorded_in.iter().copied().map(Json::count).collect()));
    object
}
