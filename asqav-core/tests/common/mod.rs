//! What the tests of the spine share.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where it fails")]
#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(unreachable_pub, reason = "each test file includes it as a module of its own")]

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use asqav_core::ToolCall;
use asqav_core::policy::{Charge, Decision, Policy, PolicyInput, Rate};
use asqav_receipt::digest::Sha256Digest;
use asqav_receipt::id::{PolicyId, ReasonCode, RuleId};

/// A call of `tool` with one argument.
pub fn call(tool: &str) -> ToolCall {
    ToolCall::builder(tool, "test:call").argument("a", &1).build()
}

/// Polls once, with a waker that does nothing.
pub fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Counts how often a body ran.
#[derive(Clone, Default)]
pub struct Ran(Arc<AtomicUsize>);

impl Ran {
    pub fn mark(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    pub fn times(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// A policy that a function is.
pub struct Rules {
    id: PolicyId,
    decide: Box<dyn Fn(&PolicyInput<'_>) -> Decision + Send + Sync>,
}

impl Rules {
    pub fn new(decide: impl Fn(&PolicyInput<'_>) -> Decision + Send + Sync + 'static) -> Self {
        Self { id: PolicyId::parse("rules").unwrap(), decide: Box::new(decide) }
    }

    /// Allows everything, at most `burst` calls a minute.
    pub fn limited(burst: u32) -> Self {
        Self::new(move |_| {
            let rate = Rate::new(burst, Duration::from_secs(60));
            Decision::allow(
                vec![rule("limited")],
                vec![Charge::new("all".to_owned(), rate, 1, rule("limited"))],
            )
        })
    }
}

impl Policy for Rules {
    fn id(&self) -> &PolicyId {
        &self.id
    }

    fn digest(&self) -> Sha256Digest {
        Sha256Digest::of(b"rules")
    }

    fn decide(&self, input: &PolicyInput<'_>) -> Decision {
        (self.decide)(input)
    }

    fn allows_unknown_calls(&self) -> bool {
        true
    }
}

pub fn rule(id: &str) -> RuleId {
    RuleId::parse(id).unwrap()
}

pub fn reason(code: &str) -> ReasonCode {
    ReasonCode::parse(code).unwrap()
}
