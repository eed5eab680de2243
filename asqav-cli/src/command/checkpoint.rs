//! `asqav checkpoint`: a log's size and root, signed, to be kept elsewhere.

use std::io::Write as _;

use asqav_core::key::SigningKey;
use asqav_core::sign::Signer as _;
use asqav_log::reader::LogReader;
use asqav_receipt::checkpoint::{Checkpoint, SignedCheckpoint};
use asqav_receipt::receipt::Signature;
use asqav_receipt::verify::{LogInputs, LogReport};

use crate::args::CheckpointArgs;
use crate::error::CliError;
use crate::exit::Exit;
use crate::input;
use crate::log::verify;
use crate::output::{Output, write_new};

/// Verifies the log, which may be open, and signs what it holds.
pub(crate) fn run(args: &CheckpointArgs, output: &mut Output) -> Result<Exit, CliError> {
    let (key, keys) = input::pinned_signing_key(&args.key, &args.keys)?;
    let previous = args.previous.as_deref().map(input::checkpoint).transpose()?;
    let mut inputs = LogInputs::new().keys(&keys).at(input::now()).allow_open(true);
    inputs.checkpoint = previous.as_ref();
    let log = LogReader::open(&args.log_dir)?;
    let report = verify(&log, inputs)?;
    // What a power loss can still take away is not signed for.
    log.sync()?;
    let file = sign(&report, previous.as_ref(), &key)?.to_file();
    match &args.output {
        Some(path) => write_new(path, |to| Ok(to.write_all(&file)?))?,
        None => {
            output.write_all(&file)?;
            output.flush()?;
        }
    }
    Ok(Exit::Done)
}

fn sign(
    report: &LogReport,
    previous: Option<&SignedCheckpoint>,
    key: &SigningKey,
) -> Result<SignedCheckpoint, CliError> {
    let verified = report.verdict.failure_class().is_none();
    let (true, Some(log_id), Some(genesis), Some((size, head))) =
        (verified, report.log_id, report.genesis, report.head)
    else {
        let reason = report.reason_code.map_or("", |reason| reason.as_str());
        return Err(CliError::LogNotVouchedFor { reason });
    };
    let checkpoint = Checkpoint {
        log_id,
        genesis,
        size,
        root: report.tree.1,
        head,
        last_header: report.last_header,
        open_decisions: report.open_decisions,
        previous_checkpoint: previous.map(SignedCheckpoint::digest),
        issued_at: input::now(),
        suite: key.algorithm(),
        key_thumbprint: *key.thumbprint(),
    };
    let sig = key.sign(&checkpoint.signing_bytes())?;
    let signature = Signature { alg: key.algorithm(), kid: key.key_id().clone(), sig };
    Ok(SignedCheckpoint { checkpoint, signature })
}
