//! Delegation tokens that calls and sessions come with.
//!
//! A [chain](asqav_receipt::delegation) of tokens narrows what the policy
//! allows; it never allows anything by itself. It comes with a call
//! ([`ToolCallBuilder::delegation`](crate::call::ToolCallBuilder::delegation),
//! the extensions of an HTTP request) or with a session
//! ([`SessionBuilder::delegation`](crate::session::SessionBuilder::delegation)).
//! A call is judged by its own chains, those of its session, of the sessions
//! that one was opened in, and of the running call that it is made in at the
//! same gate.
//!
//! The policy checks them: `asqav_policy::Delegations` is the layer that does.
//! A call that comes with a chain which no layer has checked is denied:
//!
//! | reason | the call is denied because |
//! |---|---|
//! | `delegation_unchecked` | the policy in force does not look at chains |
//! | `delegation_too_many` | more than [`MAX_PRESENTED`] chains apply to it |
//! | `delegation_expired` | a chain expired while the decision became durable |
//!
//! The layer has further reasons of its own.

mod terms;

use std::sync::Arc;

use asqav_receipt::delegation::{Chain, ChainFault};
use asqav_receipt::digest::Sha3Digest;
use asqav_receipt::time::Timestamp;

use crate::call::ToolCall;
use crate::gate::Entry;

pub use terms::{IssueError, Terms};

/// More chains than these never apply to one call.
pub const MAX_PRESENTED: usize = 8;

/// A chain of tokens as it was presented; nothing about it is checked but
/// whether it can be read. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presented(Arc<Result<Chain, ChainFault>>);

impl Presented {
    /// The lines of a chain, e.g. of the file that `asqav scope new` wrote.
    ///
    /// Never fails: a call that comes with what is no chain is denied, and the
    /// denial has its receipt.
    #[must_use]
    pub fn read(lines: &[u8]) -> Self {
        Self(Arc::new(Chain::parse(lines)))
    }

    /// The chain.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub fn chain(&self) -> Result<&Chain, ChainFault> {
        self.0.as_ref().as_ref().map_err(|fault| *fault)
    }
}

impl From<Chain> for Presented {
    fn from(chain: Chain) -> Self {
        Self(Arc::new(Ok(chain)))
    }
}

/// The chains that apply to a call, each once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Applying(Vec<Presented>);

impl Applying {
    /// Those of `call`, made where `entry` says.
    pub(crate) fn to(entry: &Entry, call: &ToolCall) -> Self {
        let session = entry.session.iter().flat_map(|session| session.state.delegations().iter());
        let outer = entry.ambient.call.iter().filter(|call| call.gate.is(&entry.gate));
        let outer = outer.flat_map(|call| call.delegations.0.iter());
        let mut all: Vec<Presented> = Vec::new();
        for presented in call.delegations.iter().chain(session).chain(outer) {
            if !all.contains(presented) {
                all.push(presented.clone());
            }
        }
        Self(all)
    }

    pub(crate) fn as_slice(&self) -> &[Presented] {
        &self.0
    }

    /// The digests of the tokens, chain by chain; of what is no chain nothing.
    pub(crate) fn digests(&self) -> impl Iterator<Item = &[Sha3Digest]> {
        self.0.iter().map(|presented| presented.chain().map_or(&[][..], Chain::digests))
    }

    /// When the first of them expires.
    pub(crate) fn until(&self) -> Option<Timestamp> {
        self.0.iter().filter_map(|presented| presented.chain().ok()).map(Chain::expires_at).min()
    }
}

/// SHA3-256 over the digests of the chains' tokens, 32 bytes each: of one chain
/// [`Chain::digest`].
pub(crate) fn digest_of<'d>(chains: impl Iterator<Item = &'d [Sha3Digest]>) -> Sha3Digest {
    let digests: Vec<&[u8]> = chains.flatten().map(|digest| digest.as_bytes().as_slice()).collect();
    Sha3Digest::of_parts(&digests)
}
