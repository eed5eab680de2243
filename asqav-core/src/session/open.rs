//! Opening a session.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use asqav_receipt::delegation::Chain;
use asqav_receipt::id::{ActionId, SessionId};
use asqav_receipt::json::Object;

use super::{Session, SessionHandle, SessionState, SharedLabels};
use crate::call::safe_label;
use crate::completion::Acknowledged;
use crate::delegation::{Presented, digest_of};
use crate::gate::{Fresh, Gate};
use crate::refused::{Closed, Refused};

/// A name of a session has at most this many bytes; a longer one is shown in
/// a short form.
const MAX_NAME_LEN: usize = 64;

/// A session about to be opened; see [`Gate::session`].
#[derive(Debug)]
#[must_use = "nothing happens until `open` is called"]
pub struct SessionBuilder {
    gate: Gate,
    name: String,
    parent: Option<ActionId>,
    delegations: Vec<Presented>,
    labels: SharedLabels,
}

impl SessionBuilder {
    pub(crate) fn new(gate: Gate, name: &str) -> Self {
        let usable = !name.is_empty() && name.len() <= MAX_NAME_LEN && !name.contains(char::is_control);
        let name = if usable { name.to_owned() } else { safe_label(name) };
        let (delegations, labels) = (Vec::new(), SharedLabels::default());
        Self { gate, name, parent: None, delegations, labels }
    }

    /// Within the session `parent`, whose chains apply to this one's calls too,
    /// and whose labels are its own.
    pub(super) fn within(self, parent: &SessionState) -> Self {
        let delegations = parent.delegations().to_vec();
        Self { parent: Some(parent.opened_by), delegations, labels: parent.shared_labels(), ..self }
    }

    /// A chain of delegation tokens: all calls that join the session have to be
    /// allowed by it. Several calls of this method add up.
    pub fn delegation(mut self, presented: impl Into<Presented>) -> Self {
        self.delegations.push(presented.into());
        self
    }

    /// Opens the session: resolves when `session:open` counts as recorded under
    /// the gate's durability.
    pub fn open(self) -> OpenSession {
        OpenSession(Stage::New(self))
    }

    fn begin(&self) -> Result<(Session, Acknowledged), Refused> {
        let Self { gate, name, parent, delegations, labels } = self;
        let identity = gate.identity();
        let place = gate.recorder().reserve()?;
        let fresh = Fresh::draw(&*identity.clock)?;
        let id = session_id(fresh.action_id);
        let mut body = Object::new();
        body.set("name", name.as_str());
        if !delegations.is_empty() {
            let chains =
                delegations.iter().map(|presented| presented.chain().map_or(&[][..], Chain::digests));
            body.set("delegations", digest_of(chains).to_tagged());
        }
        let mut draft = identity.event(&fresh, "session:open", body);
        draft.payload.asqav.parents.extend(*parent);
        draft.payload.session_id = Some(id.clone());
        // `session:open` has a place of its own; the other one is for the close.
        let opening = gate.recorder().reserve()?;
        let inherited = (delegations.clone(), Arc::clone(labels));
        let state = SessionState::new(id, fresh.action_id, place, gate.sessions(), inherited);
        // A shutdown that has looked for open sessions already would not see it.
        let submitted = match gate.recorder().closed() {
            Some(cause) => Err(Refused::Closed { cause }),
            None => state.submit(&opening, draft),
        };
        match submitted {
            Ok(submitted) => {
                let session = Session::new(SessionHandle { gate: gate.clone(), state });
                Ok((session, Acknowledged::new(Ok(submitted.done))))
            }
            Err(refused) => {
                state.forget();
                Err(refused)
            }
        }
    }
}

/// The session's id: the UUIDv7 of its `session:open` receipt, behind `ses_`.
fn session_id(opened_by: ActionId) -> SessionId {
    let text = opened_by.to_string().replacen("act_", "ses_", 1);
    #[expect(clippy::expect_used, reason = "40 ASCII characters are a session id")]
    SessionId::parse(text).expect("a session id")
}

/// Resolves to the session once `session:open` counts as recorded. Dropped
/// before, an opened session is recorded as aborted; never polled, nothing is
/// recorded.
#[must_use = "futures do nothing unless polled"]
#[derive(Debug)]
pub struct OpenSession(Stage);

#[derive(Debug)]
enum Stage {
    New(SessionBuilder),
    Opening(Acknowledged, Option<Session>),
    Refused(Refused),
}

impl OpenSession {
    /// Blocks the calling thread until `session:open` counts as recorded.
    ///
    /// # Errors
    /// [`Refused::Overloaded`], [`Refused::Closed`], [`Refused::NoRandomness`].
    pub fn wait(self) -> Result<Session, Refused> {
        match self.0.started() {
            Stage::Opening(acknowledged, session) => opened(acknowledged.wait(), session),
            Stage::Refused(refused) => Err(refused),
            Stage::New(_) => Err(Refused::SessionClosed),
        }
    }
}

impl Stage {
    fn started(self) -> Self {
        match self {
            Self::New(builder) => match builder.begin() {
                Ok((session, acknowledged)) => Self::Opening(acknowledged, Some(session)),
                Err(refused) => Self::Refused(refused),
            },
            started => started,
        }
    }
}

fn opened(acknowledged: Result<(), Closed>, session: Option<Session>) -> Result<Session, Refused> {
    match acknowledged {
        Ok(()) => session.ok_or(Refused::SessionClosed),
        Err(cause) => Err(Refused::Closed { cause }),
    }
}

impl Future for OpenSession {
    type Output = Result<Session, Refused>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let stage = std::mem::replace(&mut self.0, Stage::Refused(Refused::SessionClosed));
        self.0 = stage.started();
        match &mut self.0 {
            Stage::Opening(acknowledged, session) => {
                let acknowledged = ready!(Pin::new(acknowledged).poll(context));
                Poll::Ready(opened(acknowledged, session.take()))
            }
            Stage::Refused(refused) => Poll::Ready(Err(refused.clone())),
            Stage::New(_) => Poll::Pending,
        }
    }
}
