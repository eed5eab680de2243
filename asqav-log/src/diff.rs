//! Two copies of a log: where they part, and whether that is fraud.

use std::collections::VecDeque;
use std::io::BufReader;
use std::ops::Range;
use std::path::Path;

use asqav_receipt::batch::{Assembled, Assembler};
use asqav_receipt::digest::Sha3Digest;
use asqav_receipt::header::SignedHeader;
use asqav_receipt::json::{Json, Object};
use asqav_receipt::merkle::{Sha3Tree, TreeHash as _};
use asqav_receipt::proof::FraudProof;
use asqav_receipt::receipt::parse_line;

use crate::lines::Lines;
use crate::names::segment_name;
use crate::reader::{LogReader, ReadError, SegmentFiles};
use crate::regular;
use crate::tombstone;

/// How two copies of a log compare, receipt by receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Difference {
    /// They hold the same receipts.
    None {
        /// How many.
        size: u64,
    },
    /// One holds all that the other does, and goes on.
    Longer {
        /// 0 or 1: which one goes on.
        which: usize,
        /// How many receipts both have.
        common: u64,
    },
    /// They part.
    Fork(Box<Fork>),
}

/// Where two copies of a log part.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fork {
    /// The number of the first receipt that differs.
    pub seq: u64,
    /// What each has there: a line without its line feed.
    pub lines: [Vec<u8>; 2],
    /// The same as receipts on their own.
    pub receipts: [Vec<u8>; 2],
    /// What makes it one.
    pub kind: ForkKind,
}

/// What two differing lines are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ForkKind {
    /// Two payloads for one place of one log: fraud, if both signatures hold.
    Payloads,
    /// Two payloads, one of which a recovery receipt of the other copy names:
    /// an unclean stop explains it.
    Recovered,
    /// One payload under two signatures.
    Signatures,
    /// Receipts of different logs.
    Logs,
    /// One of the lines is no receipt.
    Unreadable,
    /// One copy deleted the receipt and has its leaf hash only, which is not
    /// that of the other's line: the receipt or its signature differs.
    Deleted,
}

impl Fork {
    /// The portable proof, where the lines contradict each other.
    #[must_use]
    pub fn proof(&self) -> Option<FraudProof> {
        (self.kind == ForkKind::Payloads).then(|| FraudProof::Receipts(Box::new(self.receipts.clone())))
    }
}

/// Compares the logs in two directories. Deleted receipts are compared by their
/// leaf hashes; where one copy begins later, without even these, the beginning
/// of the other is passed over.
///
/// # Errors
/// [`ReadError`] when either could not be read.
pub fn compare(dirs: [&Path; 2]) -> Result<Difference, ReadError> {
    let [one, other] = dirs;
    let (mut one, mut other) = (Cursor::open(one)?, Cursor::open(other)?);
    let mut lines = [one.next()?, other.next()?];
    let begin = [one.begin(&lines[0]), other.begin(&lines[1])];
    let mut seq = begin.into_iter().max().unwrap_or(1);
    for (line, (cursor, first)) in lines.iter_mut().zip([(&mut one, begin[0]), (&mut other, begin[1])]) {
        *line = cursor.forward(line.take(), first..seq)?;
    }
    // Batches may have other bounds though the payloads in them are the same:
    // where those part is looked for first.
    let mut signed_otherwise = None;
    loop {
        let end = match lines {
            [None, None] => Difference::None { size: seq - 1 },
            [Some(_), None] => Difference::Longer { which: 0, common: seq - 1 },
            [None, Some(_)] => Difference::Longer { which: 1, common: seq - 1 },
            [Some(Held::Line(first)), Some(Held::Line(second))] => {
                if first.line != second.line {
                    if !same_payload(&first, &second) {
                        let kind = kind(&first.line, &second.line, seq, [one, other])?;
                        return Ok(Difference::fork(seq, Held::Line(first), Held::Line(second), kind));
                    }
                    signed_otherwise.get_or_insert((seq, first, second));
                }
                lines = [one.next()?, other.next()?];
                seq += 1;
                continue;
            }
            [Some(first), Some(second)] => {
                if first.leaf() != second.leaf() {
                    return Ok(Difference::fork(seq, first, second, ForkKind::Deleted));
                }
                lines = [one.next()?, other.next()?];
                seq += 1;
                continue;
            }
        };
        return Ok(match signed_otherwise {
            Some((seq, first, second)) => {
                Difference::fork(seq, Held::Line(first), Held::Line(second), ForkKind::Signatures)
            }
            None => end,
        });
    }
}

