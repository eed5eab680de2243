//! Which gate serves a call: the one named for it, else its session's, else
//! the scope's, else the installed one, else none.

use std::sync::{PoisonError, RwLock};

use asqav_receipt::payload::Tier;

use super::Gate;
use crate::context::Ambient;
use crate::refused::Refused;
use crate::session::{Session, SessionHandle};

/// The process default.
static INSTALLED: RwLock<Option<Gate>> = RwLock::new(None);

impl Gate {
    /// Makes this the gate of calls that name none and run in no session and
    /// no scope, until the guard is dropped. A gate that was installed before
    /// serves again then.
    #[must_use = "the gate is installed until the guard is dropped"]
    pub fn install(&self) -> InstallGuard {
        let mut installed = INSTALLED.write().unwrap_or_else(PoisonError::into_inner);
        let before = installed.replace(self.clone());
        InstallGuard { gate: self.clone(), before }
    }

    /// The installed gate.
    #[must_use]
    pub fn installed() -> Option<Self> {
        INSTALLED.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Keeps a gate installed. Dropped, it takes the gate away again and blocks
/// until everything submitted to it is durable.
#[must_use = "the gate is installed until the guard is dropped"]
#[derive(Debug)]
pub struct InstallGuard {
    gate: Gate,
    before: Option<Gate>,
}

impl Drop for InstallGuard {
    fn drop(&mut self) {
        let mut installed = INSTALLED.write().unwrap_or_else(PoisonError::into_inner);
        // Guards may be dropped out of order: the newest installation stays.
        let taken = match &*installed {
            Some(gate) if gate.is(&self.gate) => std::mem::replace(&mut *installed, self.before.take()),
            _ => None,
        };
        drop(installed);
        drop(taken);
        if let Err(cause) = self.gate.flush().wait() {
            tracing::error!(target: "asqav::gate", %cause, "not everything was recorded");
        }
    }
}

/// Where a call comes in: which gate, session and tier were named for it.
#[derive(Clone, Default)]
#[must_use]
pub struct Door {
    gate: Option<Gate>,
    session: Option<SessionHandle>,
    tier: Option<Tier>,
}

impl Door {
    /// Nothing is named: session, scope and installation decide.
    pub fn new() -> Self {
        Self::default()
    }

    /// The call goes through `gate`.
    pub fn of(gate: &Gate) -> Self {
        Self::new().gate(gate)
    }

    /// The call goes through `gate`.
    pub fn gate(self, gate: &Gate) -> Self {
        Self { gate: Some(gate.clone()), ..self }
    }

    /// The call belongs to `session`.
    pub fn session(self, session: &Session) -> Self {
        Self { session: Some(session.handle().clone()), ..self }
    }

    /// The call's receipts claim `tier` instead of the gate's.
    /// [`Tier::Detectable`] means that nothing is decided and one post-hoc
    /// receipt is written.
    pub fn tier(self, tier: Tier) -> Self {
        Self { tier: Some(tier), ..self }
    }

    /// The gate, session and tier of a call that starts now.
    pub(super) fn open(&self) -> Result<Entry, Refused> {
        let ambient = Ambient::capture();
        let named = self.gate.clone().or_else(|| self.session.as_ref().map(|session| session.gate.clone()));
        let serving = named
            .or_else(|| ambient.session.as_ref().map(|session| session.gate.clone()))
            .or_else(|| ambient.gate.clone())
            .or_else(Gate::installed);
        let gate = serving.ok_or(Refused::NoGate)?;
        if self.session.as_ref().is_some_and(|session| !session.gate.is(&gate)) {
            return Err(Refused::ForeignSession);
        }
        let inherited = ambient.session.clone().filter(|session| session.gate.is(&gate));
        let session = self.session.clone().or(inherited);
        let tier = self.tier.unwrap_or(gate.identity().tier);
        Ok(Entry { gate, session, tier, ambient })
    }
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Door").field("gate", &self.gate).field("tier", &self.tier).finish_non_exhaustive()
    }
}

/// Who serves a call, and the context that it was made in.
pub(crate) struct Entry {
    pub(crate) gate: Gate,
    pub(crate) session: Option<SessionHandle>,
    pub(crate) tier: Tier,
    pub(crate) ambient: Ambient,
}
