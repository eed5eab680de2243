//! Every way out of a call leaves the right outcome.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where it fails")]

mod common;

use std::future::{Future, pending};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use asqav_core::gate::{Door, run_with};
use asqav_core::testing::{AllowAll, Fault, FaultyLog, Latch, MemoryLog, TestGate};
use asqav_core::{Ending, Refused, ToolCall, current};
use asqav_receipt::payload::{Context, Decision as Wire, Form, Outcome, Phase, Tier};
use common::{Ran, Rules, call, poll_once};

/// A gate whose log holds the group with receipt `seq` until the latch opens.
fn held_at(seq: u64, policy: Rules) -> (TestGate, Latch) {
    let latch = Latch::new();
    let kept = MemoryLog::new();
    let log = FaultyLog::new(kept.clone()).at_receipt(seq, Fault::Hold(latch.clone()));
    (TestGate::on(kept, |builder| builder.policy(policy).log(log)).unwrap(), latch)
}

#[tokio::test]
async fn a_result_and_an_error_come_back_as_they_are() {
    let test = TestGate::with_policy(AllowAll::new());
    let ok: Result<u8, Refused> = test.gate().run(call("good"), || async { Ok(7) }).await;
    assert_eq!(ok, Ok(7));
    let failed: Result<u8, std::io::Error> =
        test.gate().run(call("bad"), || async { Err(std::io::Error::other("no")) }).await;
    assert_eq!(failed.unwrap_err().to_string(), "no");

    let receipts = test.receipts();
    receipts.assert_outcomes("good", &[Outcome::Ok]);
    receipts.assert_outcomes("bad", &[Outcome::ToolError]);
    let bad = receipts.of("bad", Phase::Outcome).next().unwrap();
    assert_eq!(bad.asqav.error_type.as_ref().unwrap().as_str(), "std::io::error::Error");
    assert!(!String::from_utf8(bad.to_canonical()).unwrap().contains("\"no\""), "no text of the error");
    receipts.assert_verified();
}

/// A value whose own code panics when it is serialised.
struct Panics;

impl serde::Serialize for Panics {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        panic!("in a tool's own code");
    }
}

#[tokio::test]
async fn a_result_that_panics_when_it_is_read_comes_back_and_the_call_succeeded() {
    let test = TestGate::with_policy(AllowAll::new());
    let result: Result<Panics, Refused> = test.gate().run(call("t"), || async { Ok(Panics) }).await;
    assert!(result.is_ok(), "the tool's own result");
    assert!(test.gate().run_sync(call("t"), || Ok::<_, Refused>(Panics)).is_ok());
    let receipts = test.receipts();
    receipts.assert_outcomes("t", &[Outcome::Ok, Outcome::Ok]);
    let outcome = receipts.of("t", Phase::Outcome).next().unwrap();
    assert_eq!(outcome.context, Context::Result(Some(Form::Dropped)));
    receipts.assert_verified();
}

#[test]
fn an_argument_that_panics_when_it_is_read_is_refused_with_a_receipt() {
    let test = TestGate::with_policy(AllowAll::new());
    let call = ToolCall::builder("t", "test:call").argument("a", &Panics).build();
    let refused = test.gate().run_sync(call, || Ok::<_, Refused>(())).unwrap_err();
    assert!(matches!(refused, Refused::Unrepresentable { .. }), "{refused}");
    test.receipts().assert_denied("t", "unrepresentable");
}

#[test]
fn the_decision_is_durable_before_the_body_runs() {
    let test = TestGate::with_policy(AllowAll::new());
    let log = test.log().clone();
    let seen = test.gate().run_sync(call("t"), || Ok::<_, Refused>(log.receipts().len()));
    assert_eq!(seen, Ok(3), "gate:start, policy:activate and the decision");
}

#[test]
fn the_ids_in_the_body_are_the_decisions() {
    let test = TestGate::new();
    assert_eq!(current(), None);
    let ids = test.gate().run_sync(call("t"), || Ok::<_, Refused>(current().map(|ids| ids.seq.unwrap())));
    assert_eq!(ids, Ok(Some(2)));
    assert_eq!(current(), None);
    let receipts = test.receipts();
    assert_eq!(receipts.of("t", Phase::Decision).next().unwrap().seq, 2);
}

#[test]
fn a_panic_is_the_bodys_own() {
    let test = TestGate::with_policy(AllowAll::new());
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        test.gate().run_sync(call("sync"), || -> Result<(), Refused> { panic!("in the body") })
    }));
    assert!(panicked.is_err());

    let mut future = Box::pin(test.gate().run(call("async"), || async {
        tokio::task::yield_now().await;
        if true {
            panic!("in the body");
        }
        Ok::<_, Refused>(())
    }));
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        loop {
            if poll_once(future.as_mut()).is_ready() {
                break;
            }
        }
    }));
    assert!(panicked.is_err());
    drop(future);
    let receipts = test.receipts();
    receipts.assert_outcomes("sync", &[Outcome::Panicked]);
    receipts.assert_outcomes("async", &[Outcome::Panicked]);
    receipts.assert_verified();
}

