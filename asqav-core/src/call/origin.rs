//! For whom a call is made, and on what.

use asqav_receipt::id::{ActorName, ResourceName, TenantId};

/// For whom a call is made, and on what: what a policy may ask for besides
/// the agent. The receipt's commitment to the policy's inputs covers it.
///
/// Who builds the call vouches for it; nothing here is proven.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Origin {
    /// The tenant.
    pub tenant: Option<TenantId>,
    /// On whose behalf the agent acts.
    pub actor: Option<(ActorKind, ActorName)>,
    /// What the call is about.
    pub resource: Option<ResourceName>,
}

/// Who an agent acts for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ActorKind {
    /// A person.
    User,
    /// A service account.
    Service,
    /// The system itself, e.g. a timer.
    System,
    /// A workload by its attested identity.
    Workload,
}

impl ActorKind {
    /// The word in a policy and in its inputs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Service => "service",
            Self::System => "system",
            Self::Workload => "workload",
        }
    }
}
