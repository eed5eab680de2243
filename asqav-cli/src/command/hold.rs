//! `asqav hold`: legal holds, placed and released by signed receipts.

use std::io::Write as _;

use asqav_receipt::hold::MAX_SET_LEN;
use asqav_receipt::seq_set::SeqSet;

use crate::args::{Hold, HoldDo};
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::Output;
use crate::writer::{close, not_written, open_gate};

/// Records the hold or its end.
pub(crate) fn run(args: &Hold, output: &mut Output) -> Result<Exit, CliError> {
    let receipts = match args.receipts.as_deref() {
        Some(text) => Some(SeqSet::parse(text).ok_or_else(|| {
            CliError::Usage("--receipts takes ascending ranges of numbers, e.g. 5-9,12".to_owned())
        })?),
        None => None,
    };
    if receipts.as_ref().is_some_and(|receipts| receipts.to_string().len() > MAX_SET_LEN) {
        output.warn("these are more ranges than a receipt takes: the hold covers the whole log")?;
    }
    let gate = open_gate(&args.log_dir, &args.key, &args.keys)?;
    let recorded = match args.what {
        HoldDo::Place => gate.place_hold(&args.id, receipts.as_ref()),
        HoldDo::Release => gate.release_hold(&args.id),
    };
    let recorded = recorded.wait().map_err(not_written);
    close(&gate)?;
    writeln!(output, "recorded in receipt {}", recorded?.payload.seq)?;
    Ok(output.flush().map(|()| Exit::Done)?)
}
