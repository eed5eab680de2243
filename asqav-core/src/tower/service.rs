//! The service: each request through the gate, then to the inner service.

use std::task::{Context, Poll};

use tower_service::Service;

use super::adapter::Adapter;
use super::future::{Exchange, SignedFuture};
use crate::gate::{Door, run_body};

/// A service behind a gate; made by [`SignedLayer`](super::SignedLayer).
#[derive(Debug, Clone)]
pub struct Signed<S, A> {
    inner: S,
    door: Door,
    adapter: A,
}

impl<S, A> Signed<S, A> {
    pub(super) const fn new(inner: S, door: Door, adapter: A) -> Self {
        Self { inner, door, adapter }
    }

    /// The service behind the gate.
    pub const fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The service behind the gate.
    #[must_use]
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, A, Request> Service<Request> for Signed<S, A>
where
    S: Service<Request> + Clone,
    A: Adapter<Request, S::Response, S::Error>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = SignedFuture<S, A, Request>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let Some(call) = self.adapter.call(&request) else {
            return SignedFuture::passing(self.inner.call(request));
        };
        // The instance that was polled ready is the one that is called, after
        // admission; the clone takes its place and has to become ready itself.
        let clone = self.inner.clone();
        let ready = std::mem::replace(&mut self.inner, clone);
        let exchange = Exchange::new(ready, request, self.adapter.clone());
        SignedFuture::guarded(run_body(self.door.clone(), call, exchange))
    }
}
