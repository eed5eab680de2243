//! `asqav diff`: where two copies of a log part, and the proof if that is fraud.

use std::io::Write as _;

use asqav_log::diff::{Difference, Fork, ForkKind, compare};
use asqav_receipt::canonical;
use asqav_receipt::json::{Json, Object};
use asqav_receipt::proof::FraudProof;
use asqav_receipt::verify::{ReceiptInputs, Report, verify_receipt};

use crate::args::Diff;
use crate::error::CliError;
use crate::exit::Exit;
use crate::input;
use crate::output::{Output, write_new};

/// Compares the copies. They agree (exit code 0) when one is the other or its
/// beginning.
pub(crate) fn run(args: &Diff, output: &mut Output) -> Result<Exit, CliError> {
    let keys = args.keys.as_deref().map(input::key_set).transpose()?;
    let difference = compare([&args.one, &args.other])?;
    let Difference::Fork(fork) = &difference else {
        return agree(&difference, output);
    };
    let proof = fork.proof();
    let judged = proof
        .as_ref()
        .zip(keys.as_ref())
        .map(|(proof, keys)| verify_receipt(&file(proof), &ReceiptInputs::new().keys(keys).at(input::now())));
    if let Some(path) = &args.output {
        let proof = proof.as_ref().ok_or_else(|| CliError::NoFraud(meaning(fork.kind)))?;
        write_new(path, |to| Ok(to.write_all(&file(proof))?))?;
    }
    if output.is_json() {
        output.object(&object(fork, proof.as_ref(), judged.as_ref()))?;
    } else {
        write_fork(fork, judged.as_ref(), output)?;
    }
    Ok(Exit::Invalid)
}

fn file(proof: &FraudProof) -> Vec<u8> {
    let mut bytes = canonical::to_vec(&proof.to_json());
    bytes.push(b'\n');
    bytes
}

fn agree(difference: &Difference, output: &mut Output) -> Result<Exit, CliError> {
    let (word, common, text) = match difference {
        Difference::Longer { which, common } => {
            let [longer, shorter] = if *which == 0 { ["first", "second"] } else { ["second", "first"] };
            let text = format!("the {longer} goes on where the {shorter} ends, after receipt {common}");
            (longer, *common, text)
        }
        Difference::None { size } => ("same", *size, format!("the same {size} receipts")),
        _ => return Err(CliError::Usage("an unknown difference".to_owned())),
    };
    if output.is_json() {
        let mut object = Object::new();
        object.set("difference", if word == "same" { "none" } else { "longer" });
        object.set("common", Json::count(common));
        if word != "same" {
            object.set("longer", word);
        }
        output.object(&Json::Object(object))?;
    } else {
        writeln!(output, "{text}")?;
        output.flush()?;
    }
    Ok(Exit::Done)
}

/// What the kind of fork means, in words.
const fn meaning(kind: ForkKind) -> &'static str {
    match kind {
        ForkKind::Payloads => "two receipts for one place of one log",
        ForkKind::Recovered => {
            "a recovery receipt of one copy names the other's: an unclean stop explains it"
        }
        ForkKind::Signatures => "one receipt under two signatures",
        ForkKind::Logs => "receipts of different logs",
        ForkKind::Deleted => "one copy deleted the receipt, and its hash is not that of the other's",
        _ => "one of the lines is no receipt",
    }
}

const fn word(kind: ForkKind) -> &'static str {
    match kind {
        ForkKind::Payloads => "payloads",
        ForkKind::Recovered => "recovered",
        ForkKind::Signatures => "signatures",
        ForkKind::Logs => "logs",
        ForkKind::Deleted => "deleted",
        _ => "unreadable",
    }
}

fn object(fork: &Fork, proof: Option<&FraudProof>, judged: Option<&Report>) -> Json {
    let mut object = Object::new();
    object.set("difference", "fork");
    object.set("seq", Json::count(fork.seq));
    object.set("kind", word(fork.kind));
    if let Some(proof) = proof {
        object.set("proof", proof.to_json());
    }
    if let Some(report) = judged {
        object.set("report", report.to_json());
    }
    Json::Object(object)
}

fn write_fork(fork: &Fork, judged: Option<&Report>, output: &mut Output) -> Result<(), CliError> {
    writeln!(output, "the copies part at receipt {}: {}", fork.seq, meaning(fork.kind))?;
    match judged {
        Some(report) if report.verdict.failure_class().is_none() => {
            writeln!(output, "fraud: both are signed by a pinned key of one issuer and agent")?;
        }
        Some(report) => {
            let reason = report.reason_code.map_or("", |reason| reason.as_str());
            writeln!(output, "no proof of fraud: one of them is not signed as it should be ({reason})")?;
        }
        None if fork.kind == ForkKind::Payloads => {
            writeln!(output, "fraud if both signatures hold: --keys JWKS tells")?;
        }
        None => {}
    }
    Ok(output.flush()?)
}
