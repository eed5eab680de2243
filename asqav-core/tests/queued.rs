//! Calls that go on while their receipts are queued.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where it fails")]

mod common;

use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::Arc;

use asqav_core::gate::OpenError;
use asqav_core::key::SigningKey;
use asqav_core::log::Durability;
use asqav_core::policy::{Decision, Policy};
use asqav_core::refused::Closed;
use asqav_core::testing::{AllowAll, Fault, FaultyLog, FaultySigner, Latch, MemoryLog, TestGate};
use asqav_core::{Gate, Refused};
use asqav_receipt::payload::{Context, Outcome, Phase, Tier};
use common::{Ran, Rules, call, poll_once, reason};

/// A gate for so many calls in flight, whose signer is held at the first
/// decision until the latch is opened.
fn held(max_in_flight: usize) -> (TestGate, Latch, MemoryLog) {
    held_by(max_in_flight, AllowAll::new())
}

fn held_by(max_in_flight: usize, policy: impl Policy) -> (TestGate, Latch, MemoryLog) {
    let (latch, kept) = (Latch::new(), MemoryLog::new());
    // The signer's test, gate:start, policy:activate, the decision.
    let signer = FaultySigner::new(Arc::new(SigningKey::from_seed(&[1; 32])))
        .at_signature(4, Fault::Hold(latch.clone()));
    let test = TestGate::on(kept.clone(), |builder| {
        builder
            .policy(policy)
            .signer(Arc::new(signer))
            .durability(Durability::Queued)
            .max_in_flight(NonZeroUsize::new(max_in_flight).unwrap())
    });
    (test.unwrap(), latch, kept)
}

fn called(gate: &Gate, ran: &Ran) -> Result<u8, Refused> {
    gate.run_sync(call("t"), || {
        ran.mark();
        Ok::<_, Refused>(9)
    })
}

#[test]
fn a_call_goes_on_while_its_receipts_are_queued() {
    let (test, latch, kept) = held(100);
    let ran = Ran::default();
    assert_eq!(called(test.gate(), &ran), Ok(9));
    assert_eq!(
        poll_once(pin!(test.gate().run(call("t"), || async { Ok::<_, Refused>(8) }))).map(Result::ok),
        std::task::Poll::Ready(Some(8))
    );
    assert_eq!(kept.receipts().len(), 2, "nothing but the gate's start is recorded");
    latch.open();
    test.gate().flush().wait().unwrap();
    let receipts = test.receipts();
    let entries = receipts.entries();
    let phases: Vec<_> = entries[2..].iter().map(|entry| entry.payload.asqav.phase).collect();
    assert_eq!(phases, [Phase::Decision, Phase::Outcome, Phase::Decision, Phase::Outcome]);
    assert_eq!(entries[3].payload.asqav.outcome, Some(Outcome::Ok));
    let Context::Event { body, .. } = &entries[0].payload.context else { panic!("{:?}", entries[0]) };
    assert_eq!(body.get("durability").and_then(|text| text.as_str()), Some("queued"));
}

#[test]
fn a_full_queue_makes_calls_wait() {
    // Two receipts may be queued.
    let (test, latch, _) = held(4);
    let ran = Ran::default();
    assert_eq!(called(test.gate(), &ran), Ok(9));
    let mut third = pin!(test.gate().run(call("t"), || async { Ok::<_, Refused>(8) }));
    assert!(poll_once(third.as_mut()).is_pending(), "its decision is the third receipt");
    latch.open();
    test.gate().flush().wait().unwrap();
    // Nobody is before it now.
    assert_eq!(poll_once(third.as_mut()).map(Result::ok), std::task::Poll::Ready(Some(8)));
}

#[test]
fn calls_beyond_the_places_are_refused() {
    let (test, latch, _) = held(2);
    let ran = Ran::default();
    let mut waiting = Box::pin(test.gate().run(call("t"), || async { Ok::<_, Refused>(1) }));
    assert!(poll_once(waiting.as_mut()).is_pending(), "its outcome is the second receipt");
    let mut second = Box::pin(test.gate().run(call("t"), || async { Ok::<_, Refused>(2) }));
    assert!(poll_once(second.as_mut()).is_pending());
    assert_eq!(called(test.gate(), &ran), Err(Refused::Overloaded { in_flight: 2 }));
    assert_eq!(ran.times(), 0);
    latch.open();
}

#[test]
fn a_log_that_fails_behind_a_call_closes_the_gate() {
    let latch = Latch::new();
    let kept = MemoryLog::new();
    let log = FaultyLog::new(kept.clone()).at_receipt(3, Fault::Refuse);
    let signer = FaultySigner::new(Arc::new(SigningKey::from_seed(&[1; 32])))
        .at_signature(4, Fault::Hold(latch.clone()));
    let test = TestGate::on(kept, |builder| {
        builder.policy(AllowAll::new()).log(log).signer(Arc::new(signer)).durability(Durability::Queued)
    });
    let test = test.unwrap();
    let ran = Ran::default();
    assert_eq!(called(test.gate(), &ran), Ok(9), "that is what queued means");
    latch.open();
    let flushed = test.gate().flush().wait();
    assert!(matches!(flushed, Err(Closed::Writing { seq: 3, .. })), "{flushed:?}");
    assert!(matches!(
        called(test.gate(), &ran),
        Err(Refused::Closed { cause: Closed::Writing { seq: 3, .. } })
    ));
    assert_eq!(ran.times(), 1);
}

#[test]
fn a_denial_is_told_at_once_and_recorded() {
    let policy = Rules::new(|_| Decision::deny(Vec::new(), reason("no")));
    let (test, latch, kept) = held_by(100, policy);
    let ran = Ran::default();
    // It would wait for ever for the signer, which is held.
    assert!(matches!(called(test.gate(), &ran), Err(Refused::Denied { .. })));
    assert_eq!(kept.receipts().len(), 2);
    latch.open();
    test.gate().flush().wait().unwrap();
    let denial = &kept.receipts()[2].payload;
    assert_eq!(denial.reason, Some(reason("no")));
    assert_eq!(ran.times(), 0);
}

#[test]
fn the_strong_tier_waits_for_its_decisions() {
    let opened = TestGate::on(MemoryLog::new(), |builder| {
        builder.policy(AllowAll::new()).tier(Tier::Strong).durability(Durability::Queued)
    });
    assert!(matches!(opened.unwrap_err(), OpenError::Unawaited));
}
