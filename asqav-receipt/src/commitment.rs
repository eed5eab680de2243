//! Salted commitments to arguments and results.

use hmac::{KeyInit as _, Mac as _};

use crate::digest::{Sha3Digest, hex_of_16};
use crate::id::{ActionId, LogId};

/// What opens a receipt's commitments: the salt secret and the values.
///
/// Holds secrets; it goes to the vault and nowhere else.
#[derive(Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "writers must not forget a member")]
pub struct Openings {
    /// The receipt.
    pub action_id: ActionId,
    /// The receipt's random secret `s`.
    pub secret: [u8; 32],
    /// Pointer (`/arguments/<name>`, `/result`) and JSON text of each
    /// committed value.
    pub values: Vec<(String, String)>,
}

impl std::fmt::Debug for Openings {
    /// Names the receipt only.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Openings({}, {} values)", self.action_id, self.values.len())
    }
}

/// The salt of the value at `pointer` under a receipt's secret:
/// HMAC-SHA3-256(secret, `asqav/salt/v1` ‖ 0x00 ‖ pointer).
#[must_use]
pub fn salt(secret: &[u8; 32], pointer: &str) -> [u8; 32] {
    // HMAC (FIPS 198-1 §4) pads the key with zeros to the block of 136 bytes.
    let mut block = hmac::digest::Key::<HmacSha3>::default();
    block.iter_mut().zip(secret).for_each(|(padded, byte)| *padded = *byte);
    let mac = HmacSha3::new(&block).chain_update(SALT_TAG).chain_update(pointer);
    mac.finalize().into_bytes().into()
}

type HmacSha3 = hmac::SimpleHmac<sha3::Sha3_256>;

/// What a salt is made of, before the pointer.
const SALT_TAG: &[u8] = b"asqav/salt/v1\0";

/// What [`salt`] gives for each secret and pointer: together, which is faster
/// from three on where [`Sha3Digest::of_each`] hashes many at once, and as fast
/// elsewhere.
#[must_use]
pub fn salts(wanted: &[(&[u8; 32], &str)]) -> Vec<[u8; 32]> {
    // HMAC is two hashes, one over the other (FIPS 198-1 §4).
    let inner: Vec<_> = wanted
        .iter()
        .map(|(secret, pointer)| [&keyed(secret, 0x36), SALT_TAG, pointer.as_bytes()].concat())
        .collect();
    let inner = Sha3Digest::of_each(&[], &inner.iter().map(Vec::as_slice).collect::<Vec<_>>());
    let outer: Vec<_> = wanted
        .iter()
        .zip(&inner)
        .map(|((secret, _), inner)| [&keyed(secret, 0x5c)[..], inner.as_bytes()].concat())
        .collect();
    let outer = Sha3Digest::of_each(&[], &outer.iter().map(Vec::as_slice).collect::<Vec<_>>());
    outer.into_iter().map(|salt| *salt.as_bytes()).collect()
}

/// The block that HMAC begins a hash with: the key and zeros, each byte XOR `pad`.
fn keyed(secret: &[u8; 32], pad: u8) -> [u8; 136] {
    let mut block = [pad; 136];
    block.iter_mut().zip(secret).for_each(|(padded, byte)| *padded ^= byte);
    block
}

/// The commitment to `value` at `pointer` of one receipt of one log:
/// SHA3-256(`asqav/commit/v1` ‖ 0x00 ‖ L(log_id) ‖ L(action_id) ‖ L(pointer) ‖
/// salt ‖ value), where L(x) is x's length as 32 bits big-endian, then x.
///
/// Bound to its place, it cannot be copied into another receipt.
#[must_use]
pub fn commit(
    log_id: LogId,
    action_id: ActionId,
    pointer: &str,
    salt: &[u8; 32],
    value: &[u8],
) -> Sha3Digest {
    let (log_id, action_id) = (hex_of_16(log_id.as_bytes()), action_id.text());
    Sha3Digest::of_parts(&[
        b"asqav/commit/v1\0",
        &length(&log_id),
        &log_id,
        &length(&action_id),
        &action_id,
        &length(pointer.as_bytes()),
        pointer.as_bytes(),
        salt,
        value,
    ])
}

