//! The nonces of earlier runs, in a file of the caller's: one JSON object
//! `{issuer_id, nonce, payload_sha256}` a line.

use std::fs::OpenOptions;
use std::io::{self, ErrorKind, Write as _};
use std::path::Path;

use asqav_receipt::canonical;
use asqav_receipt::digest::Sha256Digest;
use asqav_receipt::json::{Json, Object};
use asqav_receipt::verify::{NonceIndex, Report};

use crate::error::CliError;
use crate::input;

/// The nonces in the file; none if there is no such file yet.
pub(super) fn read(path: &Path) -> Result<NonceIndex, CliError> {
    let mut index = NonceIndex::new();
    let text = match input::read(path) {
        Err(CliError::Read { source, .. }) if source.kind() == ErrorKind::NotFound => return Ok(index),
        text => text?,
    };
    for (at, line) in text.split(|byte| *byte == b'\n').enumerate() {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let entry = parse(line).ok_or_else(|| CliError::NotA {
            path: path.to_owned(),
            expected: "a file of nonces",
            why: format!("line {} is not {{issuer_id, nonce, payload_sha256}}", at + 1),
        })?;
        index.insert(&entry.issuer, &entry.nonce, entry.payload);
    }
    Ok(index)
}

/// Adds to the file what these reports have that `index` lacks, on disk before
/// this returns.
pub(super) fn add(path: &Path, mut index: NonceIndex, reports: &[Report]) -> Result<(), CliError> {
    let mut lines = Vec::new();
    for report in reports {
        if index.record(report)
            && let (Some(nonce), Some(payload)) = (&report.subject.nonce, report.subject.payload_sha256)
        {
            let mut object = Object::new();
            object.set("issuer_id", report.subject.issuer_id.as_deref().unwrap_or_default());
            object.set("nonce", nonce.as_str());
            object.set("payload_sha256", payload.to_hex());
            lines.extend(canonical::to_vec(&Json::Object(object)));
            lines.push(b'\n');
        }
    }
    append(path, &lines).map_err(|source| CliError::Write { path: path.to_owned(), source })
}

/// One write, so that two commands at once do not mix their lines.
fn append(path: &Path, lines: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    file.write_all(lines)?;
    file.sync_data()
}

struct Entry {
    issuer: String,
    nonce: String,
    payload: Sha256Digest,
}

fn parse(line: &[u8]) -> Option<Entry> {
    let json = Json::parse(line).ok()?;
    let text = |name: &str| json.as_object()?.get(name)?.as_str();
    Some(Entry {
        issuer: text("issuer_id")?.to_owned(),
        nonce: text("nonce")?.to_owned(),
        payload: Sha256Digest::parse_hex(text("payload_sha256")?)?,
    })
}
