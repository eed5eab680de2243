//! Receipts that are on disk and wait for their signature: the journal of a log
//! whose gate has `Durability::Journaled`.
//!
//! # Format
//! File `unsigned.jsonl`, in order, one a line:
//! `{"mac":"<64 hex digits>","payload":<canonical payload>}`. The MAC is
//! HMAC-SHA3-256 (FIPS 198-1) under the key SHA3-256(`asqav/unsigned/v1` ‖ 0x00
//! ‖ journal key) over the log id (16 bytes) and the canonical payload: nobody
//! but who has the journal key can have something signed at the next start.
//!
//! A start that finds receipts which no segment has writes the file anew before
//! it signs them, and puts `{"unsigned_after_seq":<seq>}` in the place of a
//! payload before the first: receipts behind that number are those that it
//! signs, and the recovery receipt names it. It stands until a receipt follows.
//!
//! Lines of receipts that stand in a segment mean nothing any more. The file is
//! made anew, under another name and renamed, when a writer begins it and when
//! most of it means nothing; a clean stop removes it.

#[cfg(feature = "write")]
pub(crate) mod journal;
#[cfg(feature = "write")]
mod key;

use asqav_receipt::digest::decode_hex;
use asqav_receipt::json::Json;
use asqav_receipt::payload::Payload;

use crate::lines::MAX_LINE_LEN;

#[cfg(feature = "write")]
pub use key::JournalKey;

const BEFORE: &str = r#"{"mac":""#;
const BETWEEN: &str = r#"","payload":"#;
#[cfg(feature = "write")]
const AFTER: &str = "}\n";

/// One line.
pub(crate) struct UnsignedLine<'a> {
    /// Whether that is right only the log's writer can tell.
    #[cfg_attr(not(feature = "write"), expect(dead_code, reason = "readers have no key"))]
    pub(crate) mac: [u8; 32],
    /// What it is over, as it stands in the line.
    #[cfg_attr(not(feature = "write"), expect(dead_code, reason = "readers have no key"))]
    pub(crate) canonical: &'a [u8],
    pub(crate) content: Content,
}

/// What a line says.
pub(crate) enum Content {
    /// A receipt waits for its signature.
    Receipt(Box<Payload>),
    /// Receipts behind this number are signed when the log is opened.
    SignedBehind(u64),
}

impl<'a> UnsignedLine<'a> {
    /// Length of what stands around the payload, bytes.
    #[cfg(feature = "write")]
    pub(crate) const AROUND: usize = BEFORE.len() + 64 + BETWEEN.len() + AFTER.len();

    /// Writes the line of a canonical payload, with its line feed.
    #[cfg(feature = "write")]
    pub(crate) fn write(mac: &str, canonical: &[u8], out: &mut Vec<u8>) {
        for part in [BEFORE.as_bytes(), mac.as_bytes(), BETWEEN.as_bytes(), canonical, AFTER.as_bytes()] {
            out.extend_from_slice(part);
        }
    }

    /// Reads a line without its line feed; `None` if it is not one as they are
    /// written, of a payload in its canonical form.
    pub(crate) fn parse(line: &'a [u8]) -> Option<Self> {
        if line.len() > MAX_LINE_LEN {
            return None;
        }
        let (mac, rest) = line.strip_prefix(BEFORE.as_bytes())?.split_at_checked(64)?;
        let canonical = rest.strip_prefix(BETWEEN.as_bytes())?.strip_suffix(b"}")?;
        let mac = decode_hex(str::from_utf8(mac).ok()?)?;
        let json = Json::parse(canonical).ok()?;
        let content = match json.as_object()?.get("unsigned_after_seq") {
            Some(after) => Content::SignedBehind(after.as_count()?),
            None => Content::Receipt(Box::new(Payload::from_json(&json).ok()?)),
        };
        (content.to_canonical() == canonical).then_some(Self { mac, canonical, content })
    }
}

impl Content {
    /// What stands in the place of the payload.
    pub(crate) fn to_canonical(&self) -> Vec<u8> {
        match self {
            Self::Receipt(payload) => payload.to_canonical(),
            Self::SignedBehind(seq) => format!("{{\"unsigned_after_seq\":{seq}}}").into_bytes(),
        }
    }
}
