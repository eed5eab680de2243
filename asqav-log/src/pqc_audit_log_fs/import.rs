//! Taking an old log over: what it was found to be, in receipts of ours.
//!
//! Nothing is copied. Each segment becomes one observation receipt that binds
//! the digests of its files, in both hash families, and says what its signature
//! really was and whether it held. From the day of the import on, the old files
//! have the evidence of the new log; for the time before they have no more than
//! they had.

use std::path::Path;

use asqav_core::call::{Capture, JsonText};
use asqav_core::permit::Complete;
use asqav_core::{Ending, Gate, Refused, ToolCall};
use asqav_receipt::canonical;
use asqav_receipt::digest::encode_hex;
use asqav_receipt::json::{Json, Object};
use asqav_receipt::verify::pqc_audit_log_fs::{NAME, Report, SegmentReport};

use super::{AuditDir, FileDigest, Kind, SegmentDigests, kind_of};
use crate::reader::ReadError;

/// The tool that receipts of an import name.
pub const IMPORT_TOOL: &str = "pqc-audit-log-fs";

/// The action that they carry.
pub const IMPORT_ACTION: &str = "log:import";

/// Texts of the old log are recorded up to this many characters.
const MAX_TEXT: usize = 96;

/// So many receipts are on their way at a time.
const IN_FLIGHT: usize = 256;

/// Why an import was not made, or not to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The directory to write to holds an old log, or the one to read none.
    #[error("`{}` {why}", path.display())]
    Directory {
        /// The directory.
        path: std::path::PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A directory could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The gate refused a receipt.
    #[error("the new log took only a part of it: {0}")]
    Refused(#[from] Refused),
}

/// Checks that `old` holds such a log and nothing of ours, and that `into` is
/// neither the same directory nor holds one.
///
/// # Errors
/// [`ImportError::Directory`], [`ImportError::Read`].
pub fn check_directories(old: &Path, into: &Path) -> Result<(), ImportError> {
    let wrong = |path: &Path, why| Err(ImportError::Directory { path: path.to_owned(), why });
    match kind_of(old)? {
        Kind::PqcAuditLogFs => {}
        Kind::Both => return wrong(old, "holds a log of asqav besides the old one"),
        Kind::Ours => return wrong(old, "holds no log of pqc-audit-log-fs"),
    }
    if into.is_dir() && kind_of(into)? != Kind::Ours {
        return wrong(into, "holds a log of pqc-audit-log-fs: the new one needs a directory of its own");
    }
    Ok(())
}

/// Records, through `gate`, what was found in a log and which bytes it was
/// found in: one receipt for the log, one for each segment. Returns when all
/// are durable; how many there are.
///
/// `report` and `digests` are what [`AuditDir::examine`] gave. The receipts
/// join the session in whose scope the code runs.
///
/// # Errors
/// [`ImportError::Refused`] when the gate closed on the way.
pub fn import(
    gate: &Gate,
    dir: &AuditDir,
    report: &Report,
    digests: &[SegmentDigests],
) -> Result<u64, ImportError> {
    let mut under_way: Vec<Complete> = Vec::new();
    let mut receipts = 0;
    let whole = std::iter::once(whole(dir, report));
    let segments = digests.iter().map(|digests| {
        let found = report.segments.iter().find(|segment| segment.number == digests.number);
        segment(report, digests, found)
    });
    for members in whole.chain(segments) {
        under_way.push(gate.observe(call(&members), Ending::ok())?);
        receipts += 1;
        if under_way.len() == IN_FLIGHT {
            finish(&mut under_way)?;
        }
    }
    finish(&mut under_way)?;
    Ok(receipts)
}

fn finish(under_way: &mut Vec<Complete>) -> Result<(), Refused> {
    for receipt in under_way.drain(..) {
        receipt.wait().map_err(|cause| Refused::Closed { cause })?;
    }
    Ok(())
}

/// An observation whose arguments are these members, recorded: digests of
/// files, and what a verifier says of them, are no content to be forgotten.
fn call(members: &Object) -> ToolCall {
    let mut call = ToolCall::builder(IMPORT_TOOL, IMPORT_ACTION).version("0.1.0");
    for (name, value) in members.iter() {
        let text = String::from_utf8_lossy(&canonical::to_vec(value)).into_owned();
        call = match JsonText::parse(text) {
            Ok(text) => call.text(name, text, Capture::Record),
            Err(why) => call.unrepresentable(why.of_argument(name)),
        };
    }
    call.build()
}

/// What was found about the whole log.
fn whole(dir: &AuditDir, report: &Report) -> Object {
    let mut members = Object::new();
    members.set("format", NAME);
    members.set("log_id", report.log_id.as_deref().map_or(Json::Null, text));
    let mut verdict = Object::new();
    verdict.set("verdict", report.verdict.as_str());
    let class = report.verdict.failure_class();
    verdict.set("failure_class", class.map_or(Json::Null, |class| Json::from(class.as_str())));
    verdict.set("reason_code", report.reason_code.map_or(Json::Null, |reason| Json::from(reason.as_str())));
    members.set("verdict", verdict);
    members.set("segments", count(dir.segments().len()));
    members.set("sealed_segments", count(report.segments.len()));
    members.set("events", Json::count(report.events));
    members.set("newest_root", report.newest_root().map_or(Json::Null, |root| Json::from(encode_hex(&root))));
    let post_quantum = report.segments.iter().filter(|segment| segment.is_post_quantum()).count();
    members.set("post_quantum_segments", count(post_quantum));
    members.set("other_files", count(dir.others().len()));
    members
}

/// What was found about one segment; `found` if its header could be read.
fn segment(report: &Report, digests: &SegmentDigests, found: Option<&SegmentReport>) -> Object {
    let mut members = Object::new();
    members.set("log_id", report.log_id.as_deref().map_or(Json::Null, text));
    members.set("segment", Json::count(digests.number));
    members.set("events_file", digests.log.map_or(Json::Null, file));
    members.set("header_file", digests.header.map_or(Json::Null, file));
    let Some(found) = found else {
        let state = if digests.header.is_some() { "header unreadable" } else { "not sealed" };
        members.set("signature", state);
        return members;
    };
    members.set("events", Json::count(found.events));
    members.set("root", encode_hex(&found.merkle_root));
    members.set("root_matches", found.root_matches);
    members.set("sealed_at", text(&found.sealed_at));
    members.set("falsehoods", count(found.falsehoods));
    let mut signature = Object::new();
    signature.set("algorithm", found.algorithm.map_or(Json::Null, Json::from));
    signature.set("labelled", text(&found.labelled));
    signature.set("pinned", found.pinned);
    signature.set("post_quantum", found.is_post_quantum());
    signature.set("valid", found.signature_valid);
    members.set("signature", signature);
    members.set("signer", text(&found.signer_did));
    members
}

fn file(digest: FileDigest) -> Json {
    let mut object = Object::new();
    object.set("bytes", Json::count(digest.len));
    object.set("sha256", digest.sha256.to_hex());
    object.set("sha3", digest.sha3.to_hex());
    Json::Object(object)
}

/// A text of the old log, cut off where it is longer than any that the package
/// writes.
fn text(text: &str) -> Json {
    Json::from(text.chars().take(MAX_TEXT).collect::<String>())
}

fn count(number: usize) -> Json {
    Json::count(u64::try_from(number).unwrap_or(u64::MAX))
}