#[test]
fn a_siblings_panic_cancels_only() {
    let test = TestGate::new();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let started = Ran::default();
            let (seen, gate) = (started.clone(), test.gate());
            let waiting = gate.run(call("waiting"), || async move {
                seen.mark();
                pending::<Result<(), Refused>>().await
            });
            let failing = gate.run(call("failing"), || async move {
                while started.times() == 0 {
                    tokio::task::yield_now().await;
                }
                panic!("the sibling")
            });
            let both: (Result<(), Refused>, Result<(), Refused>) = tokio::join!(waiting, failing);
            drop(both);
        });
    }));
    assert!(panicked.is_err());
    let receipts = test.receipts();
    receipts.assert_outcomes("waiting", &[Outcome::Cancelled]);
    receipts.assert_outcomes("failing", &[Outcome::Panicked]);
    receipts.assert_verified();
}

#[test]
fn a_permit_dropped_while_somebody_else_panics_is_cancelled() {
    let test = TestGate::new();
    let permit = test.gate().admit(call("manual")).wait().unwrap();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let _held = permit;
        panic!("not the body");
    }));
    assert!(panicked.is_err());
    test.receipts().assert_outcomes("manual", &[Outcome::Cancelled]);
}

/// Polls a run `polls` times, drops it, and tells how the call ended.
fn dropped_after(polls: usize) -> Vec<Outcome> {
    let (decision, outcome) = (Latch::new(), Latch::new());
    let kept = MemoryLog::new();
    let log = FaultyLog::new(kept.clone())
        .at_receipt(3, Fault::Hold(decision.clone()))
        .at_receipt(4, Fault::Hold(outcome.clone()));
    let test = TestGate::on(kept, |builder| builder.policy(AllowAll::new()).log(log)).unwrap();
    let mut future = Box::pin(test.gate().run(call("t"), || async {
        tokio::task::yield_now().await;
        tokio::task::yield_now().await;
        Ok::<_, Refused>(())
    }));
    for poll in 1..=polls {
        // A receipt is durable before the poll after the one that submitted
        // it, and no sooner, so that the number of polls says how far the call
        // has come.
        match poll {
            2 => decision.open(),
            5 => outcome.open(),
            _ => {}
        }
        test.gate().flush().wait().unwrap();
        assert_eq!(poll_once(future.as_mut()).is_ready(), poll == 5, "poll {poll}");
    }
    drop(future);
    decision.open();
    outcome.open();
    let receipts = test.receipts();
    receipts.assert_verified();
    receipts.of("t", Phase::Outcome).filter_map(|payload| payload.asqav.outcome).collect()
}

#[test]
fn cancelling_at_each_await_point_leaves_the_right_outcome() {
    let wanted = [
        (0, None),
        (1, Some(Outcome::Abandoned)),
        (2, Some(Outcome::Cancelled)),
        (3, Some(Outcome::Cancelled)),
        (4, Some(Outcome::Ok)),
        (5, Some(Outcome::Ok)),
    ];
    for (polls, outcome) in wanted {
        assert_eq!(dropped_after(polls), Vec::from_iter(outcome), "dropped after {polls} polls");
    }
}

#[test]
fn an_admission_that_nobody_waits_for_is_abandoned_and_refunded() {
    let (test, latch) = held_at(3, Rules::limited(1));
    let mut admit = Box::pin(test.gate().admit(call("t")));
    assert!(poll_once(admit.as_mut()).is_pending());
    latch.wait_for_arrival();
    drop(admit);
    latch.open();
    let again = test.gate().run_sync(call("t"), || Ok::<_, Refused>(()));
    assert_eq!(again, Ok(()), "the only call a minute was given back");
    let receipts = test.receipts();
    receipts.assert_outcomes("t", &[Outcome::Abandoned, Outcome::Ok]);
    receipts.assert_verified();
}

#[test]
fn a_shutdown_while_the_decision_is_written_stops_the_body() {
    let (test, latch) = held_at(3, Rules::limited(1));
    let ran = Ran::default();
    let mut future = pin!(test.gate().run(call("t"), || async {
        ran.mark();
        Ok::<_, Refused>(())
    }));
    assert!(poll_once(future.as_mut()).is_pending());
    latch.wait_for_arrival();
    let shutdown = test.gate().shutdown();
    latch.open();
    test.gate().flush().wait().unwrap();
    let Poll::Ready(Err(refused)) = poll_once(future.as_mut()) else { panic!("it goes on") };
    assert!(matches!(refused, Refused::Closed { .. }), "{refused}");
    assert_eq!(ran.times(), 0);
    shutdown.wait().unwrap();
    let receipts = test.receipts();
    receipts.assert_outcomes("t", &[Outcome::Abandoned]);
    assert_eq!(receipts.events("gate:stop").count(), 1);
    receipts.assert_verified();
}

