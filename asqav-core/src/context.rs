//! Which gate, session and call the running code belongs to.
//!
//! A thread-local that every wrapper of this crate swaps in while it polls its
//! future or runs its closure, and swaps out again: it belongs to no runtime,
//! and nothing leaks to another task. A spawned task starts with nothing;
//! [`carry`] takes the context along.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use asqav_receipt::id::{ActionId, SessionId};

use crate::delegation::Applying;
use crate::gate::Gate;
use crate::session::SessionHandle;

thread_local! {
    static AMBIENT: RefCell<Ambient> = RefCell::new(Ambient::default());
}

/// What a wrapper swaps in.
#[derive(Clone, Default)]
pub(crate) struct Ambient {
    /// The gate of the innermost [`scope`].
    pub(crate) gate: Option<Gate>,
    /// The innermost session.
    pub(crate) session: Option<SessionHandle>,
    /// The running call.
    pub(crate) call: Option<RunningCall>,
}

/// A call whose body is running.
#[derive(Clone)]
pub(crate) struct RunningCall {
    pub(crate) gate: Gate,
    pub(crate) ids: Current,
    /// The chains that apply to it, and to calls made in it.
    pub(crate) delegations: Applying,
}

/// The ids of the running call: what [`current`] gives.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Current {
    /// The decision receipt's id; in the detectable tier, that of the receipt
    /// that will be written.
    pub action_id: ActionId,
    /// The decision receipt's sequence number; `None` in the detectable tier.
    pub seq: Option<u64>,
    /// The session that the call belongs to.
    pub session_id: Option<SessionId>,
}

impl Current {
    pub(crate) const fn new(action_id: ActionId, seq: Option<u64>, session_id: Option<SessionId>) -> Self {
        Self { action_id, seq, session_id }
    }
}

/// The ids of the signed call that is running on this task; `None` outside.
#[must_use]
pub fn current() -> Option<Current> {
    Ambient::read(|ambient| ambient.call.as_ref().map(|call| call.ids.clone()))
}

impl Ambient {
    /// Looks at the running code's context; `look` must not run foreign code.
    pub(crate) fn read<R>(look: impl Fn(&Self) -> R) -> R {
        // On a thread that is ending, nothing runs in a context any more.
        AMBIENT.try_with(|ambient| look(&ambient.borrow())).unwrap_or_else(|_| look(&Self::default()))
    }

    /// A copy of the running code's context.
    pub(crate) fn capture() -> Self {
        Self::read(Self::clone)
    }

    /// Swaps this in until the guard is dropped, also by a panic.
    ///
    /// INVARIANT: guards are dropped in reverse order, because each lives
    /// within one poll or one closure.
    pub(crate) fn enter(&mut self) -> Entered<'_> {
        self.swap();
        Entered(self)
    }

    fn swap(&mut self) {
        // Fails only while the thread is ending.
        let swapped = AMBIENT.try_with(|ambient| ambient.replace(std::mem::take(self)));
        if let Ok(before) = swapped {
            *self = before;
        }
    }
}

/// While it lives, the context is swapped in.
pub(crate) struct Entered<'a>(&'a mut Ambient);

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.0.swap();
    }
}

pin_project! {
    /// A future that runs in a context: what [`scope`], [`carry`] and
    /// [`Session::scope`](crate::session::Session::scope) give.
    #[must_use = "futures do nothing unless polled"]
    pub struct Scoped<F> {
        #[pin]
        future: F,
        ambient: Ambient,
    }
}

impl<F> Scoped<F> {
    pub(crate) const fn new(ambient: Ambient, future: F) -> Self {
        Self { future, ambient }
    }
}

impl<F: Future> Future for Scoped<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _entered = this.ambient.enter();
        this.future.poll(context)
    }
}

impl<F> std::fmt::Debug for Scoped<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scoped")
    }
}

/// Runs `future` with `gate` serving the calls in it that name no other gate
/// and belong to no session.
pub fn scope<F: Future>(gate: Gate, future: F) -> Scoped<F> {
    Scoped::new(Ambient { gate: Some(gate), ..Ambient::capture() }, future)
}

/// Runs `body` with `gate` serving the calls in it, as [`scope`] does for a
/// future.
pub fn scope_sync<R>(gate: Gate, body: impl FnOnce() -> R) -> R {
    let mut ambient = Ambient { gate: Some(gate), ..Ambient::capture() };
    let _entered = ambient.enter();
    body()
}

/// Takes the gate, session and call of the running code along into `future`,
/// which is then handed to e.g. `tokio::spawn`.
///
/// ```
/// # async fn spawn<F>(future: F) { drop(future) }
/// # async fn example() {
/// spawn(asqav_core::context::carry(async { asqav_core::context::current() })).await;
/// # }
/// ```
pub fn carry<F: Future>(future: F) -> Scoped<F> {
    Scoped::new(Ambient::capture(), future)
}

/// Takes the gate, session and call of the running code along into `body`,
/// which is then handed to e.g. `std::thread::spawn` or `spawn_blocking`.
pub fn carry_sync<R>(body: impl FnOnce() -> R) -> impl FnOnce() -> R {
    let mut ambient = Ambient::capture();
    move || {
        let _entered = ambient.enter();
        body()
    }
}
