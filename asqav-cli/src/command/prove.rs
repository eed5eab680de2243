//! `asqav prove`: that a receipt is in the log of a checkpoint, or that a log
//! grew from one checkpoint to another; `asqav verify` checks it without the
//! log.

use std::io::Write as _;

use asqav_log::prove::{Wanted, prove, prove_growth};
use asqav_receipt::canonical;

use crate::args::Prove;
use crate::command::pqc_audit;
use crate::error::CliError;
use crate::exit::Exit;
use crate::input;
use crate::output::{Output, write_new};

/// Makes the proof that is asked for.
pub(crate) fn run(args: &Prove, output: &mut Output) -> Result<Exit, CliError> {
    let checkpoint = match (pqc_audit::is_one(&args.log_dir)?, &args.event, &args.checkpoint) {
        (true, Some(event), _) => {
            return pqc_audit::prove(&args.log_dir, event, args.output.as_deref(), output);
        }
        (false, None, Some(checkpoint)) => input::checkpoint(checkpoint)?,
        (true, ..) => {
            return Err(CliError::Usage("an event of a pqc-audit-log-fs log is named by --event".to_owned()));
        }
        (false, ..) => {
            return Err(CliError::Usage(
                "--event is for pqc-audit-log-fs logs: --seq or --id names a receipt".to_owned(),
            ));
        }
    };
    let proof = match (args.seq, args.id, &args.grown_from) {
        (Some(seq), ..) => prove(&args.log_dir, Wanted::Seq(seq), &checkpoint)?.to_json(),
        (_, Some(id), _) => prove(&args.log_dir, Wanted::Id(id), &checkpoint)?.to_json(),
        (.., Some(older)) => prove_growth(&args.log_dir, &input::checkpoint(older)?, &checkpoint)?.to_json(),
        _ => return Err(CliError::Usage("--seq or --id names the receipt".to_owned())),
    };
    let mut bytes = canonical::to_vec(&proof);
    bytes.push(b'\n');
    match &args.output {
        Some(path) => write_new(path, |to| Ok(to.write_all(&bytes)?))?,
        None => {
            output.write_all(&bytes)?;
            output.flush()?;
        }
    }
    Ok(Exit::Done)
}
