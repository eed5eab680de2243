//! The layer of a policy that checks delegation tokens.

mod compiled;
mod known;

use std::fmt;

use asqav_core::delegation::Presented;
use asqav_core::policy::{Decision, Policy, PolicyInput};
use asqav_receipt::canonical;
use asqav_receipt::delegation::{ChainFault, Revoked};
use asqav_receipt::digest::Sha256Digest;
use asqav_receipt::id::{IdError, PolicyId, ReasonCode};
use asqav_receipt::json::Json;
use asqav_receipt::keys::KeySet;

use crate::facts::Facts;
use crate::normal::object;
use known::Known;

/// Allows what all [chains](asqav_receipt::delegation) allow that apply to a
/// call, and knows nothing else: a layer to put beside the rules.
///
/// | reason | the call is denied because |
/// |---|---|
/// | `delegation_missing` | no chain applies to it |
/// | `delegation_argument` | a restriction of an argument does not hold |
/// | `delegation_restriction` | a token has a restriction that has no meaning |
/// | what [`ChainFault::code`] says | a chain does not hold, or not for it |
///
/// Signatures are checked once for each chain; time, delegate, tool and
/// arguments for each call.
///
/// ```
/// use std::sync::Arc;
/// use asqav_policy::{Delegations, Layers, Rule, RulePolicy};
/// use asqav_receipt::keys::KeySet;
///
/// # let issuers = KeySet::default();
/// let rules = RulePolicy::from_rules("rules", [Rule::allow("ledger").tools(["ledger:*"])])?;
/// let scopes = Delegations::new("scopes", issuers)?;
/// let policy = Layers::new("both", [Arc::new(scopes) as _, Arc::new(rules) as _])?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Delegations {
    id: PolicyId,
    issuers: KeySet,
    revoked: Revoked,
    required: bool,
    normalised: Vec<u8>,
    digest: Sha256Digest,
    known: Known,
}

impl Delegations {
    /// The layer `id`: every call needs a chain whose first token is by one of
    /// `issuers`.
    ///
    /// Each of these keys may delegate anything in its issuer's name. Do not
    /// give the set of all agents' keys.
    ///
    /// # Errors
    /// [`IdError`] when `id` is not valid.
    pub fn new(id: &str, issuers: KeySet) -> Result<Self, IdError> {
        let id = PolicyId::parse(id)?;
        let layer = Self {
            id,
            issuers,
            revoked: Revoked::default(),
            required: true,
            normalised: Vec::new(),
            digest: Sha256Digest::of(&[]),
            known: Known::default(),
        };
        Ok(layer.normalise())
    }

    /// Says nothing about calls to which no chain applies: the other layers
    /// decide them alone.
    #[must_use]
    pub fn optional(self) -> Self {
        Self { required: false, ..self }.normalise()
    }

    /// Takes back tokens and keys; another set needs another layer, which
    /// `Gate::replace_policy` brings into force.
    #[must_use]
    pub fn revoked(self, revoked: Revoked) -> Self {
        Self { revoked, known: Known::default(), ..self }.normalise()
    }

    /// Canonical JSON (RFC 8785) of the issuers' keys and of what is revoked:
    /// what the digest is of.
    #[must_use]
    pub fn normalised(&self) -> &[u8] {
        &self.normalised
    }

    fn normalise(mut self) -> Self {
        let Revoked { tokens, keys, .. } = &self.revoked;
        let policy = object([
            ("schema", Json::Integer(crate::FILE_VERSION)),
            ("engine", concat!(env!("CARGO_PKG_NAME"), "/delegations").into()),
            ("engine_version", env!("CARGO_PKG_VERSION").into()),
            ("id", self.id.as_str().into()),
            ("issuers", Sha256Digest::of(&self.issuers.to_json()).to_tagged().into()),
            ("required", self.required.into()),
            ("revoked_keys", Json::Array(keys.iter().map(|key| key.to_tagged().into()).collect())),
            ("revoked_tokens", Json::Array(tokens.iter().map(|token| token.to_tagged().into()).collect())),
        ]);
        self.normalised = canonical::to_vec(&object([("asqav_policy", policy)]));
        self.digest = Sha256Digest::of(&self.normalised);
        self
    }

    /// Whether this chain allows the call at a gate with the key `gate_key`.
    ///
    /// # Errors
    /// Why not: the reason's code.
    pub fn check(
        &self,
        presented: &Presented,
        gate_key: Option<&Sha256Digest>,
        facts: &Facts<'_>,
    ) -> Result<(), &'static str> {
        let chain = presented.chain().map_err(ChainFault::code)?;
        let conditions = self.known.get(chain, || {
            chain.verify(&self.issuers, &self.revoked).map_err(ChainFault::code)?;
            compiled::conditions(chain)
        })?;
        chain.applies(facts.agent, gate_key, facts.now).map_err(ChainFault::code)?;
        chain.covers_tool(facts.tool).map_err(ChainFault::code)?;
        match compiled::hold(&conditions, facts) {
            true => Ok(()),
            false => Err("delegation_argument"),
        }
    }
}

impl Policy for Delegations {
    fn id(&self) -> &PolicyId {
        &self.id
    }

    fn digest(&self) -> Sha256Digest {
        self.digest
    }

    fn decide(&self, input: &PolicyInput<'_>) -> Decision {
        if input.delegations.is_empty() && self.required {
            return Decision::deny(Vec::new(), code("delegation_missing"));
        }
        let facts = Facts::from(input);
        for presented in input.delegations {
            if let Err(why) = self.check(presented, input.gate_key, &facts) {
                return Decision::deny(Vec::new(), code(why));
            }
        }
        let mut decision = Decision::allow(Vec::new(), Vec::new());
        decision.delegation_checked = true;
        decision
    }

    /// A call without a chain is none of its business, unless one is required.
    fn allows_unknown_calls(&self) -> bool {
        !self.required
    }
}

#[expect(clippy::expect_used, reason = "the codes are constants, and a test reads each of them")]
fn code(text: &'static str) -> ReasonCode {
    ReasonCode::parse(text).expect("a constant code")
}

impl fmt::Debug for Delegations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delegations")
            .field("id", &self.id)
            .field("required", &self.required)
            .finish_non_exhaustive()
    }
}
