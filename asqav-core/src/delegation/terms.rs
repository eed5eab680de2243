//! Issuing tokens.

use asqav_receipt::delegation::{
    Chain, ChainFault, Delegate, Delegation, DelegationError, Restriction, SignedDelegation,
};
use asqav_receipt::digest::Sha3Digest;
use asqav_receipt::glob::Glob;
use asqav_receipt::id::{IssuerId, Nonce};
use asqav_receipt::suite;
use asqav_receipt::time::Timestamp;

use crate::sign::{SignError, Signer};

/// What a token is to say.
///
/// ```
/// use asqav_core::delegation::Terms;
/// use asqav_core::key::SigningKey;
/// use asqav_receipt::delegation::Delegate;
/// use asqav_receipt::glob::Glob;
/// use asqav_receipt::id::{AgentId, IssuerId};
/// use asqav_receipt::time::Timestamp;
///
/// let issuer = SigningKey::generate()?;
/// let terms = Terms {
///     delegate: Delegate { agent: AgentId::parse("agent:finance")?, key: None },
///     tools: vec![Glob::parse("ledger:query_*")?],
///     when: Vec::new(),
///     not_before: Timestamp::parse_rfc3339("2026-06-01T08:00:00Z")?,
///     expires_at: Timestamp::parse_rfc3339("2026-06-01T18:00:00Z")?,
///     depth: 0,
/// };
/// let chain = terms.issue(&IssuerId::parse("Example Ltd")?, &issuer)?;
/// assert_eq!(chain.tokens().len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "an issuer must not forget a member")]
pub struct Terms {
    /// Who may do it. With a key: at the gate that has it; whoever may delegate
    /// further is known by key.
    pub delegate: Delegate,
    /// The tools, by pattern.
    pub tools: Vec<Glob>,
    /// What the arguments have to be.
    pub when: Vec<Restriction>,
    /// Not before this time.
    pub not_before: Timestamp,
    /// Not at this time any more, nor after it.
    pub expires_at: Timestamp,
    /// How many tokens may follow, 0 to 7.
    pub depth: u8,
}

/// Why no token was issued.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IssueError {
    /// Nothing was signed.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// Nobody would accept it.
    #[error(transparent)]
    Chain(#[from] ChainFault),
    /// A member is out of its bounds.
    #[error(transparent)]
    Terms(#[from] DelegationError),
}

impl Terms {
    /// The first token of a chain, in the name of `issuer`.
    ///
    /// # Errors
    /// [`IssueError`] when nobody would accept it, or nothing was signed.
    pub fn issue(self, issuer: &IssuerId, signer: &dyn Signer) -> Result<Chain, IssueError> {
        Ok(Chain::of(self.signed(issuer.clone(), None, signer)?))
    }

    /// `chain` with a token more, by the delegate of its last one.
    ///
    /// # Errors
    /// [`IssueError`]; [`ChainFault::Widens`], [`ChainFault::TooDeep`] when it
    /// is not narrower, [`ChainFault::Broken`] when `signer` has another key
    /// than the delegate.
    pub fn delegate(self, chain: &Chain, signer: &dyn Signer) -> Result<Chain, IssueError> {
        let last = chain.tokens().last().ok_or(ChainFault::Malformed)?;
        let agent = last.delegation.delegate.agent.as_str();
        let issuer = IssuerId::parse(agent).map_err(|_| ChainFault::Malformed)?;
        let next = self.signed(issuer, Some(last.digest()), signer)?;
        Ok(chain.followed_by(next)?)
    }

    fn signed(
        self,
        issuer: IssuerId,
        parent: Option<Sha3Digest>,
        signer: &dyn Signer,
    ) -> Result<SignedDelegation, IssueError> {
        let Self { delegate, tools, when, not_before, expires_at, depth } = self;
        let suite = suite::by_name(signer.algorithm())
            .ok_or_else(|| SignError::Backend(format!("`{}` is no suite", signer.algorithm())))?;
        let mut id = [0; 12];
        getrandom::fill(&mut id).map_err(|error| SignError::Randomness(error.to_string()))?;
        let delegation = Delegation {
            id: Nonce::from_bytes(id),
            issuer,
            suite: suite.name,
            key_thumbprint: *signer.thumbprint(),
            public_key: parent.map(|_| signer.public_key().to_vec()),
            delegate,
            tools,
            when,
            not_before,
            expires_at,
            depth,
            parent,
        };
        delegation.check()?;
        let sig = signer.sign(&delegation.signing_bytes())?;
        Ok(SignedDelegation { delegation, sig })
    }
}
