//! The open segment, line by line.

use std::io::BufReader;

use asqav_core::log::{LogError, LogOwner};
use asqav_receipt::batch::{Batch, MAX_BATCH_LEN, Member};
use asqav_receipt::payload::{Link, Payload};
use asqav_receipt::receipt::{LineSignature, Signature, parse_line};
use asqav_receipt::suite::ML_DSA_65;

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
    let mut pending = Pending::new(scan.tip.clone());
    while let Some(piece) = lines.next_piece().map_err(io)? {
        let place = format!("{name}, line {}, byte {}", piece.number, piece.offset);
        match pending.take(piece, owner, keys) {
            Ok(true) => pending.settle(&mut scan),
            // Of a batch, which is in the log as a whole or not at all.
            Ok(false) => {}
            // A crash leaves the beginning of a write, never its end.
            Err(_) if !piece.complete => break,
            Err(why) => return Err(damaged(place, why)),
        }
    }
    // The lines of an unfinished batch, and a piece without a line feed.
    scan.torn = lines.offset() - scan.valid_len();
    Ok(scan)
}

/// A line and what stands in it.
struct Taken {
    line: Vec<u8>,
    payload: Payload,
    canonical: Vec<u8>,
    link: Link,
}

/// Lines that continue the log, up to the signature that covers them.
struct Pending {
    tip: Tip,
    lines: Vec<Taken>,
    batch: Option<Member>,
    len: usize,
}

impl Pending {
    const fn new(tip: Tip) -> Self {
        Self { tip, lines: Vec::new(), batch: None, len: 0 }
    }

    /// Takes the next piece; true when a signature covers everything taken.
    fn take(&mut self, piece: Piece<'_>, owner: &LogOwner, keys: &Keyring<'_>) -> Result<bool, String> {
        let (payload, signature) = check(piece, owner, &self.tip)?;
        let canonical = payload.to_canonical();
        let link = Link::to(&canonical);
        self.tip.advance(&payload, &canonical, link);
        self.len += piece.bytes.len();
        if let LineSignature::Own(signature) = &signature {
            keys.check(&payload.key_thumbprint, &canonical, signature)?;
        }
        self.lines.push(Taken { line: piece.bytes.to_vec(), payload, canonical, link });
        match signature {
            LineSignature::Own(_) if self.batch.is_none() => Ok(true),
            LineSignature::Own(_) => Err("the batch before it is not whole".to_owned()),
            LineSignature::Member(member) => self.take_member(member, keys),
        }
    }

    fn take_member(&mut self, mut member: Member, keys: &Keyring<'_>) -> Result<bool, String> {
        let (sig, first) = (member.sig.take(), self.batch.get_or_insert_with(|| member.clone()));
        let begins = self.lines.first().map(|first| first.payload.seq) == Some(first.place.first_seq());
        if *first != member || !begins || self.len > MAX_BATCH_LEN {
            return Err("it is of another batch than the lines before it".to_owned());
        }
        let Some(sig) = sig else { return Ok(false) };
        let Some(Payload { asqav, key_thumbprint, .. }) = self.lines.first().map(|first| &first.payload)
        else {
            return Ok(false);
        };
        if self.lines.iter().any(|taken| taken.payload.key_thumbprint != *key_thumbprint) {
            return Err("its batch names several keys".to_owned());
        }
        let payloads = self.lines.iter().map(|taken| &*taken.canonical);
        let batch = Batch::new(asqav.log_id, *key_thumbprint, member.place.first_seq(), payloads);
        let batch =
            batch.filter(|batch| batch.root().place == member.place).ok_or("its batch is not whole")?;
        let signature = Signature { alg: ML_DSA_65.name, kid: member.kid, sig };
        keys.check(key_thumbprint, &batch.root().signing_bytes(), &signature)?;
        Ok(true)
    }

    /// What was taken is in the log.
    fn settle(&mut self, scan: &mut Scan) {
        for Taken { line, payload, canonical, link } in self.lines.drain(..) {
            let tip = &scan.tip;
            scan.content.get_or_insert_with(|| Content::new(tip, payload.issued_at)).push(&line);
            scan.tip.advance(&payload, &canonical, link);
        }
        (self.batch, self.len) = (None, 0);
    }
}

/// Whether `piece` is the next receipt of this log; its signature is still to
/// be checked.
fn check(piece: Piece<'_>, owner: &LogOwner, tip: &Tip) -> Result<(Payload, LineSignature), String> {
    if !piece.complete {
        return Err("it is not complete".to_owned());
    }
    if piece.bytes.len() > MAX_LINE_LEN {
        return Err("it is longer than a receipt".to_owned());
    }
    let (json, signature) = parse_line(piece.bytes).map_err(|error| error.to_string())?;
    let payload = Payload::from_json(&json).map_err(|error| error.to_string())?;
    let canonical = payload.to_canonical();
    if signature.line(&canonical) != piece.bytes {
        return Err("its derived members do not follow from the others".to_owned());
    }
    if payload.agent_id != owner.agent {
        return Err(format!("it is a receipt of agent `{}`", payload.agent_id));
    }
    if payload.issuer_id != owner.issuer {
        return Err(format!("it is a receipt of issuer `{}`", payload.issuer_id));
    }
    tip.expects(&payload)?;
    Ok((payload, signature))
}
