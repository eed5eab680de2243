//! What an asqav receipt *is* and whether it is *true*.
//!
//! An auditor needs this crate and nothing else of asqav: the strict JSON
//! reader, canonical JSON, digests, receipt types, key sets, Merkle trees,
//! segment headers, and verification with verdicts. It does no I/O, reads no
//! clock, draws no randomness and holds no global state: time, keys and bytes
//! are inputs.
//!
//! The feature `anchors` adds time-stamp tokens and OpenTimestamps proofs, and
//! with them the crates for certificates, RSA and ECDSA; `foreign-formats` adds
//! receipts of the parent draft.

#[cfg(feature = "anchors")]
pub mod anchor;
pub mod base64url;
pub mod batch;
pub mod canonical;
pub mod checkpoint;
pub mod commitment;
pub mod delegation;
pub mod deletion;
pub mod digest;
pub mod disclosure;
pub mod dsse;
pub mod erasure;
pub mod glob;
pub mod header;
pub mod hold;
pub mod id;
pub mod json;
pub mod keys;
pub mod merkle;
pub mod open;
pub mod payload;
pub mod proof;
pub mod receipt;
pub mod seq_set;
pub mod statement;
pub mod suite;
#[cfg(test)]
mod testing;
pub mod time;
pub mod time_mark;
pub mod verify;
