//! One HTTP tool call: request body, decision, service, response body, outcome.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Request, Response, StatusCode, header};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::body::{Buffered, Buffering, HttpBody, Replayed, Short};
use super::layer::Settings;
use super::path::Named;
use crate::argument::JsonText;
use crate::call::Capture;
use crate::delegation::Presented;
use crate::gate::{Body as CallBody, Run, run_body};
use crate::permit::Ending;
use crate::refused::Refused;

/// What the service behind the gate has to be; implemented for every such
/// service.
pub trait HttpService<B: HttpBody, R: HttpBody>:
    Service<Request<Replayed<B>>, Response = Response<R>>
{
}

impl<S, B: HttpBody, R: HttpBody> HttpService<B, R> for S where
    S: Service<Request<Replayed<B>>, Response = Response<R>>
{
}

pin_project! {
    /// An HTTP request on its way through gate and service.
    #[must_use = "futures do nothing unless polled"]
    pub struct SignedHttpFuture<S, B, R>
    where
        S: HttpService<B, R>,
        B: HttpBody,
        R: HttpBody,
    {
        #[pin]
        stage: Stage<S, B, R>,
    }
}

pin_project! {
    #[project = StageProject]
    enum Stage<S, B, R>
    where
        S: HttpService<B, R>,
        B: HttpBody,
        R: HttpBody,
    {
        Passing { #[pin] future: S::Future },
        Reading { reading: Buffering<B>, request: Option<Box<Waiting<S>>> },
        Guarded { #[pin] run: Run<Exchange<S, B, R>, Answer<S::Future, R>> },
    }
}

/// A request whose body is still being read.
pub(super) struct Waiting<S> {
    pub(super) service: S,
    pub(super) parts: Parts,
    pub(super) tool: Named,
    pub(super) settings: Settings,
}

impl<S, B, R> SignedHttpFuture<S, B, R>
where
    S: HttpService<B, R>,
    B: HttpBody,
    R: HttpBody,
{
    pub(super) const fn passing(future: S::Future) -> Self {
        Self { stage: Stage::Passing { future } }
    }

    pub(super) fn reading(body: B, waiting: Waiting<S>) -> Self {
        let reading = Buffering::new(body, waiting.settings.max_request);
        Self { stage: Stage::Reading { reading, request: Some(Box::new(waiting)) } }
    }
}

impl<S, B, R> Future for SignedHttpFuture<S, B, R>
where
    S: HttpService<B, R>,
    B: HttpBody,
    R: HttpBody,
{
    type Output = Result<Response<Replayed<R>>, S::Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let run = match this.stage.as_mut().project() {
                StageProject::Passing { future } => {
                    return future.poll(context).map_ok(|response| response.map(Replayed::untouched));
                }
                StageProject::Guarded { run } => return run.poll(context).map_ok(Answered::into_response),
                StageProject::Reading { reading, request } => {
                    let body = ready!(Pin::new(reading).poll(context));
                    match request.take() {
                        Some(waiting) => waiting.guarded(body),
                        None => return Poll::Pending,
                    }
                }
            };
            this.stage.set(Stage::Guarded { run });
        }
    }
}

impl<S, B, R> std::fmt::Debug for SignedHttpFuture<S, B, R>
where
    S: HttpService<B, R>,
    B: HttpBody,
    R: HttpBody,
{
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SignedHttpFuture")
    }
}

impl<S> Waiting<S> {
    /// The request with its body read, before its decision.
    fn guarded<B, R>(self, read: Buffered<B>) -> Run<Exchange<S, B, R>, Answer<S::Future, R>>
    where
        S: HttpService<B, R>,
        B: HttpBody,
        R: HttpBody,
    {
        let Self { service, parts, tool, settings } = self;
        let Buffered { body, bytes } = read;
        let mut call = settings.tools.call(
            &tool,
            &parts,
            bytes.as_deref().map_err(|short| match short {
                Short::TooLong => "it is longer than this service takes",
                Short::Failed => "it could not be read",
            }),
        );
        // A chain that came with the request, as whoever took it out of there put it.
        call.delegations.extend(parts.extensions.get::<Presented>().cloned());
        let max_response = settings.max_response;
        let exchange = Exchange {
            ready: Some((service, Request::from_parts(parts, body))),
            max_response,
            response: std::marker::PhantomData,
        };
        run_body(settings.door, call, exchange)
    }
}

/// One request and the service that was ready for it.
pub(super) struct Exchange<S, B: HttpBody, R> {
    ready: Option<(S, Request<Replayed<B>>)>,
    max_response: usize,
    response: std::marker::PhantomData<fn() -> R>,
}

