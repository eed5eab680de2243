//! The open segment, line by line.

use std::io::BufReader;

use asqav_core::log::{LogError, LogOwner};
use asqav_receipt::payload::Payload;
use asqav_receipt::receipt::parse_line;

use crate::error::{damaged, io_error};
use crate::keyring::Keyring;
use crate::lines::{Lines, MAX_LINE_LEN, Piece};
use crate::names::segment_name;
use crate::segment::Content;
use crate::storage::{FileReader, Storage};
use crate::tip::Tip;

/// What the open segment holds.
pub(super) struct Scan {
    /// Where the chain stands after its last valid line.
    pub(super) tip: Tip,
    /// The valid lines; `None` if there are none.
    pub(super) content: Option<Content>,
    /// How many bytes stand after the last valid line.
    pub(super) torn: u64,
}

impl Scan {
    /// No open segment.
    pub(super) const fn nothing(tip: Tip) -> Self {
        Self { tip, content: None, torn: 0 }
    }

    /// Length of the valid lines in bytes.
    pub(super) fn valid_len(&self) -> u64 {
        self.content.as_ref().map_or(0, |content| content.bytes)
    }
}

/// Reads the open segment after `tip`, verifying each line in full.
pub(super) fn scan(
    storage: &mut dyn Storage,
    owner: &LogOwner,
    keys: &Keyring<'_>,
    tip: Tip,
) -> Result<Scan, LogError> {
    let name = segment_name(tip.next_segment);
    let io = |error| io_error(format!("reading `{name}`"), error);
    let source = FileReader { storage, name: &name, offset: 0 };
    let mut lines = Lines::new(BufReader::with_capacity(1 << 16, source));
    let mut scan = Scan::nothing(tip);
    while let Some(piece) = lines.next_piece().map_err(io)? {
        let place = format!("{name}, line {}, byte {}", piece.number, piece.offset);
        match check(piece, owner, keys, &scan.tip) {
            Ok(payload) => {
                let canonical = payload.to_canonical();
                let tip = &scan.tip;
                scan.content.get_or_insert_with(|| Content::new(tip, payload.issued_at)).push(piece.bytes);
                scan.tip.advance(&payload, &canonical);
            }
            // A crash leaves the beginning of a write, never its end.
            Err(_) if !piece.complete => break,
            Err(why) => return Err(damaged(place, why)),
        }
    }
    // The piece without a line feed was the last one.
    scan.torn = lines.offset() - scan.valid_len();
    Ok(scan)
}

/// Whether `piece` is the next receipt of this log.
fn check(piece: Piece<'_>, owner: &LogOwner, keys: &Keyring<'_>, tip: &Tip) -> Result<Payload, String> {
    if !piece.complete {
        return Err("it is not complete".to_owned());
    }
    if piece.bytes.len() > MAX_LINE_LEN {
        return Err("it is longer than a receipt".to_owned());
    }
    let (json, signature) = parse_line(piece.bytes).map_err(|error| error.to_string())?;
    let payload = Payload::from_json(&json).map_err(|error| error.to_string())?;
    let canonical = payload.to_canonical();
    if asqav_receipt::receipt::line(&canonical, &signature) != piece.bytes {
        return Err("its derived members do not follow from the others".to_owned());
    }
    if payload.agent_id != owner.agent {
        return Err(format!("it is a receipt of agent `{}`", payload.agent_id));
    }
    if payload.issuer_id != owner.issuer {
        return Err(format!("it is a receipt of issuer `{}`", payload.issuer_id));
    }
    tip.expects(&payload)?;
    keys.check(&payload.key_thumbprint, &canonical, &signature)?;
    Ok(payload)
}