/// The length of `text` in bytes, 32 bits big-endian.
fn length(text: &[u8]) -> [u8; 4] {
    // Pointers are made of names; none comes near 4 GiB. Saturation would only
    // make the commitment impossible to open.
    u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes()
}

/// What is handed over to disclose one value.
#[derive(Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the format fixes the three members")]
pub struct Opening {
    /// `/arguments/<name>`, `/result` or `/policy/inputs`.
    pub pointer: String,
    /// The value's salt.
    pub salt: [u8; 32],
    /// The JSON text that the tool was given or returned.
    pub value: String,
}

impl Opening {
    /// Whether this opens `commitment` in the receipt `action_id` of `log_id`.
    #[must_use]
    pub fn opens(&self, commitment: &Sha3Digest, log_id: LogId, action_id: ActionId) -> bool {
        commit(log_id, action_id, &self.pointer, &self.salt, self.value.as_bytes()) == *commitment
    }
}

impl std::fmt::Debug for Opening {
    /// Names the pointer only.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Opening({})", self.pointer)
    }
}

impl Openings {
    /// What discloses the value at `pointer`, if it was committed.
    #[must_use]
    pub fn disclose(&self, pointer: &str) -> Option<Opening> {
        let (pointer, value) = self.values.iter().find(|(known, _)| known == pointer)?;
        Some(Opening { pointer: pointer.clone(), salt: salt(&self.secret, pointer), value: value.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: [u8; 32] = [7; 32];

    fn action(n: u8) -> ActionId {
        ActionId::from_parts(1, [n; 10])
    }

    #[test]
    fn a_commitment_opens_at_its_place_only() {
        let log = LogId::from_bytes([1; 16]);
        let openings =
            Openings { action_id: action(1), secret: SECRET, values: vec![("/result".into(), "42".into())] };
        let opening = openings.disclose("/result").unwrap();
        let digest = commit(log, action(1), "/result", &salt(&SECRET, "/result"), b"42");
        assert!(opening.opens(&digest, log, action(1)));
        assert!(!opening.opens(&digest, log, action(2)), "another receipt");
        assert!(!opening.opens(&digest, LogId::from_bytes([2; 16]), action(1)), "another log");
        let moved = Opening { pointer: "/arguments/a".into(), ..opening.clone() };
        assert!(!moved.opens(&digest, log, action(1)), "another pointer");
        let changed = Opening { value: "43".into(), ..opening };
        assert!(!changed.opens(&digest, log, action(1)), "another value");
    }

    /// Computed with Python's `hmac` and `hashlib`.
    #[test]
    fn salt_and_commitment_match_another_implementation() {
        let salt = salt(&SECRET, "/arguments/kontö");
        assert_eq!(crate::digest::encode_hex(&salt), SALT);
        let digest = commit(LogId::from_bytes([1; 16]), action(1), "/arguments/kontö", &salt, br#""x""#);
        assert_eq!(digest.to_hex(), COMMIT);
    }

    #[test]
    fn salts_made_together_are_those_made_alone() {
        let secrets: Vec<[u8; 32]> = (0..20_u8).map(|n| [n * 11; 32]).collect();
        // Past the block that the key, the tag and the pointer begin in.
        let pointers: Vec<_> = (0..20).map(|n| format!("/arguments/{}", "ö".repeat(n * 7))).collect();
        for count in [0, 1, 2, 3, 8, 20] {
            let wanted: Vec<_> =
                secrets.iter().zip(pointers.iter().map(String::as_str)).take(count).collect();
            let alone: Vec<_> = wanted.iter().map(|(secret, pointer)| salt(secret, pointer)).collect();
            assert_eq!(salts(&wanted), alone, "{count}");
        }
    }

    const SALT: &str = "2d75062a6d0a67fde5235f63691d453810167e4f087f5c8af351ceb52fc80c2a";
    const COMMIT: &str = "8d09c85b28634ab2e71498c69eeddec6db943ff62ab401c6d7049f595de56478";
}
