//! What a policy says about a result.

use asqav_receipt::id::{ReasonCode, RuleId};

/// What a policy says about the result of a call that it let through.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Review {
    /// Why the result must not go on, a stable code without user data; `None`
    /// when it may.
    pub withheld: Option<ReasonCode>,
    /// The rules that led to it, most decisive first. The outcome receipt names
    /// the first four.
    pub rules: Vec<RuleId>,
    /// Rules in shadow that would have withheld the result.
    pub shadow: Vec<RuleId>,
}

impl Review {
    /// The result may go on.
    #[must_use]
    pub const fn passed() -> Self {
        Self { withheld: None, rules: Vec::new(), shadow: Vec::new() }
    }

    /// The result must not go on, by these rules.
    #[must_use]
    pub const fn withheld(rules: Vec<RuleId>, reason: ReasonCode) -> Self {
        Self { withheld: Some(reason), rules, shadow: Vec::new() }
    }
}
