//! Comparing a log with its mirrored head.

use std::io::BufReader;

use asqav_core::log::LogError;
use asqav_receipt::checkpoint::HeadMirror;
use asqav_receipt::payload::{Link, Payload};
use asqav_receipt::receipt::parse_line;

use super::listing::Listing;
use super::sealed::parse_header;
use crate::error::{damaged, io_error};
use crate::journal::Announced;
use crate::lines::Lines;
use crate::names::segment_name;
use crate::storage::{FileReader, Storage};
use crate::tip::Tip;

/// Refuses a log that ends before its mirrored head or holds another receipt
/// there. The mirror is at most a group commit behind, so the receipt stands
/// in one of the newest segments.
pub(super) fn check(
    storage: &mut dyn Storage,
    listing: &Listing,
    tip: &Tip,
    mirror: &HeadMirror,
) -> Result<(), LogError> {
    let found = tip.head.map_or(0, |head| head.seq);
    if found < mirror.seq {
        return Err(LogError::RolledBack { found, mirrored: mirror.seq });
    }
    let link = match tip.head {
        Some(head) if head.seq == mirror.seq => Some(head.link),
        _ => link_to(storage, listing, mirror.seq)?,
    };
    let same = |link: Link| link.sha256 == mirror.sha256 && link.sha3 == Some(mirror.sha3);
    if mirror.log_id == tip.log_id && link.is_some_and(same) {
        Ok(())
    } else if link.is_none() && listing.deleted.iter().any(|number| holds(storage, *number, mirror.seq)) {
        Err(damaged("the head mirror", "the receipt that it names was deleted since"))
    } else {
        Err(LogError::Rewritten { seq: mirror.seq })
    }
}

/// Whether the deleted segment `number` held receipt `seq`, but not as its last:
/// to that one its header has the link.
fn holds(storage: &mut dyn Storage, number: u64, seq: u64) -> bool {
    let header = parse_header(storage, number).map(|signed| signed.header);
    header.is_ok_and(|header| (header.first_seq..header.last_seq).contains(&seq))
}

/// Whether the receipt that was announced got into the log.
pub(super) fn is_in_log(
    storage: &mut dyn Storage,
    listing: &Listing,
    tip: &Tip,
    announced: &Announced,
) -> Result<bool, LogError> {
    let seq = announced.payload.seq;
    let link = match tip.head {
        Some(head) if head.seq == seq => Some(head.link),
        Some(head) if head.seq > seq => link_to(storage, listing, seq)?,
        _ => None,
    };
    Ok(link == Some(Link::to(&announced.payload.to_canonical())))
}

/// The link to receipt `seq`, which is not the newest.
fn link_to(storage: &mut dyn Storage, listing: &Listing, seq: u64) -> Result<Option<Link>, LogError> {
    let mut number = listing.open.map(|(number, _)| number);
    for sealed in (1..=listing.sealed).rev() {
        let header = parse_header(storage, sealed)?.header;
        if seq > header.last_seq {
            break;
        }
        if seq == header.last_seq {
            return Ok(Some(header.last));
        }
        number = Some(sealed);
        if seq >= header.first_seq {
            break;
        }
    }
    let Some(number) = number.filter(|number| !listing.deleted.contains(number)) else { return Ok(None) };
    let name = segment_name(number);
    let source = FileReader { storage, name: &name, offset: 0 };
    let mut lines = Lines::new(BufReader::with_capacity(1 << 16, source));
    let io = |error| io_error(format!("reading `{name}`"), error);
    while let Some(piece) = lines.next_piece().map_err(io)? {
        let payload = parse_line(piece.bytes).ok().and_then(|(json, _)| Payload::from_json(&json).ok());
        if let Some(payload) = payload.filter(|payload| payload.seq == seq) {
            return Ok(Some(Link::to(&payload.to_canonical())));
        }
    }
    Ok(None)
}
