//! The layer and the service for HTTP.

use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use super::body::{HttpBody, Replayed};
use super::exchange::{SignedHttpFuture, Waiting};
use super::path::Named;
use super::tools::HttpTools;
use crate::gate::{Door, Gate};
use crate::session::Session;

/// Puts a gate in front of an HTTP router of tools. Cheap to clone.
///
/// A refused call is answered with 403, 429 (with `Retry-After`), 400, 503 or
/// 504 and a JSON object `{"error": code, "receipt": id}`. Responses with a
/// status from 400 on are tool errors. Response bodies over the bound and
/// event streams pass through uncaptured.
#[derive(Debug, Clone)]
#[must_use]
pub struct SignedHttpLayer(Settings);

#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) door: Door,
    pub(super) tools: HttpTools,
    pub(super) max_request: usize,
    pub(super) max_response: usize,
}

/// Bodies are read up to this many bytes unless a layer says otherwise: 1 MiB.
const MAX_BODY: usize = 1 << 20;

impl SignedHttpLayer {
    /// Guards the calls of `tools` by `gate`.
    pub fn new(gate: &Gate, tools: HttpTools) -> Self {
        Self(Settings { door: Door::of(gate), tools, max_request: MAX_BODY, max_response: MAX_BODY })
    }

    /// A call with a longer body is refused; bytes.
    pub fn max_request(self, max_request: usize) -> Self {
        Self(Settings { max_request, ..self.0 })
    }

    /// A longer response passes through without being captured; bytes.
    pub fn max_response(self, max_response: usize) -> Self {
        Self(Settings { max_response, ..self.0 })
    }

    /// All calls belong to `session`.
    pub fn session(self, session: &Session) -> Self {
        let door = self.0.door.clone().session(session);
        Self(Settings { door, ..self.0 })
    }
}

impl<S> tower_layer::Layer<S> for SignedHttpLayer {
    type Service = SignedHttp<S>;

    fn layer(&self, inner: S) -> SignedHttp<S> {
        SignedHttp { inner, settings: self.0.clone() }
    }
}

/// An HTTP service behind a gate; made by [`SignedHttpLayer`].
#[derive(Debug, Clone)]
pub struct SignedHttp<S> {
    inner: S,
    settings: Settings,
}

impl<S, B, R> Service<Request<B>> for SignedHttp<S>
where
    S: Service<Request<Replayed<B>>, Response = Response<R>> + Clone,
    B: HttpBody,
    R: HttpBody,
{
    type Response = Response<Replayed<R>>;
    type Error = S::Error;
    type Future = SignedHttpFuture<S, B, R>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (parts, body) = request.into_parts();
        let tool = self.settings.tools.named(parts.uri.path());
        if tool == Named::Nothing {
            let request = Request::from_parts(parts, Replayed::untouched(body));
            return SignedHttpFuture::passing(self.inner.call(request));
        }
        let clone = self.inner.clone();
        let service = std::mem::replace(&mut self.inner, clone);
        SignedHttpFuture::reading(body, Waiting { service, parts, tool, settings: self.settings.clone() })
    }
}
