//! Receipts that are on disk and wait for their signature: the journal of a log
//! whose gate has `Durability::Journaled`.
//!
//! # Format
//! File `unsigned.jsonl`, a receipt a line, in order:
//! `{"mac":"<64 hex digits>","payload":<canonical payload>}`. The MAC is
//! HMAC-SHA3-256 (FIPS 198-1) under the key SHA3-256(`asqav/unsigned/v1` ‖ 0x00
//! ‖ vault key) over the log id (16 bytes) and the canonical payload: nobody
//! but who has the vault key can have something signed at the next start.
//!
//! Lines of receipts that stand in a segment mean nothing any more. The file is
//! made anew, under another name and renamed, when a writer begins it and when
//! most of it means nothing; a start that has signed what it holds removes it,
//! and so does a clean stop.

#[cfg(feature = "write")]
pub(crate) mod journal;

use asqav_receipt::digest::decode_hex;
use asqav_receipt::json::Json;
use asqav_receipt::payload::Payload;

use crate::lines::MAX_LINE_LEN;

const BEFORE: &str = r#"{"mac":""#;
const BETWEEN: &str = r#"","payload":"#;
const AFTER: &str = "}\n";

/// One line: a receipt that waits for its signature.
pub(crate) struct UnsignedLine<'a> {
    /// Whether that is right only the log's writer can tell.
    #[cfg_attr(not(feature = "write"), expect(dead_code, reason = "readers have no key"))]
    pub(crate) mac: [u8; 32],
    pub(crate) payload: Payload,
    /// The payload's bytes as they stand in the line.
    pub(crate) canonical: &'a [u8],
}

impl<'a> UnsignedLine<'a> {
    /// As long as what stands around the payload.
    #[cfg(feature = "write")]
    pub(crate) const AROUND: &'static str = concat!(
        r#"{"mac":""#,
        "0000000000000000000000000000000000000000000000000000000000000000",
        r#"","payload":"#,
        "}\n"
    );

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
        let payload = Payload::from_json(&Json::parse(canonical).ok()?).ok()?;
        (payload.to_canonical() == canonical).then_some(Self { mac, payload, canonical })
    }
}
