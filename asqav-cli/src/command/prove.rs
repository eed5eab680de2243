//! `asqav prove`: a receipt with the proof that it is in the log of a
//! checkpoint; `asqav verify` checks it without the log.

use std::io::Write as _;
use std::ops::ControlFlow;

use asqav_log::reader::LogReader;
use asqav_receipt::canonical;
use asqav_receipt::merkle::{Sha3Tree, TreeHash as _};
use asqav_receipt::proof::InclusionProof;

use crate::args::Prove;
use crate::error::CliError;
use crate::exit::Exit;
use crate::input;
use crate::output::{Output, write_new};

/// Reads the log once, up to the checkpoint's size, and keeps 32 bytes a
/// receipt.
pub(crate) fn run(args: &Prove, output: &mut Output) -> Result<Exit, CliError> {
    let checkpoint = input::checkpoint(&args.checkpoint)?;
    let log = LogReader::open(&args.log_dir)?;
    let (found, wanted) = match (args.seq, args.id) {
        (Some(seq), _) => (log.find_seq(seq)?, seq.to_string()),
        (None, Some(id)) => (log.find_action(id)?, id.to_string()),
        (None, None) => return Err(CliError::Usage("--seq or --id names the receipt".to_owned())),
    };
    let found = found.ok_or(CliError::NoSuchReceipt(wanted))?;
    let size = usize::try_from(checkpoint.checkpoint.size).unwrap_or(usize::MAX);
    let mut leaves = Vec::new();
    log.visit(|_, piece| {
        if leaves.len() == size {
            return ControlFlow::Break(());
        }
        if piece.complete {
            leaves.push(Sha3Tree::leaf(piece.bytes));
        }
        ControlFlow::Continue(())
    })?;
    let proof = InclusionProof::new(found.line, &leaves, checkpoint)?;
    let mut bytes = canonical::to_vec(&proof.to_json());
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
