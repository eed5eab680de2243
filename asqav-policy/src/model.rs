//! A policy as both ways of writing it give it: checked, normalised, with its
//! digest. It decides nothing yet and needs no gate, so that a macro can read
//! a policy at compile time.

use asqav_receipt::digest::Sha256Digest;
use asqav_receipt::id::{PolicyId, RuleId};

use crate::error::{Fault, PolicyError, Problem};
use crate::example;
use crate::normal;
use crate::rule::Rule;

/// Rules in one policy at most.
pub const MAX_RULES: usize = 10_000;

/// A policy that was checked.
///
/// INVARIANT: rules are ordered by id and no id comes twice. The order in the
/// file has no meaning, so neither the digest nor a decision depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    id: PolicyId,
    rules: Vec<(RuleId, Rule)>,
    normalised: Box<[u8]>,
    digest: Sha256Digest,
}

impl Model {
    /// The policy `id` with these rules. A policy without rules denies every
    /// call.
    ///
    /// # Errors
    /// [`PolicyError`] for the first rule that is wrong.
    pub fn new(id: &str, rules: impl IntoIterator<Item = Rule>) -> Result<Self, PolicyError> {
        let id = PolicyId::parse(id).map_err(|error| Fault::from(Problem::Id(error)).without_file())?;
        Self::checked(id, rules).map_err(Fault::without_file)
    }

    pub(crate) fn checked(id: PolicyId, rules: impl IntoIterator<Item = Rule>) -> Result<Self, Fault> {
        let mut rules =
            rules.into_iter().map(|rule| Ok((rule.check()?, rule))).collect::<Result<Vec<_>, Fault>>()?;
        if rules.len() > MAX_RULES {
            return Err(Problem::TooMany { what: "rules", max: MAX_RULES }.into());
        }
        // Stable, so that of two rules with one id the later one is reported.
        rules.sort_by(|(one, _), (other, _)| one.cmp(other));
        if let Some([_, (_, second)]) = rules.array_windows().find(|[(one, _), (other, _)]| one == other) {
            let (at, rule) = (second.at, Some(second.name.clone()));
            return Err(Fault { at, rule, problem: Problem::DuplicateRule });
        }
        let normalised = normal::write(&id, &rules);
        let model = Self { id, rules, digest: Sha256Digest::of(&normalised), normalised: normalised.into() };
        example::check(&model)?;
        Ok(model)
    }

    /// The policy's id.
    #[must_use]
    pub const fn id(&self) -> &PolicyId {
        &self.id
    }

    /// The rules, ordered by id.
    pub fn rules(&self) -> impl ExactSizeIterator<Item = &Rule> {
        self.rules.iter().map(|(_, rule)| rule)
    }

    pub(crate) fn entries(&self) -> &[(RuleId, Rule)] {
        &self.rules
    }

    /// Canonical JSON (RFC 8785) of everything that the policy means: engine
    /// and version, time-zone data where used, every rule with its defaults
    /// filled in. Comments, layout and order of rules leave it unchanged.
    #[must_use]
    pub fn normalised(&self) -> &[u8] {
        &self.normalised
    }

    /// SHA-256 of [`normalised`](Self::normalised): the receipts'
    /// `policy_digest`.
    #[must_use]
    pub const fn digest(&self) -> Sha256Digest {
        self.digest
    }
}
