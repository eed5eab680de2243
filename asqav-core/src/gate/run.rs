//! Runs a body between its decision and its outcome.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use asqav_receipt::id::ActionId;
use pin_project_lite::pin_project;
use serde::Serialize;

use super::admit::Admit;
use super::install::Door;
use crate::call::{Capture, ToolCall};
use crate::completion::Acknowledged;
use crate::permit::timer::Alarm;
use crate::permit::{Ending, Permit};
use crate::refused::Refused;

/// What [`Gate::run`](super::Gate::run) gives.
pub type RunResult<F, B, T, E> =
    Run<Closures<B, fn(&Result<T, E>) -> Ending, fn(Refused) -> Result<T, E>, F>, F>;

/// What is done between a call's decision and its outcome. Each method is
/// called at most once; `None` of a second call.
pub trait Body {
    /// The body itself.
    type Future: Future;

    /// Starts the body; the call is admitted.
    fn start(&mut self) -> Option<Self::Future>;

    /// What the body's output means.
    fn ending(&mut self, output: &<Self::Future as Future>::Output) -> Option<Ending>;

    /// The output of a call that was not run, that ran out of time, or whose
    /// own output is withheld.
    fn refuse(&mut self, refused: Refused) -> Option<<Self::Future as Future>::Output>;
}

/// A [`Body`] of closures.
pub struct Closures<B, D, R, F> {
    body: Option<B>,
    describe: Option<D>,
    refuse: Option<R>,
    future: PhantomData<fn() -> F>,
}

impl<B, D, R, F> Body for Closures<B, D, R, F>
where
    F: Future,
    B: FnOnce() -> F,
    D: FnOnce(&F::Output) -> Ending,
    R: FnOnce(Refused) -> F::Output,
{
    type Future = F;

    fn start(&mut self) -> Option<F> {
        self.body.take().map(|body| body())
    }

    fn ending(&mut self, output: &F::Output) -> Option<Ending> {
        self.describe.take().map(|describe| describe(output))
    }

    fn refuse(&mut self, refused: Refused) -> Option<F::Output> {
        self.refuse.take().map(|refuse| refuse(refused))
    }
}

/// Runs `body` if `call` is admitted through `door`, and records how it ended.
///
/// `describe` says what the body's output means; `refuse` makes the output of
/// a call that was not run, that ran out of time, or whose own output is
/// withheld. The body's future is created and polled after admission only.
pub fn run_with<F, B, D, R>(
    door: Door,
    call: ToolCall,
    body: B,
    describe: D,
    refuse: R,
) -> Run<Closures<B, D, R, F>, F>
where
    F: Future,
    B: FnOnce() -> F,
    D: FnOnce(&F::Output) -> Ending,
    R: FnOnce(Refused) -> F::Output,
{
    let body =
        Closures { body: Some(body), describe: Some(describe), refuse: Some(refuse), future: PhantomData };
    run_body(door, call, body)
}

/// Runs `body` if `call` is admitted through `door`, and records how it ended.
pub fn run_body<B: Body>(door: Door, call: ToolCall, body: B) -> Run<B, B::Future> {
    // The body has its values already: nothing can change them.
    Run { stage: Stage::Admitting { admit: door.admit(call.fixed()) }, body }
}

/// As [`run_with`], for a closure; blocks the calling thread while receipts
/// become durable.
pub fn run_sync_with<O>(
    door: Door,
    call: ToolCall,
    body: impl FnOnce() -> O,
    describe: impl FnOnce(&O) -> Ending,
    refuse: impl FnOnce(Refused) -> O,
) -> O {
    let mut permit = match door.admit(call.fixed()).wait() {
        Ok(permit) => permit,
        Err(refused) => return refuse(refused),
    };
    let output = permit.enter(body);
    let ending = permit.enter(|| describe(&output));
    let (ending, withheld) = permit.review(ending);
    // The gate is closed then and says so; the result comes back all the same.
    if let Err(cause) = permit.awaited().complete(ending).acknowledged().wait() {
        unrecorded(&cause);
    }
    match withheld {
        Some(refused) => refuse(refused),
        None => output,
    }
}

pub(super) fn unrecorded(cause: &crate::refused::Closed) {
    tracing::error!(target: "asqav::gate", %cause, "a call ran, but its outcome is not recorded");
}

/// An `Ok` value is committed, an error named by its type.
pub(super) fn ending_of<T: Serialize, E>(output: &Result<T, E>) -> Ending {
    match output {
        Ok(value) => Ending::returned(value, Capture::Commit),
        Err(_) => Ending::error::<E>(),
    }
}

pub(super) fn refuse<T, E: From<Refused>>(refused: Refused) -> Result<T, E> {
    Err(refused.into())
}

