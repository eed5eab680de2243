//! Time from outside: what a time-stamp token (RFC 3161) or an OpenTimestamps
//! proof shows about a digest, how a time-stamp is asked for, and how it is
//! renewed before its algorithms age (RFC 4998).
//!
//! Trust comes from the caller: [`TsaKeys`] and [`BlockHeaders`]. Keys and
//! certificates inside a token prove nothing and are never used. Anything that
//! cannot be read for certain is *unchecked*, which is never proof.

mod algorithm;
mod block;
mod der;
mod encode;
mod evidence;
mod ots;
mod request;
mod sidecar;
mod token;
mod tsa;

pub use block::{BlockHeaders, BlockHeadersError};
pub use evidence::{Evidence, EvidenceError, MAX_EVIDENCE_LEN, Renewal};
pub use request::{ImprintHash, request};
pub use sidecar::{Anchor, AnchorFileError, MAX_ANCHORS_FILE_LEN};
pub use tsa::{TsaKeys, TsaKeysError};

pub(crate) use evidence::check as check_evidence;
pub(crate) use ots::check as check_ots;
pub(crate) use token::check as check_token;

use crate::time::Timestamp;

/// What an anchor shows.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The anchored bytes existed no later than this.
    Proven {
        /// The time that the authority vouches for, in favour of doubt.
        at: Timestamp,
        /// By whom.
        note: String,
    },
    /// It anchors something else, or was made by somebody else.
    Refuted(String),
    /// It could not be checked.
    Unchecked(String),
}