impl Difference {
    fn fork(seq: u64, first: Held, second: Held, kind: ForkKind) -> Self {
        let ([first, own], [second, other]) = (first.shown(), second.shown());
        Self::Fork(Box::new(Fork { seq, lines: [first, second], receipts: [own, other], kind }))
    }
}

fn same_payload(first: &Assembled, second: &Assembled) -> bool {
    let payload = |assembled: &Assembled| parse_line(&assembled.line).ok().map(|(payload, _)| payload);
    payload(first).is_some_and(|first| payload(second) == Some(first))
}

fn kind(first: &[u8], second: &[u8], seq: u64, rest: [Cursor; 2]) -> Result<ForkKind, ReadError> {
    let (Ok((one, _)), Ok((other, _))) = (parse_line(first), parse_line(second)) else {
        return Ok(ForkKind::Unreadable);
    };
    if log_id(&one) != log_id(&other) {
        return Ok(ForkKind::Logs);
    }
    let [mut after_first, mut after_second] = rest;
    let named =
        (is_named(first, &mut after_first, second, seq)?) || is_named(second, &mut after_second, first, seq)?;
    Ok(if named { ForkKind::Recovered } else { ForkKind::Payloads })
}

/// Whether `recovery`, the line of the other copy at `seq`, is a recovery
/// receipt that names the beginning of what this copy has from there on, or
/// from where the other one went on from its journal.
fn is_named(line: &[u8], rest: &mut Cursor, recovery: &[u8], seq: u64) -> Result<bool, ReadError> {
    let Some(Torn { resumed_after, begin, len, digest }) = torn(recovery) else { return Ok(false) };
    if resumed_after.checked_add(1) != Some(seq) {
        return Ok(false);
    }
    if begin < seq {
        let mut earlier = Cursor::open(&rest.dir)?;
        let first = earlier.next()?;
        let numbers = earlier.begin(&first)..begin;
        return Ok(match earlier.forward(first, numbers)? {
            Some(Held::Line(first)) => begins(&first.line, &mut earlier, len)? == Some(digest),
            _ => false,
        });
    }
    Ok(begins(line, rest, len)? == Some(digest))
}

/// The digest of the first `len` bytes of `line` and the lines behind it.
fn begins(line: &[u8], rest: &mut Cursor, len: usize) -> Result<Option<Sha3Digest>, ReadError> {
    let mut lost = [line, b"\n"].concat();
    while lost.len() < len
        && let Some(Held::Line(next)) = rest.next()?
    {
        lost.extend_from_slice(&next.line);
        lost.push(b'\n');
    }
    Ok(lost.get(..len).map(Sha3Digest::of))
}

/// What a recovery receipt says of torn bytes.
struct Torn {
    resumed_after: u64,
    /// The receipt that they begin with, if they are of one.
    begin: u64,
    len: usize,
    digest: Sha3Digest,
}

fn torn(line: &[u8]) -> Option<Torn> {
    let (payload, _) = parse_line(line).ok()?;
    let body = payload.as_object()?.get("context")?.as_object()?.get("gate:recovery")?.as_object()?;
    let len = usize::try_from(body.get("torn_bytes")?.as_count()?).ok()?;
    let digest = Sha3Digest::parse_hex(body.get("torn_sha3")?.as_str()?)?;
    let resumed_after = body.get("resumed_after_seq")?.as_count()?;
    let signed = match body.get("unsigned_after_seq") {
        Some(seq) => seq.as_count()?,
        None => resumed_after,
    };
    Some(Torn { resumed_after, begin: signed.checked_add(1)?, len, digest })
}