#[tokio::test]
async fn the_gates_own_timeout_stops_the_body() {
    let limit = Duration::from_millis(5);
    let test = TestGate::with(|builder| builder.without_policy().timeout(limit));
    let dropped = Ran::default();
    struct OnDrop(Ran);
    impl Drop for OnDrop {
        fn drop(&mut self) {
            self.0.mark();
        }
    }
    let guard = OnDrop(dropped.clone());
    let result = test.gate().run(call("slow"), || async move {
        let _guard = guard;
        pending::<Result<(), Refused>>().await
    });
    let refused = result.await.unwrap_err();
    let decision = test.receipts().of("slow", Phase::Decision).next().unwrap().action_id;
    assert_eq!(refused, Refused::TimedOut { after: limit, receipt: decision });
    assert_eq!(dropped.times(), 1);
    let quick = test.gate().run(call("quick"), || async { Ok::<_, Refused>(1) }).await;
    assert_eq!(quick, Ok(1));
    let receipts = test.receipts();
    receipts.assert_outcomes("slow", &[Outcome::TimedOut]);
    receipts.assert_outcomes("quick", &[Outcome::Ok]);
    receipts.assert_verified();
}

#[test]
fn a_permit_can_be_completed_by_hand_or_given_back() {
    let test = TestGate::with_policy(Rules::limited(1));
    let permit = test.gate().admit(call("given_back")).wait().unwrap();
    permit.abandon().wait().unwrap();
    let mut permit = test.gate().admit(call("manual")).wait().unwrap();
    let value = permit.enter(|| 5);
    let receipted =
        permit.complete(Ending::returned(&value, asqav_core::call::Capture::Record)).wait().unwrap();
    assert_eq!(receipted.payload.asqav.outcome, Some(Outcome::Ok));
    assert!(String::from_utf8_lossy(&receipted.canonical).contains(r#""context":{"result":{"value":5}}"#));
    let receipts = test.receipts();
    receipts.assert_outcomes("given_back", &[Outcome::Abandoned]);
    receipts.assert_outcomes("manual", &[Outcome::Ok]);
    receipts.assert_verified();
}

#[test]
fn the_body_is_timed_by_the_gates_clock() {
    let test = TestGate::new();
    let clock = test.clock().clone();
    let result = test.gate().run_sync(call("t"), || {
        clock.advance(Duration::from_millis(1_500));
        Ok::<_, Refused>(())
    });
    result.unwrap();
    let receipts = test.receipts();
    let outcome = receipts.of("t", Phase::Outcome).next().unwrap();
    assert_eq!(outcome.asqav.duration_us, Some(1_500_000));
    assert_eq!(outcome.asqav.started_at.unwrap().to_string(), "2026-01-01T00:00:00.000000Z");
    assert_eq!(outcome.issued_at.to_string(), "2026-01-01T00:00:01.500000Z");
}

#[test]
fn the_detectable_tier_leaves_one_receipt_after_the_fact() {
    let test = TestGate::with(|builder| builder.without_policy().tier(Tier::Detectable));
    let log = test.log().clone();
    let seen = test.gate().run_sync(call("t"), || Ok::<_, Refused>(log.receipts().len()));
    assert_eq!(seen, Ok(1), "nothing is written before the body runs");
    test.gate().observe(call("elsewhere"), Ending::ok()).unwrap().wait().unwrap();
    drop(test.gate().admit(call("dropped")).wait().unwrap());
    let receipts = test.receipts();
    let events: Vec<_> = receipts.payloads().skip(1).collect();
    assert_eq!(events.len(), 3);
    for (payload, outcome) in events.iter().zip([Outcome::Ok, Outcome::Ok, Outcome::Cancelled]) {
        assert_eq!(payload.decision, Wire::Observation);
        assert_eq!(payload.asqav.outcome, Some(outcome));
        let text = String::from_utf8(payload.to_canonical()).unwrap();
        assert!(text.contains(r#""capture_topology":"passive_telemetry""#), "{text}");
        assert!(
            text.contains(r#""tier":"detectable""#) && text.contains(r#""type":"protectmcp:observation""#)
        );
    }
    receipts.assert_verified();
}

#[tokio::test]
async fn a_call_that_is_refused_never_makes_its_future() {
    let test = TestGate::new();
    test.gate().shutdown().await.unwrap();
    let ran = Ran::default();
    let made = || {
        ran.mark();
        async { 1 }
    };
    let describe = |_: &i32| Ending::ok();
    let output = run_with(Door::of(test.gate()), call("t"), made, describe, |refused| {
        assert!(matches!(refused, Refused::Closed { .. }));
        2
    });
    assert_eq!(output.await, 2);
    assert_eq!(ran.times(), 0);
}

#[test]
fn the_run_future_is_send_when_the_body_is() {
    fn assert_send<T: Send>(value: T) -> T {
        value
    }
    let test = TestGate::new();
    let call: ToolCall = call("t");
    let future = assert_send(test.gate().run(call, || async { Ok::<_, Refused>(()) }));
    let _: &dyn Future<Output = Result<(), Refused>> = &future;
}
