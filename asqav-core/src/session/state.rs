//! The receipts of one session, in order, and its end.
//!
//! INVARIANT: every receipt that carries the session's id is submitted under
//! the lock of its [`SessionState`], so that the tree has the order of the
//! log, and count and root in `session:close` are taken in one step with its
//! place in the log. Only outcomes come after it: a call may outlive the
//! session that it began in, and then belongs to no count.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use asqav_receipt::digest::Sha3Digest;
use asqav_receipt::id::{ActionId, SessionId};
use asqav_receipt::json::{Json, Object};
use asqav_receipt::merkle::{Frontier, Sha3Tree};
use asqav_receipt::open::OpenSession;
use asqav_receipt::payload::Context;

use super::SessionStatus;
use crate::delegation::Presented;
use crate::gate::{Fresh, Identity};
use crate::policy::Labels;
use crate::recorder::{Draft, Place, Submitted};
use crate::refused::{Closed, Refused};

/// One session's receipts so far.
pub(crate) struct SessionState {
    pub(crate) id: SessionId,
    /// The id of its `session:open` receipt.
    pub(crate) opened_by: ActionId,
    members: Mutex<Members>,
    registry: Weak<OpenSessions>,
    /// How many of its calls were denied.
    denials: AtomicU32,
    /// The chains that apply to its calls.
    delegations: Vec<Presented>,
    /// Shared with the session that this one was opened in: whoever reads a
    /// secret in an inner session has read it in the outer one.
    labels: SharedLabels,
}

/// The labels of a session and of all within it.
pub(crate) type SharedLabels = Arc<Mutex<Arc<Labels>>>;

struct Members {
    tree: Frontier<Sha3Tree>,
    closed: bool,
    /// Held for `session:close`; taken away when the gate shuts down, which
    /// then closes the session itself.
    place: Option<Place>,
}

impl SessionState {
    /// A session without receipts, listed in `registry` until it is closed.
    pub(crate) fn new(
        id: SessionId,
        opened_by: ActionId,
        place: Place,
        registry: &Arc<OpenSessions>,
        (delegations, labels): (Vec<Presented>, SharedLabels),
    ) -> Arc<Self> {
        let members = Members { tree: Frontier::new(), closed: false, place: Some(place) };
        let members = Mutex::new(members);
        let registered = Arc::downgrade(registry);
        let denials = AtomicU32::new(0);
        let session =
            Arc::new(Self { id, opened_by, members, registry: registered, denials, delegations, labels });
        registry.lock().insert(opened_by, Arc::clone(&session));
        session
    }

    /// A session that the last run left open; `None` if its item is not sound.
    pub(crate) fn left_open(open: &OpenSession) -> Option<Self> {
        let roots = open.frontier.iter().map(|root| *root.as_bytes()).collect();
        let tree = Frontier::from_parts(open.count, roots)?;
        let members = Members { tree, closed: false, place: None };
        let (id, opened_by) = (open.session_id.clone(), open.action_id);
        let (members, denials) = (Mutex::new(members), AtomicU32::new(0));
        // It is closed, and no call joins it any more.
        let (delegations, labels) = (Vec::new(), SharedLabels::default());
        Some(Self { id, opened_by, members, registry: Weak::new(), denials, delegations, labels })
    }

    /// The chains that apply to the session's calls.
    pub(crate) fn delegations(&self) -> &[Presented] {
        &self.delegations
    }

    /// The labels, for a session within this one.
    pub(crate) fn shared_labels(&self) -> SharedLabels {
        Arc::clone(&self.labels)
    }

    /// The labels as they stand.
    pub(crate) fn labels(&self) -> Arc<Labels> {
        Arc::clone(&self.held_labels())
    }

    /// The labels, which nobody else can change or see meanwhile.
    ///
    /// INVARIANT: a decision is submitted under this lock, and only if it was
    /// made on the labels as they then stand; what it raises is raised before
    /// the lock is given up. So of two calls, one sees what the other raised.
    pub(crate) fn held_labels(&self) -> MutexGuard<'_, Arc<Labels>> {
        self.labels.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many of the session's calls were denied.
    pub(crate) fn denials(&self) -> u32 {
        self.denials.load(Ordering::SeqCst)
    }

    /// Counts a denial; the count stays at its greatest value.
    pub(crate) fn count_denial(&self) {
        let counted = |denials: u32| Some(denials.saturating_add(1));
        // Never fails, because `counted` always gives a value.
        if self.denials.fetch_update(Ordering::SeqCst, Ordering::SeqCst, counted).is_err() {
            tracing::error!(target: "asqav::gate", "a denial was not counted");
        }
    }

