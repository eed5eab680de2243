//! The first receipt and the newest header: whose log it is, and where its
//! sealed part ends.

use asqav_core::log::{Head, LogError, LogOwner};
use asqav_receipt::digest::Sha3Digest;
use asqav_receipt::header::{MAX_HEADER_FILE_LEN, SegmentHeader, SignedHeader};
use asqav_receipt::id::LogId;
use asqav_receipt::open::OpenSet;
use asqav_receipt::payload::{Context, Link, Payload};
use asqav_receipt::receipt::parse_line;

use super::listing::Listing;
use crate::error::{damaged, io_error};
use crate::keyring::Keyring;
use crate::lines::MAX_LINE_LEN;
use crate::names::{header_name, segment_name};
use crate::storage::Storage;
use crate::tip::Tip;

/// What the first receipt of a log fixes for all others: any receipt has it but
/// for the link.
pub(super) struct First {
    /// The log.
    pub(super) log_id: LogId,
    /// The SHA3 link to it; `None` if it was deleted.
    genesis: Option<Sha3Digest>,
}

/// Reads the log's first line; `None` if it has none. Of another agent's or
/// issuer's log nothing else is looked at.
pub(super) fn first_receipt(
    storage: &mut dyn Storage,
    listing: &Listing,
    owner: &LogOwner,
) -> Result<Option<First>, LogError> {
    if listing.sealed == 0 && listing.open.is_none() {
        return Ok(None);
    }
    // The oldest that was not deleted.
    let oldest = (1..).find(|number| !listing.deleted.contains(number)).unwrap_or(1);
    let name = segment_name(oldest);
    let bytes = storage
        .read(&name, 0, MAX_LINE_LEN + 1)
        .map_err(|error| io_error(format!("reading `{name}`"), error))?;
    let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
        // Sealed, or longer than a line without a line feed: what follows tells.
        return Ok(None);
    };
    let payload = read_payload(bytes.get(..end).unwrap_or_default())
        .map_err(|why| damaged(format!("{name}, line 1, byte 0"), why))?;
    if payload.agent_id != owner.agent {
        let (found, wanted) = (payload.agent_id.to_string(), owner.agent.to_string());
        return Err(LogError::OtherAgent { found, wanted });
    }
    if payload.issuer_id != owner.issuer {
        let (found, wanted) = (payload.issuer_id.to_string(), owner.issuer.to_string());
        return Err(LogError::OtherIssuer { found, wanted });
    }
    let genesis = Link::to(&payload.to_canonical()).sha3.filter(|_| oldest == 1);
    Ok(Some(First { log_id: payload.asqav.log_id, genesis }))
}

/// Reads the header of the sealed segment `number`, the newest one, and brings
/// `tip` behind its last receipt.
pub(super) fn read(
    storage: &mut dyn Storage,
    listing: &Listing,
    number: u64,
    first: Option<&First>,
    keys: &Keyring<'_>,
    tip: &mut Tip,
) -> Result<SignedHeader, LogError> {
    let name = header_name(number);
    let signed = parse_header(storage, number)?;
    let SignedHeader { header, signature } = &signed;
    keys.check(&header.key_thumbprint, &header.signing_bytes(), signature)
        .map_err(|why| damaged(&name, why))?;
    let first = first.ok_or_else(|| damaged(segment_name(1), "it holds no receipt"))?;
    if header.log_id != first.log_id || first.genesis.is_some_and(|genesis| genesis != header.genesis) {
        return Err(damaged(name, "it seals a segment of another log"));
    }
    if header.bytes != listing.sealed_len {
        return Err(damaged(segment_name(number), "its length is not the one in its header"));
    }
    let payload = last_receipt(storage, header)?;
    tip.genesis = Some(header.genesis);
    tip.head = Some(Head::new(payload.seq, header.last, payload.issued_at));
    tip.open =
        OpenSet::from_items(&header.open).ok_or_else(|| damaged(&name, "it lists an open item twice"))?;
    tip.stopped = matches!(&payload.context, Context::Event { name, .. } if *name == "gate:stop");
    tip.next_segment = number;
    tip.sealed(&signed);
    Ok(signed)
}

/// Reads the header file of segment `number`.
pub(super) fn parse_header(storage: &mut dyn Storage, number: u64) -> Result<SignedHeader, LogError> {
    let name = header_name(number);
    let file = storage
        .read(&name, 0, MAX_HEADER_FILE_LEN + 1)
        .map_err(|error| io_error(format!("reading `{name}`"), error))?;
    let signed = SignedHeader::parse(&file).map_err(|error| damaged(&name, error.to_string()))?;
    if signed.header.segment != number {
        return Err(damaged(name, format!("it is the header of segment {}", signed.header.segment)));
    }
    Ok(signed)
}

/// The last line of a sealed segment, compared with its header.
fn last_receipt(storage: &mut dyn Storage, header: &SegmentHeader) -> Result<Payload, LogError> {
    let name = segment_name(header.segment);
    let len = u64::try_from(MAX_LINE_LEN + 2).unwrap_or(u64::MAX).min(header.bytes);
    let tail = storage
        .read(&name, header.bytes - len, MAX_LINE_LEN + 2)
        .map_err(|error| io_error(format!("reading `{name}`"), error))?;
    let place = format!("{name}, last line");
    let body = tail.strip_suffix(b"\n").ok_or_else(|| damaged(&place, "it is not complete"))?;
    let start = body.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let payload = read_payload(body.get(start..).unwrap_or_default()).map_err(|why| damaged(&place, why))?;
    if payload.seq != header.last_seq || Link::to(&payload.to_canonical()) != header.last {
        return Err(damaged(place, "it is not the receipt that the header names as the last"));
    }
    Ok(payload)
}

fn read_payload(line: &[u8]) -> Result<Payload, String> {
    let (json, _) = parse_line(line).map_err(|error| error.to_string())?;
    Payload::from_json(&json).map_err(|error| error.to_string())
}
