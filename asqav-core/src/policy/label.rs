//! Labels of sessions: what the calls that were admitted in a session leave
//! for the decisions behind them, e.g. that a secret was read.

use std::cmp::Ordering;

use asqav_receipt::digest::Sha256Digest;
use asqav_receipt::id::{LabelName, PolicyId, RuleId};
use asqav_receipt::time::Timestamp;

/// A label: a name, and what it is bound to, if anything.
///
/// It belongs to the policy that raises it, so that no layer can raise what
/// another one looks for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Label {
    /// The policy's id.
    pub policy: PolicyId,
    /// The name.
    pub name: LabelName,
    /// SHA-256 of the canonical JSON of the values that it is bound to.
    pub of: Option<Sha256Digest>,
}

impl Label {
    /// The label `name` of `policy`, bound to `of`.
    #[must_use]
    pub const fn new(policy: PolicyId, name: LabelName, of: Option<Sha256Digest>) -> Self {
        Self { policy, name, of }
    }

    fn cmp_to(&self, (policy, name, of): (&str, &str, Option<&Sha256Digest>)) -> Ordering {
        let own = self.of.as_ref().map(Sha256Digest::as_bytes);
        let by_name = self.policy.as_str().cmp(policy).then_with(|| self.name.as_str().cmp(name));
        by_name.then_with(|| own.cmp(&of.map(Sha256Digest::as_bytes)))
    }
}

/// A label that a session carries.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Raised {
    /// The label.
    pub label: Label,
    /// When a call was last admitted that raised it.
    pub at: Timestamp,
}

impl Raised {
    /// `label`, last raised at `at`.
    #[must_use]
    pub const fn new(label: Label, at: Timestamp) -> Self {
        Self { label, at }
    }
}

/// A label that a call raises when it is admitted, and the rule that says so.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Raise {
    /// The label.
    pub label: Label,
    /// The rule.
    pub rule: RuleId,
}

impl Raise {
    /// `rule` raises `label`.
    #[must_use]
    pub const fn new(label: Label, rule: RuleId) -> Self {
        Self { label, rule }
    }
}

/// The labels of one session, as one decision sees them.
///
/// INVARIANT: ordered, no label twice, at most [`Labels::MAX`]. A label is
/// never dropped: what a session has seen, it has seen.
#[derive(Debug, Clone, Default)]
pub struct Labels(Vec<Raised>);

/// A session carries so many labels that it takes no other one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a session has at most {max} labels", max = Labels::MAX)]
#[non_exhaustive]
pub struct LabelsFull;

impl Labels {
    /// Labels of one session at most; a call that would raise one more is
    /// denied.
    pub const MAX: usize = 1_024;

    /// None.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// The label `name` of `policy` that is bound to `of`, if it was raised.
    #[must_use]
    pub fn get(&self, policy: &PolicyId, name: &str, of: Option<&Sha256Digest>) -> Option<&Raised> {
        self.0.get(self.find((policy.as_str(), name, of)).ok()?)
    }

    /// Raises `label` at `at`; one that is there counts as raised at the later
    /// time of the two.
    ///
    /// # Errors
    /// [`LabelsFull`]; nothing has changed.
    pub fn raise(&mut self, label: Label, at: Timestamp) -> Result<(), LabelsFull> {
        let key = (label.policy.as_str(), label.name.as_str(), label.of.as_ref());
        match self.find(key) {
            Ok(here) => {
                if let Some(known) = self.0.get_mut(here) {
                    known.at = known.at.max(at);
                }
            }
            Err(_) if self.0.len() >= Self::MAX => return Err(LabelsFull),
            Err(place) => self.0.insert(place, Raised { label, at }),
        }
        Ok(())
    }

    /// All of them, in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Raised> {
        self.0.iter()
    }

    fn find(&self, key: (&str, &str, Option<&Sha256Digest>)) -> Result<usize, usize> {
        self.0.binary_search_by(|raised| raised.label.cmp_to(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(policy: &str, name: &str, of: Option<&[u8]>) -> Label {
        let (policy, name) = (PolicyId::parse(policy).unwrap(), LabelName::parse(name).unwrap());
        Label::new(policy, name, of.map(Sha256Digest::of))
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_unix_micros(second * 1_000_000).unwrap()
    }

    #[test]
    fn each_policy_name_and_binding_is_a_label_of_its_own() {
        let mut labels = Labels::new();
        labels.raise(label("p", "secret", None), at(5)).unwrap();
        labels.raise(label("p", "paid", Some(b"x")), at(6)).unwrap();
        labels.raise(label("p", "secret", None), at(3)).unwrap();
        let found = |policy: &str, name: &str, of: Option<&[u8]>| {
            let of = of.map(Sha256Digest::of);
            labels.get(&PolicyId::parse(policy).unwrap(), name, of.as_ref()).map(|raised| raised.at)
        };
        assert_eq!(found("p", "secret", None), Some(at(5)), "the later time stays");
        assert_eq!(found("p", "paid", Some(b"x")), Some(at(6)));
        for absent in [("q", "secret", None), ("p", "paid", None), ("p", "paid", Some(&b"y"[..]))] {
            assert_eq!(found(absent.0, absent.1, absent.2), None, "{absent:?}");
        }
        assert_eq!(labels.iter().count(), 2);
    }

    #[test]
    fn a_full_session_takes_no_other_label_and_keeps_its_own() {
        let mut labels = Labels::new();
        for number in 0..Labels::MAX {
            labels.raise(label("p", "paid", Some(&number.to_le_bytes())), at(0)).unwrap();
        }
        assert_eq!(labels.raise(label("p", "secret", None), at(1)), Err(LabelsFull));
        labels.raise(label("p", "paid", Some(&7_usize.to_le_bytes())), at(1)).unwrap();
        assert_eq!(labels.iter().len(), Labels::MAX);
    }
}
