//! OpenTimestamps proofs: from a digest to the root of a Bitcoin block.
//!
//! A proof is a tree of operations; each leaf is an attestation. Only one that
//! ends in a block whose header the caller gave proves anything; calendars that
//! merely promise (`pending`) do not.

use super::Outcome;
use super::block::BlockHeaders;
use crate::digest::Sha256Digest;
use crate::time::Timestamp;

const MAGIC: &[u8] = b"\x00OpenTimestamps\x00\x00Proof\x00\xbf\x89\xe2\xe8\x84\xe8\x92\x94";
const VERSION: u8 = 1;
const SHA_256: u8 = 0x08;
const APPEND: u8 = 0xf0;
const PREPEND: u8 = 0xf1;
const FORK: u8 = 0xff;
const ATTESTATION: u8 = 0x00;
const BITCOIN: [u8; 8] = [0x05, 0x88, 0x96, 0x0d, 0x73, 0xd7, 0x19, 0x01];

/// Bounds, in bytes and operations; proofs from calendars stay far below.
const MAX_LEN: usize = 256 * 1024;
const MAX_MESSAGE: usize = 4_096;
const MAX_OPERATIONS: usize = 4_096;
const MAX_DEPTH: usize = 256;

/// A block's claimed time may be this far from the time it was found (two hours
/// ahead of the network's time is the most that nodes accept).
const BLOCK_TIME_SLACK_MICROS: i64 = 2 * 60 * 60 * 1_000_000;

/// Whether the proof shows that what has this digest existed.
pub(crate) fn check(proof: &[u8], digest: &Sha256Digest, headers: Option<&BlockHeaders>) -> Outcome {
    match judge(proof, digest, headers) {
        Ok(outcome) => outcome,
        Err(why) => Outcome::Unchecked(format!("the OpenTimestamps proof cannot be read: {why}")),
    }
}

fn judge(
    proof: &[u8],
    digest: &Sha256Digest,
    headers: Option<&BlockHeaders>,
) -> Result<Outcome, &'static str> {
    if proof.len() > MAX_LEN {
        return Err("too long");
    }
    let rest = proof.strip_prefix(MAGIC).ok_or("not a detached proof")?;
    let [VERSION, SHA_256, rest @ ..] = rest else { return Err("not version 1 over a SHA-256") };
    let (stamped, rest) = rest.split_at_checked(32).ok_or("truncated")?;
    if stamped != digest.as_bytes() {
        return Ok(Outcome::Refuted("the proof is about another digest than this receipt's".to_owned()));
    }
    let mut reader = Reader { rest, operations: 0, blocks: Vec::new() };
    reader.tree(stamped.to_vec())?;
    if !reader.rest.is_empty() {
        return Err("bytes after the proof");
    }
    Ok(conclude(&reader.blocks, headers))
}

/// The earliest block that confirms; a block that contradicts refutes.
fn conclude(blocks: &[(u64, Vec<u8>)], headers: Option<&BlockHeaders>) -> Outcome {
    let mut proven: Option<(Timestamp, u64)> = None;
    for (height, root) in blocks {
        let Some(header) = headers.and_then(|headers| headers.at(*height)) else { continue };
        if root != &header.merkle_root {
            return Outcome::Refuted(format!("the proof does not end in the root of block {height}"));
        }
        let latest = header.time.unix_micros().saturating_add(BLOCK_TIME_SLACK_MICROS);
        let Some(at) = Timestamp::from_unix_micros(latest) else { continue };
        proven = Some(proven.map_or((at, *height), |before| before.min((at, *height))));
    }
    match (proven, blocks) {
        (Some((at, height)), _) => {
            Outcome::Proven { at, note: format!("in Bitcoin block {height}, so no later than {at}") }
        }
        (None, []) => Outcome::Unchecked("the proof ends in no block yet (pending)".to_owned()),
        (None, [(height, _), ..]) => {
            Outcome::Unchecked(format!("the header of block {height} was not given"))
        }
    }
}

struct Reader<'a> {
    rest: &'a [u8],
    operations: usize,
    /// Heights, and what the operations before lead to.
    blocks: Vec<(u64, Vec<u8>)>,
}

impl<'a> Reader<'a> {
    /// The whole tree, with a stack of its own: `FORK` remembers a message to
    /// come back to.
    fn tree(&mut self, message: Vec<u8>) -> Result<(), &'static str> {
        let mut forks = vec![];
        let mut message = message;
        loop {
            self.operations += 1;
            if self.operations > MAX_OPERATIONS || forks.len() > MAX_DEPTH {
                return Err("too many operations");
            }
            match self.byte()? {
                FORK if self.rest.first() == Some(&FORK) => return Err("a fork of a fork"),
                FORK => forks.push(message.clone()),
                ATTESTATION => {
                    self.attestation(&message)?;
                    match forks.pop() {
                        Some(before) => message = before,
                        None => return Ok(()),
                    }
                }
                operation => message = self.operation(operation, message)?,
            }
        }
    }

    fn operation(&mut self, operation: u8, mut message: Vec<u8>) -> Result<Vec<u8>, &'static str> {
        let message = match operation {
            SHA_256 => return Ok(Sha256Digest::of(&message).as_bytes().to_vec()),
            APPEND => {
                message.extend_from_slice(self.bytes()?);
                message
            }
            PREPEND => [self.bytes()?, &message].concat(),
            _ => return Err("an operation that is not known here"),
        };
        if message.len() > MAX_MESSAGE { Err("a message too long") } else { Ok(message) }
    }

    fn attestation(&mut self, message: &[u8]) -> Result<(), &'static str> {
        let (kind, rest) = self.rest.split_at_checked(8).ok_or("truncated")?;
        self.rest = rest;
        let payload = self.bytes()?;
        if kind == BITCOIN {
            let mut inner = Reader { rest: payload, operations: 0, blocks: vec![] };
            let height = inner.number()?;
            if !inner.rest.is_empty() {
                return Err("a malformed attestation");
            }
            self.blocks.push((height, message.to_vec()));
        }
        Ok(())
    }

    fn byte(&mut self) -> Result<u8, &'static str> {
        let (byte, rest) = self.rest.split_first().ok_or("truncated")?;
        self.rest = rest;
        Ok(*byte)
    }

    /// Seven bits a byte, the lowest first.
    fn number(&mut self) -> Result<u64, &'static str> {
        let mut number = 0_u64;
        for shift in (0..63).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err("a number too long")
    }

    fn bytes(&mut self) -> Result<&'a [u8], &'static str> {
        let len = usize::try_from(self.number()?).map_err(|_| "truncated")?;
        let (bytes, rest) = self.rest.split_at_checked(len).ok_or("truncated")?;
        self.rest = rest;
        Ok(bytes)
    }
}
