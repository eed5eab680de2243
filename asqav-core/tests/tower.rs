//! Calls through the tower layer, alone and between other layers.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where it fails")]

use std::convert::Infallible;
use std::future::{Future, poll_fn, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use asqav_core::argument::JsonText;
use asqav_core::policy::{Decision, Policy, PolicyInput};
use asqav_core::testing::TestGate;
use asqav_core::tower::{Adapter, SignedLayer, ToolOutput};
use asqav_core::{Ending, Refused, ToolCall};
use asqav_receipt::digest::Sha256Digest;
use asqav_receipt::id::{PolicyId, ReasonCode, RuleId};
use asqav_receipt::payload::{Outcome, Phase};
use tower::limit::ConcurrencyLimitLayer;
use tower::retry::{Policy as RetryPolicy, RetryLayer};
use tower::timeout::TimeoutLayer;
use tower::{BoxError, Layer, Service, ServiceBuilder, ServiceExt, service_fn};

/// Allows the tool `open` and denies every other.
#[derive(Debug)]
struct OnlyOpen(PolicyId);

impl OnlyOpen {
    fn new() -> Self {
        Self(PolicyId::parse("only-open").unwrap())
    }
}

impl Policy for OnlyOpen {
    fn id(&self) -> &PolicyId {
        &self.0
    }

    fn digest(&self) -> Sha256Digest {
        Sha256Digest::of(b"only-open")
    }

    fn decide(&self, input: &PolicyInput<'_>) -> Decision {
        let rule = RuleId::parse("open").unwrap();
        match input.call.tool.as_str() {
            "open" => Decision::allow(vec![rule], Vec::new()),
            _ => Decision::deny(vec![], ReasonCode::parse("no_rule").unwrap()),
        }
    }
}

fn call(tool: &str) -> ToolCall {
    ToolCall::builder(tool, "test:tower").argument("n", &1).build()
}

fn output(text: &str) -> ToolOutput {
    ToolOutput::new(JsonText::parse(text).unwrap())
}

#[tokio::test]
async fn a_call_runs_between_its_two_receipts_and_a_denied_one_does_not() {
    let test = TestGate::with_policy(OnlyOpen::new());
    let ran = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&ran);
    let tools = service_fn(move |_call: ToolCall| {
        counter.fetch_add(1, Ordering::SeqCst);
        ready(Ok::<_, Refused>(output("[1,2]")))
    });
    let service = SignedLayer::new(test.gate()).layer(tools);

    let done = service.clone().oneshot(call("open")).await.unwrap();
    assert_eq!(done.result.as_str(), "[1,2]");
    let refused = service.oneshot(call("shut")).await.unwrap_err();
    assert!(matches!(refused, Refused::Denied { .. }), "{refused}");

    assert_eq!(ran.load(Ordering::SeqCst), 1, "the denied call's service has not run");
    let receipts = test.receipts();
    receipts.assert_outcomes("open", &[Outcome::Ok]);
    receipts.assert_denied("shut", "no_rule");
    receipts.assert_verified();
}

#[tokio::test]
async fn errors_in_either_place_are_tool_errors() {
    let test = TestGate::new();
    let service = SignedLayer::new(test.gate()).layer(service_fn(|call: ToolCall| {
        ready(match call.tool.as_str() {
            "described" => Ok(ToolOutput::error("NotFound", JsonText::parse("\"no such account\"").unwrap())),
            _ => Err(std::io::Error::other("broken")),
        })
    }));
    assert!(service.clone().oneshot(call("described")).await.unwrap().error.is_some());
    assert_eq!(service.oneshot(call("failed")).await.unwrap_err().to_string(), "broken");

    let receipts = test.receipts();
    receipts.assert_outcomes("described", &[Outcome::ToolError]);
    receipts.assert_outcomes("failed", &[Outcome::ToolError]);
    let class = |tool| receipts.of(tool, Phase::Outcome).next().unwrap().asqav.error_type.clone().unwrap();
    assert_eq!(class("described").as_str(), "NotFound");
    assert!(class("failed").as_str().ends_with("io::error::Error"), "{}", class("failed"));
    receipts.assert_verified();
}