fn log_id(payload: &Json) -> Option<&str> {
    payload
        .as_object()?
        .get("asqav")
        .and_then(Json::as_object)
        .and_then(|asqav: &Object| asqav.get("log_id")?.as_str())
}

fn seq_of(line: &[u8]) -> Option<u64> {
    let (payload, _) = parse_line(line).ok()?;
    payload.as_object()?.get("seq")?.as_count().filter(|seq| *seq >= 1)
}

/// What a copy has of a receipt.
enum Held {
    Line(Assembled),
    /// Its leaf hash: its segment was deleted.
    Hash([u8; 32]),
}

impl Held {
    fn leaf(&self) -> [u8; 32] {
        match self {
            Self::Line(assembled) => Sha3Tree::leaf(&assembled.line),
            Self::Hash(leaf) => *leaf,
        }
    }

    /// The line and its receipt, empty where it was deleted.
    fn shown(self) -> [Vec<u8>; 2] {
        match self {
            Self::Line(assembled) => [assembled.line, assembled.receipt],
            Self::Hash(_) => [Vec::new(), Vec::new()],
        }
    }
}

/// The receipts of a log, one after the other.
struct Cursor {
    dir: std::path::PathBuf,
    segments: std::vec::IntoIter<u64>,
    lines: Option<Lines<BufReader<std::fs::File>>>,
    assembler: Assembler,
    ready: VecDeque<Held>,
    /// The number of the first receipt, where it was deleted.
    first_deleted: Option<u64>,
}

impl Cursor {
    fn open(dir: &Path) -> Result<Self, ReadError> {
        let log = LogReader::open(dir)?;
        let present =
            log.segments().iter().filter(|(_, files)| files.log_len.is_some() || files.is_deleted());
        let segments: Vec<_> = present.map(|(number, _)| *number).collect();
        let first_deleted = match segments.first() {
            Some(first) if log.segments().get(first).is_some_and(SegmentFiles::is_deleted) => {
                let signed = SignedHeader::parse(&log.header(*first)?).ok();
                signed.map(|signed| signed.header.first_seq)
            }
            _ => None,
        };
        Ok(Self {
            dir: dir.to_owned(),
            segments: segments.into_iter(),
            lines: None,
            assembler: Assembler::default(),
            ready: VecDeque::new(),
            first_deleted,
        })
    }

    /// The number of the log's first receipt, which is `first`.
    fn begin(&self, first: &Option<Held>) -> u64 {
        let seq = match first {
            Some(Held::Line(assembled)) => seq_of(&assembled.line),
            _ => self.first_deleted,
        };
        seq.unwrap_or(1)
    }

    /// What stands so many numbers behind `held`, the one given last.
    fn forward(&mut self, mut held: Option<Held>, numbers: Range<u64>) -> Result<Option<Held>, ReadError> {
        for _ in numbers {
            // A number that a copy makes up is none of the other's.
            if held.is_none() {
                break;
            }
            held = self.next()?;
        }
        Ok(held)
    }

    /// The next complete line without its line feed, and its receipt; or the
    /// hash of a deleted one.
    fn next(&mut self) -> Result<Option<Held>, ReadError> {
        loop {
            if let Some(ready) = self.ready.pop_front() {
                return Ok(Some(ready));
            }
            if let Some(lines) = &mut self.lines {
                let piece =
                    lines.next_piece().map_err(|source| ReadError::Io { path: self.dir.clone(), source })?;
                if let Some(piece) = piece.filter(|piece| piece.complete) {
                    self.ready.extend(self.assembler.push(piece.bytes).into_iter().map(Held::Line));
                    continue;
                }
            }
            self.lines = None;
            self.ready.extend(self.assembler.give_up().into_iter().map(Held::Line));
            let Some(number) = self.segments.next() else { return Ok(self.ready.pop_front()) };
            if !self.dir.join(segment_name(number)).exists()
                && let Some(leaves) = tombstone::leaves(&self.dir, number)?
            {
                self.ready.extend(leaves.into_iter().map(Held::Hash));
                continue;
            }
            let (file, _) = regular::open(&self.dir, &segment_name(number))?;
            self.lines = Some(Lines::new(BufReader::with_capacity(1 << 16, file)));
        }
    }
}