impl<S, B, R> CallBody for Exchange<S, B, R>
where
    S: HttpService<B, R>,
    B: HttpBody,
    R: HttpBody,
{
    type Future = Answer<S::Future, R>;

    fn start(&mut self) -> Option<Self::Future> {
        let (mut service, request) = self.ready.take()?;
        Some(Answer::Calling { future: service.call(request), limit: self.max_response })
    }

    fn ending(&mut self, output: &Result<Answered<R>, S::Error>) -> Option<Ending> {
        Some(match output {
            Ok(answered) => answered.ending(),
            Err(_) => Ending::error::<S::Error>(),
        })
    }

    fn refuse(&mut self, refused: Refused) -> Option<Result<Answered<R>, S::Error>> {
        Some(Ok(Answered { response: refusal(&refused), result: None }))
    }
}

pin_project! {
    /// The service at work, then its response's body being read.
    #[project = AnswerProject]
    pub(super) enum Answer<F, R> {
        /// The service is at work.
        Calling { #[pin] future: F, limit: usize },
        /// Its response's body is being read.
        Reading { parts: Option<http::response::Parts>, reading: Buffering<R> },
    }
}

/// A response whose body was read as far as it is captured.
pub(super) struct Answered<R: HttpBody> {
    response: Response<Replayed<R>>,
    /// The body; `None` where it was not captured.
    result: Option<Bytes>,
}

impl<F, R, E> Future for Answer<F, R>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: HttpBody,
{
    type Output = Result<Answered<R>, E>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let next = match self.as_mut().project() {
                AnswerProject::Calling { future, limit } => {
                    let (parts, body) = ready!(future.poll(context))?.into_parts();
                    if is_stream(&parts)
                        || body.size_hint().lower() > u64::try_from(*limit).unwrap_or(u64::MAX)
                    {
                        return Poll::Ready(Ok(Answered::uncaptured(parts, Replayed::untouched(body))));
                    }
                    Self::Reading { parts: Some(parts), reading: Buffering::new(body, *limit) }
                }
                AnswerProject::Reading { parts, reading } => {
                    let buffered = ready!(Pin::new(reading).poll(context));
                    let Some(parts) = parts.take() else { return Poll::Pending };
                    return Poll::Ready(Ok(Answered::of(parts, buffered)));
                }
            };
            self.set(next);
        }
    }
}

/// A stream of events has no end to wait for.
fn is_stream(parts: &http::response::Parts) -> bool {
    let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("text/event-stream"))
        || parts.status == StatusCode::SWITCHING_PROTOCOLS
}

impl<R: HttpBody> Answered<R> {
    fn uncaptured(parts: http::response::Parts, body: Replayed<R>) -> Self {
        Self { response: Response::from_parts(parts, body), result: None }
    }

    fn of(parts: http::response::Parts, buffered: Buffered<R>) -> Self {
        let Buffered { body, bytes } = buffered;
        Self { response: Response::from_parts(parts, body), result: bytes.ok() }
    }

    fn ending(&self) -> Ending {
        let status = self.response.status();
        let ending = if self.response.body().is_broken() {
            Ending::error_of_class("http:body")
        } else if status.is_client_error() || status.is_server_error() {
            Ending::error_of_class(&format!("http:{}", status.as_u16()))
        } else {
            Ending::ok()
        };
        match self.result.as_deref().map(result_text) {
            Some(Some(text)) => ending.with_result(text, Capture::Commit),
            _ => ending,
        }
    }

    fn into_response(self) -> Response<Replayed<R>> {
        self.response
    }
}

/// The body as JSON text: as it is if it is JSON, as a string if it is text,
/// in base64url otherwise.
fn result_text(body: &[u8]) -> Option<JsonText> {
    match std::str::from_utf8(body) {
        Ok(text) => JsonText::parse(text).or_else(|_| crate::argument::to_json_text(text)).ok(),
        Err(_) => crate::argument::to_json_text(&asqav_receipt::base64url::encode(body)).ok(),
    }
}

/// What the caller sees whose call was refused: a status, and a JSON object
/// with a code and, where there is one, the denial receipt.
fn refusal<R: HttpBody>(refused: &Refused) -> Response<Replayed<R>> {
    let status = match refused {
        Refused::Denied { .. } | Refused::NeedsApproval { .. } | Refused::Withheld { .. } => {
            StatusCode::FORBIDDEN
        }
        Refused::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
        Refused::Unrepresentable { .. } => StatusCode::BAD_REQUEST,
        Refused::TimedOut { .. } => StatusCode::GATEWAY_TIMEOUT,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    let code = refused.code();
    let receipt = refused.receipt().map_or_else(String::new, |id| format!(r#","receipt":"{id}""#));
    let body = format!(r#"{{"error":"{code}"{receipt}}}"#);
    let mut response = Response::new(Replayed::full(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Refused::RateLimited { retry_after, .. } = refused {
        let whole = retry_after.as_secs() + u64::from(retry_after.subsec_nanos() > 0);
        headers.insert(header::RETRY_AFTER, HeaderValue::from(whole));
    }
    response
}
