//! Bitcoin block headers that the caller trusts to be in the chain.

use std::collections::BTreeMap;

use crate::digest::{Sha256Digest, decode_hex};
use crate::json::{Json, JsonError, Object};
use crate::time::Timestamp;

/// Length of a block header, bytes.
const HEADER_LEN: usize = 80;

/// Microseconds in a second.
const MICROS: i64 = 1_000_000;

/// Block headers by height.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BlockHeaders {
    headers: BTreeMap<u64, Header>,
}

/// Why bytes are no block headers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BlockHeadersError {
    /// Not JSON by the strict rules.
    #[error("not strict JSON: {0}")]
    Json(#[from] JsonError),
    /// Not an object of headers by height.
    #[error("not an object of block headers by height")]
    Shape,
    /// A header without one of the members that it is made of.
    #[error(
        "block {0}: neither 160 hexadecimal digits nor all of version, previousblockhash, merkle_root, time, bits, nonce"
    )]
    Header(String),
    /// A header whose hash is not the stated one, or does not reach its own target.
    #[error("block {0}: the header's hash is not the stated one, or misses the header's own target")]
    Work(String),
}

/// A header that shows its own proof of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    /// Root of the block's transactions, in the order that is hashed.
    pub(super) merkle_root: [u8; 32],
    /// The block's claimed time.
    pub(super) time: Timestamp,
}

impl BlockHeaders {
    /// Reads headers: a JSON object from heights to headers, each either its 80
    /// bytes in hexadecimal digits, or an object with `version`,
    /// `previousblockhash`, `merkle_root` (both as block explorers show them),
    /// `time` (RFC 3339 or Unix seconds), `bits`, `nonce`, and perhaps `hash`.
    ///
    /// That the header is part of the chain, the caller vouches for; its proof
    /// of work is checked against its own target.
    ///
    /// # Errors
    /// [`BlockHeadersError`], which names the block.
    pub fn parse(text: &[u8]) -> Result<Self, BlockHeadersError> {
        let json = Json::parse(text)?;
        let object = json.as_object().ok_or(BlockHeadersError::Shape)?;
        let mut headers = BTreeMap::new();
        for (height, value) in object.iter() {
            let number = height.parse().map_err(|_| BlockHeadersError::Shape)?;
            let bytes = bytes(value).ok_or_else(|| BlockHeadersError::Header(height.to_owned()))?;
            let stated = value.as_object().and_then(|header| header.get("hash"));
            let stated = stated.map(|hash| hash.as_str().and_then(reversed));
            let header =
                Header::of(&bytes, stated).ok_or_else(|| BlockHeadersError::Work(height.to_owned()))?;
            headers.insert(number, header);
        }
        Ok(Self { headers })
    }

    pub(super) fn at(&self, height: u64) -> Option<&Header> {
        self.headers.get(&height)
    }
}

fn bytes(value: &Json) -> Option<[u8; HEADER_LEN]> {
    match value {
        Json::String(text) => decode_hex(text),
        Json::Object(object) => assemble(object),
        _ => None,
    }
}

/// The header from its fields: numbers little-endian, hashes in hashing order.
fn assemble(header: &Object) -> Option<[u8; HEADER_LEN]> {
    let number = |name: &str| header.get(name)?.as_count().and_then(|count| u32::try_from(count).ok());
    let hash = |name: &str| header.get(name)?.as_str().and_then(reversed);
    let time = match header.get("time")? {
        Json::String(text) => {
            let time = Timestamp::parse_rfc3339(text).ok()?;
            u32::try_from(time.unix_micros() / MICROS).ok()?
        }
        _ => number("time")?,
    };
    let parts: [&[u8]; 6] = [
        &number("version")?.to_le_bytes(),
        &hash("previousblockhash")?,
        &hash("merkle_root")?,
        &time.to_le_bytes(),
        &number("bits")?.to_le_bytes(),
        &number("nonce")?.to_le_bytes(),
    ];
    parts.concat().try_into().ok()
}

/// 32 bytes in the order that block explorers show, turned round.
fn reversed(text: &str) -> Option<[u8; 32]> {
    let mut bytes: [u8; 32] = decode_hex(text)?;
    bytes.reverse();
    Some(bytes)
}

impl Header {
    /// `None` if the double SHA-256 is not `stated`, or above the target.
    fn of(bytes: &[u8; HEADER_LEN], stated: Option<Option<[u8; 32]>>) -> Option<Self> {
        let hash = *Sha256Digest::of(Sha256Digest::of(bytes).as_bytes()).as_bytes();
        if stated.is_some_and(|stated| stated != Some(hash)) {
            return None;
        }
        let word = |at: usize| bytes.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes);
        let target = target(word(72)?)?;
        // Both as numbers, most significant byte first.
        let mut number = hash;
        number.reverse();
        if number > target {
            return None;
        }
        Some(Self {
            merkle_root: bytes.get(36..68)?.try_into().ok()?,
            time: Timestamp::from_unix_micros(i64::from(word(68)?) * MICROS)?,
        })
    }
}

/// The compact form `bits`: three bytes of a number and its length in bytes.
/// `None` if it is negative, zero or beyond 256 bits.
fn target(bits: u32) -> Option<[u8; 32]> {
    let [len, mantissa @ ..] = bits.to_be_bytes();
    if mantissa == [0; 3] || mantissa[0] & 0x80 != 0 {
        return None;
    }
    let mut target = [0; 32];
    let start = 32_usize.checked_sub(usize::from(len))?;
    for (offset, byte) in mantissa.into_iter().enumerate() {
        // Digits below one are dropped, as in the reference client.
        if let Some(place) = target.get_mut(start + offset) {
            *place = byte;
        }
    }
    Some(target)
}
