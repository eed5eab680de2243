//! The future of a guarded request.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tower_service::Service;

use super::adapter::Adapter;
use crate::gate::{Body, Run};
use crate::permit::Ending;
use crate::refused::Refused;

pin_project! {
    /// A request on its way through gate and service. Dropped while the
    /// service works on it, the call is recorded as `cancelled`.
    #[must_use = "futures do nothing unless polled"]
    pub struct SignedFuture<S, A, Request>
    where
        S: Service<Request>,
        A: Adapter<Request, S::Response, S::Error>,
    {
        #[pin]
        stage: Stage<S, A, Request>,
    }
}

pin_project! {
    #[project = StageProject]
    enum Stage<S, A, Request>
    where
        S: Service<Request>,
        A: Adapter<Request, S::Response, S::Error>,
    {
        Passing { #[pin] future: S::Future },
        Guarded { #[pin] run: Run<Exchange<S, A, Request>, S::Future> },
    }
}

impl<S, A, Request> SignedFuture<S, A, Request>
where
    S: Service<Request>,
    A: Adapter<Request, S::Response, S::Error>,
{
    pub(super) const fn passing(future: S::Future) -> Self {
        Self { stage: Stage::Passing { future } }
    }

    pub(super) const fn guarded(run: Run<Exchange<S, A, Request>, S::Future>) -> Self {
        Self { stage: Stage::Guarded { run } }
    }
}

impl<S, A, Request> Future for SignedFuture<S, A, Request>
where
    S: Service<Request>,
    A: Adapter<Request, S::Response, S::Error>,
{
    type Output = Result<S::Response, S::Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().stage.project() {
            StageProject::Passing { future } => future.poll(context),
            StageProject::Guarded { run } => run.poll(context),
        }
    }
}

impl<S, A, Request> std::fmt::Debug for SignedFuture<S, A, Request>
where
    S: Service<Request>,
    A: Adapter<Request, S::Response, S::Error>,
{
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SignedFuture")
    }
}

/// One request and the service that was ready for it.
pub(super) struct Exchange<S, A, Request> {
    ready: Option<(S, Request)>,
    adapter: A,
}

impl<S, A, Request> Exchange<S, A, Request> {
    pub(super) const fn new(service: S, request: Request, adapter: A) -> Self {
        Self { ready: Some((service, request)), adapter }
    }
}

impl<S, A, Request> Body for Exchange<S, A, Request>
where
    S: Service<Request>,
    A: Adapter<Request, S::Response, S::Error>,
{
    type Future = S::Future;

    fn start(&mut self) -> Option<Self::Future> {
        self.ready.take().map(|(mut service, request)| service.call(request))
    }

    fn ending(&mut self, output: &Result<S::Response, S::Error>) -> Option<Ending> {
        Some(self.adapter.ending(output))
    }

    fn refuse(&mut self, refused: Refused) -> Option<Result<S::Response, S::Error>> {
        Some(self.adapter.refuse(refused))
    }
}