/// A service that panics when it is called without having been ready.
#[derive(Debug, Default)]
struct Picky {
    ready: bool,
}

impl Clone for Picky {
    fn clone(&self) -> Self {
        Self { ready: false }
    }
}

impl Service<ToolCall> for Picky {
    type Response = ToolOutput;
    type Error = Refused;
    type Future = std::future::Ready<Result<ToolOutput, Refused>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Refused>> {
        self.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _call: ToolCall) -> Self::Future {
        assert!(std::mem::take(&mut self.ready), "called without having been ready");
        ready(Ok(output("null")))
    }
}

#[tokio::test]
async fn the_instance_that_was_ready_is_the_one_that_is_called() {
    let test = TestGate::new();
    let mut service = SignedLayer::new(test.gate()).layer(Picky::default());
    for _ in 0..3 {
        poll_fn(|context| service.poll_ready(context)).await.unwrap();
        service.call(call("picky")).await.unwrap();
    }
    test.receipts().assert_outcomes("picky", &[Outcome::Ok; 3]);
}

#[tokio::test]
async fn a_dropped_future_leaves_a_cancelled_call() {
    let test = TestGate::new();
    let service = SignedLayer::new(test.gate())
        .layer(service_fn(|_call: ToolCall| std::future::pending::<Result<ToolOutput, Refused>>()));
    let mut running = Box::pin(service.clone().oneshot(call("hangs")));
    while test.receipts().of("hangs", Phase::Decision).count() == 0 {
        assert!(running.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    // The decision is durable; one more poll starts the body.
    assert!(running.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    drop(running);
    drop(service.oneshot(call("never polled")));

    let receipts = test.receipts();
    receipts.assert_outcomes("hangs", &[Outcome::Cancelled]);
    assert_eq!(receipts.of("never polled", Phase::Decision).count(), 0);
    receipts.assert_verified();
}

#[tokio::test]
async fn a_timeout_further_out_shows_as_cancelled() {
    let test = TestGate::new();
    let service = ServiceBuilder::new()
        .layer(TimeoutLayer::new(Duration::from_millis(200)))
        .layer(SignedLayer::new(test.gate()))
        .service(service_fn(|_call: ToolCall| std::future::pending::<Result<ToolOutput, BoxedRefusal>>()));
    let error = service.oneshot(call("slow")).await.unwrap_err();
    assert!(error.is::<tower::timeout::error::Elapsed>(), "{error}");
    test.receipts().assert_outcomes("slow", &[Outcome::Cancelled]);
}

#[tokio::test]
async fn the_gates_own_timeout_shows_as_timed_out() {
    let test = TestGate::with(|builder| builder.without_policy().timeout(Duration::from_millis(20)));
    let service = SignedLayer::new(test.gate())
        .layer(service_fn(|_call: ToolCall| std::future::pending::<Result<ToolOutput, Refused>>()));
    let refused = service.oneshot(call("slow")).await.unwrap_err();
    assert!(matches!(refused, Refused::TimedOut { .. }), "{refused}");
    test.receipts().assert_outcomes("slow", &[Outcome::TimedOut]);
}

#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct BoxedRefusal(#[from] Refused);

#[derive(Clone)]
struct Twice(usize);

impl<T> RetryPolicy<ToolCall, T, Refused> for Twice {
    type Future = std::future::Ready<()>;

    fn retry(&mut self, _call: &mut ToolCall, result: &mut Result<T, Refused>) -> Option<Self::Future> {
        (result.is_err() && self.0 > 0).then(|| {
            self.0 -= 1;
            ready(())
        })
    }

    fn clone_request(&mut self, call: &ToolCall) -> Option<ToolCall> {
        Some(call.clone())
    }
}

/// Fails at first, then succeeds.
fn flaky() -> impl Service<ToolCall, Response = ToolOutput, Error = Refused, Future: Send> + Clone {
    let attempts = Arc::new(AtomicUsize::new(0));
    service_fn(move |_call: ToolCall| {
        ready(match attempts.fetch_add(1, Ordering::SeqCst) {
            0 => Err(Refused::NoGate),
            _ => Ok(output("\"second\"")),
        })
    })
}

#[tokio::test]
async fn retries_outside_are_calls_and_inside_they_are_one() {
    let test = TestGate::new();
    let outside = ServiceBuilder::new()
        .layer(RetryLayer::new(Twice(2)))
        .layer(SignedLayer::new(test.gate()))
        .service(flaky());
    outside.oneshot(call("outside")).await.unwrap();
    let inside = ServiceBuilder::new()
        .layer(SignedLayer::new(test.gate()))
        .layer(RetryLayer::new(Twice(2)))
        .service(flaky());
    inside.oneshot(call("inside")).await.unwrap();

    let receipts = test.receipts();
    receipts.assert_outcomes("outside", &[Outcome::ToolError, Outcome::Ok]);
    receipts.assert_outcomes("inside", &[Outcome::Ok]);
    receipts.assert_verified();
}

#[tokio::test]
async fn a_call_that_waits_for_a_limit_outside_leaves_nothing_yet() {
    let test = TestGate::new();
    let service = ServiceBuilder::new()
        .layer(ConcurrencyLimitLayer::new(1))
        .layer(SignedLayer::new(test.gate()))
        .service(service_fn(|_call: ToolCall| std::future::pending::<Result<ToolOutput, Refused>>()));
    let mut first = service.clone();
    let mut second = service;
    poll_fn(|context| first.poll_ready(context)).await.unwrap();
    let _held = first.call(call("first"));
    assert!(poll_fn(|context| Poll::Ready(second.poll_ready(context))).await.is_pending());
    assert_eq!(test.receipts().of("second", Phase::Decision).count(), 0);
}

/// Requests are texts; those that begin with `!` are calls.
#[derive(Debug, Clone)]
struct Commands;

impl Adapter<&'static str, String, Infallible> for Commands {
    fn call(&self, request: &&'static str) -> Option<ToolCall> {
        request.strip_prefix('!').map(|tool| ToolCall::builder(tool, "test:command").build())
    }

    fn ending(&self, output: &Result<String, Infallible>) -> Ending {
        match output {
            Ok(text) => Ending::returned(text, asqav_core::call::Capture::Commit),
            Err(never) => match *never {},
        }
    }

    fn refuse(&self, refused: Refused) -> Result<String, Infallible> {
        Ok(format!("refused: {}", refused.code()))
    }
}

#[tokio::test]
async fn an_adapter_decides_what_is_a_call_and_what_a_denial_looks_like() {
    let test = TestGate::with_policy(OnlyOpen::new());
    let service = SignedLayer::with_adapter(test.gate(), Commands)
        .layer(service_fn(|text: &'static str| ready(Ok::<_, Infallible>(text.to_uppercase()))));
    assert_eq!(service.clone().oneshot("hello").await.unwrap(), "HELLO");
    assert_eq!(service.clone().oneshot("!open").await.unwrap(), "!OPEN");
    assert_eq!(service.oneshot("!shut").await.unwrap(), "refused: denied");
    let receipts = test.receipts();
    assert_eq!(receipts.payloads().filter(|payload| payload.asqav.phase == Phase::Decision).count(), 2);
    receipts.assert_outcomes("open", &[Outcome::Ok]);
    receipts.assert_denied("shut", "no_rule");
}

#[tokio::test]
async fn a_panicking_service_is_recorded_and_panics_on() {
    let test = TestGate::new();
    let service = SignedLayer::new(test.gate()).layer(service_fn(|call: ToolCall| async move {
        assert!(call.tool.as_str() != "panics", "the tool's own panic");
        Ok::<_, Refused>(output("null"))
    }));
    let joined = tokio::spawn(service.oneshot(call("panics"))).await;
    assert!(joined.unwrap_err().is_panic());
    test.receipts().assert_outcomes("panics", &[Outcome::Panicked]);
}

#[test]
fn boxed_errors_carry_refusals() {
    let error: BoxError = Refused::NoGate.into();
    assert!(error.is::<Refused>());
}