pin_project! {
    /// A tool call on its way: admission, body, outcome.
    ///
    /// Never polled, it leaves nothing; dropped at any other point, the call
    /// has its outcome: `abandoned` before the body started, `cancelled` while
    /// it ran, and what it returned if only its receipt was waited for.
    ///
    /// `F` is the body's future: as a parameter, because a signed call that is
    /// awaited in an async block is `Send` only if the compiler sees so without
    /// looking through [`Body::Future`] for every lifetime (rust-lang/rust#102211).
    #[must_use = "futures do nothing unless polled"]
    pub struct Run<B, F>
    where
        F: Future,
    {
        #[pin]
        stage: Stage<F>,
        body: B,
    }
}

pin_project! {
    #[project = StageProject]
    enum Stage<F>
    where
        F: Future,
    {
        Admitting { admit: Admit },
        // The future stands first: on a drop, calls made in it end before this one.
        Running { #[pin] future: F, alarm: Option<Alarm>, permit: Option<Permit> },
        Completing { complete: Acknowledged, output: Option<F::Output> },
        Done,
    }
}

/// What one poll of the body led to.
enum Progress<O> {
    Returned(O, Acknowledged),
    /// It ran out of time, or its output is withheld.
    Refused(Refused, Acknowledged),
}

impl<B: Body> Future for Run<B, B::Future> {
    type Output = <B::Future as Future>::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let next = match this.stage.as_mut().project() {
                StageProject::Admitting { admit } => match ready!(Pin::new(admit).poll(context)) {
                    Ok(permit) => start(permit, this.body),
                    Err(refused) => {
                        this.stage.set(Stage::Done);
                        return Poll::Ready(had(this.body.refuse(refused)));
                    }
                },
                StageProject::Running { future, alarm, permit } => {
                    match ready!(advance(future, alarm.as_ref(), permit, this.body, context)) {
                        Progress::Returned(output, complete) => {
                            Stage::Completing { complete, output: Some(output) }
                        }
                        Progress::Refused(refused, complete) => {
                            // Dropped before anything else happens: it is over.
                            this.stage.set(Stage::Done);
                            Stage::Completing { complete, output: this.body.refuse(refused) }
                        }
                    }
                }
                StageProject::Completing { complete, output } => {
                    if let Err(cause) = ready!(Pin::new(complete).poll(context)) {
                        unrecorded(&cause);
                    }
                    let output = taken(output);
                    this.stage.set(Stage::Done);
                    return Poll::Ready(output);
                }
                StageProject::Done => polled_again(),
            };
            this.stage.set(next);
        }
    }
}

/// Starts the body of an admitted call.
fn start<B: Body>(mut permit: Permit, body: &mut B) -> Stage<B::Future> {
    let alarm = permit.gate().alarm();
    let future = had(permit.enter(|| body.start()));
    Stage::Running { future, alarm, permit: Some(permit) }
}

/// Polls the body once; `Ready` when the call has ended.
fn advance<B: Body>(
    future: Pin<&mut B::Future>,
    alarm: Option<&Alarm>,
    permit: &mut Option<Permit>,
    body: &mut B,
    context: &mut Context<'_>,
) -> Poll<Progress<<B::Future as Future>::Output>> {
    let Some(running) = permit.as_mut() else { polled_again() };
    if let Poll::Ready(output) = running.enter(|| future.poll(context)) {
        let ending = had(running.enter(|| body.ending(&output)));
        let (ending, withheld) = running.review(ending);
        let complete = taken(permit).complete(ending).acknowledged();
        return Poll::Ready(match withheld {
            Some(refused) => Progress::Refused(refused, complete),
            None => Progress::Returned(output, complete),
        });
    }
    if !alarm.is_some_and(|alarm| alarm.is_due(context)) {
        return Poll::Pending;
    }
    let refused = running.gate().timed_out(running.ids().action_id);
    let complete = taken(permit).complete(Ending::timed_out()).acknowledged();
    Poll::Ready(Progress::Refused(refused, complete))
}

impl super::Gate {
    pub(super) fn alarm(&self) -> Option<Alarm> {
        self.0.timeout.map(|after| self.0.timer.alarm(after))
    }

    pub(super) fn timed_out(&self, receipt: ActionId) -> Refused {
        Refused::TimedOut { after: self.0.timeout.unwrap_or(Duration::MAX), receipt }
    }
}

/// Takes what is there until the stage that takes it has passed.
fn taken<T>(slot: &mut Option<T>) -> T {
    had(slot.take())
}

/// What is there unless it was taken before.
fn had<T>(part: Option<T>) -> T {
    part.unwrap_or_else(|| polled_again())
}

#[expect(clippy::panic, reason = "the contract of `Future::poll`, as for an async block")]
fn polled_again() -> ! {
    panic!("`Run` polled after it was ready, or after it panicked")
}

impl<B, D, R, F> std::fmt::Debug for Closures<B, D, R, F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Closures")
    }
}

impl<B, F: Future> std::fmt::Debug for Run<B, F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Run")
    }
}