    /// Submits a receipt that joins the session.
    ///
    /// # Errors
    /// [`Refused::SessionClosed`]; what [`Place::submit`] says.
    pub(crate) fn submit(&self, place: &Place, draft: Draft) -> Result<Submitted, Refused> {
        let mut members = self.lock();
        if members.closed {
            return Err(Refused::SessionClosed);
        }
        members.submit(place, draft)
    }

    /// Submits the outcome of a call that began in the session.
    ///
    /// # Errors
    /// What [`Place::submit`] says.
    pub(crate) fn submit_outcome(&self, place: &Place, draft: Draft) -> Result<Submitted, Refused> {
        self.lock().submit(place, draft)
    }

    /// Submits a post-hoc receipt; it stands outside the session if that was
    /// closed while the call was running.
    ///
    /// # Errors
    /// What [`Place::submit`] says.
    pub(crate) fn submit_observed(&self, place: &Place, mut draft: Draft) -> Result<Submitted, Refused> {
        let mut members = self.lock();
        if members.closed {
            draft.payload.session_id = None;
        }
        members.submit(place, draft)
    }

    /// Submits `session:close`, which `draft` is without count and root.
    ///
    /// # Errors
    /// [`Refused::SessionClosed`]; [`Refused::Closed`] when the gate is
    /// shutting down, which closes its sessions as aborted.
    pub(crate) fn close(&self, draft: Draft) -> Result<Submitted, Refused> {
        let mut members = self.lock();
        if members.closed {
            return Err(Refused::SessionClosed);
        }
        let place = members.place.take().ok_or(Refused::Closed { cause: Closed::Shutdown })?;
        members.closed = true;
        let submitted = place.submit(members.finish(draft));
        drop(members);
        self.unregister();
        submitted
    }

    /// `session:close` of a session that is still open, when nothing else
    /// submits: for recovery and for the end of the log.
    pub(crate) fn final_draft(&self, aborted: Draft) -> Option<Draft> {
        let mut members = self.lock();
        let still_open = !std::mem::replace(&mut members.closed, true);
        still_open.then(|| members.finish(aborted))
    }

    /// Takes a recovered outcome's canonical payload into the tree.
    pub(crate) fn push(&self, canonical: &[u8]) {
        self.lock().tree.push(canonical);
    }

    /// Takes back a session whose `session:open` was not submitted.
    pub(crate) fn forget(&self) {
        self.lock().closed = true;
        self.release_place();
        self.unregister();
    }

    /// Gives up the place, because the gate is shutting down.
    pub(crate) fn release_place(&self) {
        let place = self.lock().place.take();
        drop(place);
    }

    /// `session:close` without count and root.
    pub(crate) fn close_draft(&self, identity: &Identity, fresh: &Fresh, status: SessionStatus) -> Draft {
        let mut body = Object::new();
        body.set("status", status.as_str());
        let mut draft = identity.event(fresh, "session:close", body);
        draft.payload.session_id = Some(self.id.clone());
        draft
    }

    fn unregister(&self) {
        if let Some(registry) = self.registry.upgrade() {
            registry.lock().remove(&self.opened_by);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Members> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Members {
    fn submit(&mut self, place: &Place, draft: Draft) -> Result<Submitted, Refused> {
        let submitted = place.submit(draft)?;
        if !self.closed {
            self.tree.push(&submitted.canonical);
        }
        Ok(submitted)
    }

    /// Adds how many receipts the session has, and the root over them.
    fn finish(&self, mut draft: Draft) -> Draft {
        if let Context::Event { body, .. } = &mut draft.payload.context {
            body.set("count", Json::count(self.tree.size()));
            body.set("root", Sha3Digest::from_bytes(self.tree.root()).to_hex());
        }
        draft
    }
}

/// The sessions of a gate that are not closed, by the id of `session:open`.
#[derive(Default)]
pub(crate) struct OpenSessions(Mutex<HashMap<ActionId, Arc<SessionState>>>);

impl OpenSessions {
    /// In the order in which they were opened.
    pub(crate) fn all(&self) -> Vec<Arc<SessionState>> {
        let mut sessions: Vec<_> = self.lock().values().cloned().collect();
        sessions.sort_unstable_by_key(|session| session.opened_by);
        sessions
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ActionId, Arc<SessionState>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
