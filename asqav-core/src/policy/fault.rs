//! Why a policy cannot be used.

use std::io;

use asqav_receipt::digest::Sha256Digest;

use super::Policy;

/// Why a policy cannot be used. A gate that is opened with one of these
/// ([`GateBuilder::policy_or_deny`](crate::gate::GateBuilder::policy_or_deny))
/// denies every call for that reason; one that is reloaded with it keeps the
/// policy before. The text is for operators and stands in no receipt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyFault {
    /// There is none.
    #[error("the policy is missing: {0}")]
    Missing(String),
    /// It is there and cannot be read.
    #[error("the policy cannot be read: {0}")]
    Unreadable(String),
    /// It is no policy.
    #[error("the policy cannot be parsed: {0}")]
    Unparsable(String),
    /// It does not do what its own examples say.
    #[error("the policy's example fails: {0}")]
    Example(String),
    /// It is another one than was asked for.
    #[error("the policy has the digest {}, not {}", found.to_tagged(), wanted.to_tagged())]
    Digest {
        /// The digest asked for.
        wanted: Sha256Digest,
        /// That of the policy that is there.
        found: Sha256Digest,
    },
    /// It would allow a call that nobody has named, or it panicked.
    #[error("the policy's self-test failed: {0}")]
    SelfTest(String),
}

impl PolicyFault {
    /// The receipt's `reason`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Missing(_) => "policy_missing",
            Self::Unreadable(_) => "policy_unreadable",
            Self::Unparsable(_) => "policy_unparsable",
            Self::Example(_) => "policy_example_failed",
            Self::Digest { .. } => "policy_digest_differs",
            Self::SelfTest(_) => "policy_self_test_failed",
        }
    }

    /// The policy, if it is the one with the digest `wanted`.
    ///
    /// # Errors
    /// [`PolicyFault::Digest`].
    pub fn pinned<P: Policy>(policy: P, wanted: Sha256Digest) -> Result<P, Self> {
        match policy.digest() {
            found if found == wanted => Ok(policy),
            found => Err(Self::Digest { wanted, found }),
        }
    }
}

/// Of reading a policy's file.
impl From<io::Error> for PolicyFault {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::Missing(error.to_string()),
            _ => Self::Unreadable(error.to_string()),
        }
    }
}
