//! Policies one above the other: every layer must allow.

use std::fmt;
use std::sync::Arc;

use asqav_core::call::JsonText;
use asqav_core::policy::{Decision, Effect, Policy, PolicyInput, Review};
use asqav_receipt::canonical;
use asqav_receipt::digest::Sha256Digest;
use asqav_receipt::id::PolicyId;
use asqav_receipt::json::Json;

use crate::normal::object;

/// Layers in one policy at most.
pub const MAX_LAYERS: usize = 16;

/// Policies that must all allow a call, e.g. the organisation's, the team's
/// and the session's: a layer narrows those above it and never widens them.
///
/// The first layer that denies decides; a layer that wants an approval is
/// heard when none denies; the call is charged to the limits of every layer,
/// and raises the labels of each, which only that layer's rules see.
///
/// ```
/// use std::sync::Arc;
/// use asqav_policy::{Layers, Rule, RulePolicy};
///
/// let organisation = RulePolicy::from_rules("org", [Rule::allow("ledger").tools(["ledger:*"])])?;
/// let session = RulePolicy::from_rules("session", [Rule::allow("read").tools(["ledger:query_*"])])?;
/// let policy = Layers::new("both", [Arc::new(organisation) as _, Arc::new(session) as _])?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Layers {
    id: PolicyId,
    normalised: Box<[u8]>,
    digest: Sha256Digest,
    layers: Vec<Arc<dyn Policy>>,
}

/// Why layers were refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LayersError {
    /// There is none.
    #[error("a policy of layers needs a layer")]
    Empty,
    /// There are more than [`MAX_LAYERS`].
    #[error("{0} layers, at most {MAX_LAYERS} are allowed")]
    TooMany(usize),
    /// Two have one id; counters and receipts could not tell them apart.
    #[error("two layers have the id `{0}`")]
    Duplicate(PolicyId),
    /// The id of the whole is not valid.
    #[error(transparent)]
    Id(#[from] asqav_receipt::id::IdError),
}

impl Layers {
    /// The policy `id` made of these layers, the first asked first.
    ///
    /// # Errors
    /// [`LayersError`] when there are none or too many, when two have one id,
    /// or when `id` is not valid.
    pub fn new(id: &str, layers: impl IntoIterator<Item = Arc<dyn Policy>>) -> Result<Self, LayersError> {
        let id = PolicyId::parse(id)?;
        let layers: Vec<_> = layers.into_iter().collect();
        if layers.is_empty() {
            return Err(LayersError::Empty);
        }
        if layers.len() > MAX_LAYERS {
            return Err(LayersError::TooMany(layers.len()));
        }
        let mut ids: Vec<_> = layers.iter().map(|layer| layer.id()).collect();
        ids.sort_unstable();
        if let Some([twice, _]) = ids.array_windows().find(|[one, other]| one == other) {
            return Err(LayersError::Duplicate((*twice).clone()));
        }
        let normalised = normalise(&id, &layers);
        Ok(Self { id, digest: Sha256Digest::of(&normalised), normalised: normalised.into(), layers })
    }

    /// Canonical JSON (RFC 8785) of the layers' ids and digests in their
    /// order: what the digest is of.
    #[must_use]
    pub fn normalised(&self) -> &[u8] {
        &self.normalised
    }
}

/// Covers the digest of every layer, and their order.
fn normalise(id: &PolicyId, layers: &[Arc<dyn Policy>]) -> Vec<u8> {
    let layers = layers.iter().map(|layer| {
        object([("id", layer.id().as_str().into()), ("policy_digest", layer.digest().to_tagged().into())])
    });
    let policy = object([
        ("schema", Json::Integer(crate::FILE_VERSION)),
        ("engine", concat!(env!("CARGO_PKG_NAME"), "/layers").into()),
        ("engine_version", env!("CARGO_PKG_VERSION").into()),
        ("id", id.as_str().into()),
        ("layers", Json::Array(layers.collect())),
    ]);
    canonical::to_vec(&object([("asqav_policy", policy)]))
}

impl Policy for Layers {
    fn id(&self) -> &PolicyId {
        &self.id
    }

    fn digest(&self) -> Sha256Digest {
        self.digest
    }

    fn decide(&self, input: &PolicyInput<'_>) -> Decision {
        let mut joint: Option<Decision> = None;
        for layer in &self.layers {
            let decision = layer.decide(input);
            match &decision.effect {
                Effect::Allow | Effect::NeedsApproval { .. } => {}
                // A kind of effect that is not known here restricts too.
                _ => return decision,
            }
            joint = Some(match joint {
                Some(above) => both(above, decision),
                None => decision,
            });
        }
        // INVARIANT: there is a layer, so there is a decision.
        joint.unwrap_or_else(|| Decision::deny(Vec::new(), crate::policy::code(crate::Reason::NoRule)))
    }

    /// The first layer that withholds decides.
    fn review(&self, input: &PolicyInput<'_>, result: Option<&JsonText>) -> Review {
        let mut shadow = Vec::new();
        for layer in &self.layers {
            let mut review = layer.review(input, result);
            shadow.append(&mut review.shadow);
            if review.withheld.is_some() {
                review.shadow = shadow;
                return review;
            }
        }
        let mut passed = Review::passed();
        passed.shadow = shadow;
        passed
    }

    /// A call that one layer does not know is refused by it.
    fn allows_unknown_calls(&self) -> bool {
        self.layers.iter().all(|layer| layer.allows_unknown_calls())
    }
}

/// Of two decisions that do not deny, the one that restricts more leads; both
/// are charged.
fn both(above: Decision, below: Decision) -> Decision {
    let below_leads = above.effect == Effect::Allow && below.effect != Effect::Allow;
    let (mut leading, other) = if below_leads { (below, above) } else { (above, below) };
    leading.rules.extend(other.rules);
    leading.charges.extend(other.charges);
    leading.shadow.extend(other.shadow);
    leading.obligations.extend(other.obligations);
    leading.reviewed |= other.reviewed;
    leading.delegation_checked |= other.delegation_checked;
    leading.raises.extend(other.raises);
    leading.found = match (leading.found, other.found) {
        (Some(mut found), Some(others)) => {
            found.extend(others);
            Some(found)
        }
        (found, others) => found.or(others),
    };
    leading
}

impl fmt::Debug for Layers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let layers: Vec<_> = self.layers.iter().map(|layer| layer.id().as_str()).collect();
        f.debug_struct("Layers").field("id", &self.id).field("layers", &layers).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
