//! Policies that were checked while the program was compiled.

use asqav_core::policy::PolicyFault;
use asqav_policy::{Format, Model, RulePolicy};
use asqav_receipt::digest::Sha256Digest;

/// A policy file in the program, checked while that was compiled:
/// [`include_policy!`](crate::include_policy).
#[derive(Debug, Clone, Copy)]
pub struct IncludedPolicy {
    text: &'static [u8],
    format: Format,
    digest: Sha256Digest,
}

impl IncludedPolicy {
    pub(crate) const fn new(text: &'static [u8], format: Format, digest: Sha256Digest) -> Self {
        Self { text, format, digest }
    }

    /// The receipts' `policy_digest`, a constant.
    #[must_use]
    pub const fn digest(&self) -> Sha256Digest {
        self.digest
    }

    /// The file's content.
    #[must_use]
    pub const fn text(&self) -> &'static [u8] {
        self.text
    }

    /// The policy for a gate.
    ///
    /// # Errors
    /// [`PolicyFault`], which
    /// [`policy_or_deny`](crate::GateBuilder::policy_or_deny) takes, when the
    /// program reads the file otherwise than its compilation did.
    pub fn policy(&self) -> Result<RulePolicy, PolicyFault> {
        let policy = RulePolicy::new(Model::read(self.text, self.format)?);
        PolicyFault::pinned(policy, self.digest)
    }
}

/// A policy file, checked while the program is compiled.
///
/// ```ignore
/// const POLICY: IncludedPolicy = include_policy!(
///     "policy.toml",
///     tools = [query_account, ledger::post_transaction],
/// );
/// ```
///
/// The file is sought beside the source file, as `include_str!` does. Whatever
/// [`Model::read`](crate::policy::Model::read) finds wrong with it is a compile
/// error that begins with file, line and column; so is a tool that the file
/// names and the list does not, and an argument that none of the listed tools
/// has which the rule is about (none of all listed tools, if it is about none).
/// Patterns with stars are about the listed tools that they match. Examples are
/// run, but their tools and arguments may be any. A change of the file has the
/// program compiled again.
///
/// Tools are functions with [`#[signed]`](crate::signed), each named by the
/// path at which it is defined: a `use` of a function does not bring its
/// descriptor along. Of methods those can be listed that say
/// `#[signed(descriptor = true)]`, as `Ledger::post`; methods of traits cannot,
/// since a constant beside them would have to be in the trait.
///
/// Custom detectors are not known while compiling.
#[macro_export]
macro_rules! include_policy {
    ($($input:tt)*) => {
        $crate::__private::include_policy!($crate, $($input)*)
    };
}
