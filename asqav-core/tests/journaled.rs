//! Calls that go on while their receipts wait for a signature on disk.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where it fails")]

mod common;

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use asqav_core::gate::OpenError;
use asqav_core::key::SigningKey;
use asqav_core::log::Durability;
use asqav_core::policy::Decision;
use asqav_core::refused::Closed;
use asqav_core::sign::Signing;
use asqav_core::testing::{AllowAll, Fault, FaultyLog, FaultySigner, Latch, MemoryLog, TestGate};
use asqav_core::{Ending, Gate, Refused};
use asqav_receipt::json::Json;
use asqav_receipt::payload::{Context, Tier};
use common::{Ran, Rules, call, poll_once, reason};

/// The signer's test, gate:start, policy:activate, the decision.
const FIRST_DECISION: usize = 4;

fn key() -> Arc<SigningKey> {
    Arc::new(SigningKey::from_seed(&[7; 32]))
}

fn called(gate: &Gate, ran: &Ran) -> Result<u8, Refused> {
    gate.run_sync(call("t"), || {
        ran.mark();
        Ok::<_, Refused>(9)
    })
}

fn event(log: &MemoryLog, wanted: &str) -> asqav_receipt::json::Object {
    let found = log.receipts().into_iter().rev().find_map(|entry| match &entry.payload.context {
        Context::Event { name, body } if *name == wanted => Some(body.clone()),
        _ => None,
    });
    found.unwrap()
}

#[test]
fn a_call_goes_on_while_its_receipts_wait_for_a_signature() {
    let (latch, kept) = (Latch::new(), MemoryLog::new());
    let signer = FaultySigner::new(key()).at_signature(FIRST_DECISION, Fault::Hold(latch.clone()));
    let test = TestGate::on(kept.clone(), |builder| {
        builder.policy(AllowAll::new()).signer(Arc::new(signer)).durability(Durability::Journaled)
    });
    let test = test.unwrap();
    let ran = Ran::default();
    assert_eq!(called(test.gate(), &ran), Ok(9));
    assert_eq!((kept.receipts().len(), kept.unsigned().len()), (2, 2), "decision and outcome");
    assert_eq!(event(&kept, "gate:start").get("durability").and_then(Json::as_str), Some("journaled"));
    // An async call is answered by the writer as well.
    let gate = test.gate().clone();
    let mut running = pin!(gate.run(call("t"), || async { Ok::<_, Refused>(8) }));
    let answer = std::iter::repeat_with(|| poll_once(running.as_mut())).find(Poll::is_ready);
    assert!(matches!(answer, Some(Poll::Ready(Ok(8)))));
    latch.open();
    gate.flush().wait().unwrap();
    assert_eq!((kept.receipts().len(), kept.unsigned().len()), (6, 0));
    test.receipts().assert_verified();
}

#[test]
fn a_call_whose_decision_is_not_journaled_does_not_run() {
    let kept = MemoryLog::new();
    let log = FaultyLog::new(kept.clone()).at_journaled(3, Fault::Refuse);
    let latch = Latch::new();
    let signer = FaultySigner::new(key()).at_signature(FIRST_DECISION, Fault::Hold(latch.clone()));
    let test = TestGate::on(kept, |builder| {
        let builder = builder.policy(AllowAll::new()).log(log).signer(Arc::new(signer));
        builder.durability(Durability::Journaled)
    });
    let (test, ran) = (test.unwrap(), Ran::default());
    let answer = called(test.gate(), &ran);
    assert!(matches!(answer, Err(Refused::Closed { cause: Closed::Writing { seq: 3, .. } })), "{answer:?}");
    assert_eq!(ran.times(), 0);
    latch.open();
}

#[test]
fn the_next_gate_signs_what_was_left_and_names_it() {
    let kept = MemoryLog::new();
    let (fails, latch) = (Arc::new(AtomicBool::new(false)), Latch::new());
    let fault = {
        let (fails, latch) = (Arc::clone(&fails), latch.clone());
        move || {
            let fails = fails.load(Ordering::SeqCst);
            fails.then(|| latch.hold()).map(|()| Fault::Refuse)
        }
    };
    let signer = FaultySigner::new(key()).before_each(fault);
    let opened = TestGate::on(kept.clone(), |builder| {
        let builder = builder.policy(AllowAll::new()).signer(Arc::new(signer));
        builder.signing(Signing::Batched).durability(Durability::Journaled)
    });
    let (test, ran) = (opened.unwrap(), Ran::default());
    fails.store(true, Ordering::SeqCst);
    (0..4).for_each(|_| assert_eq!(called(test.gate(), &ran), Ok(9)));
    latch.open();
    let flushed = test.gate().flush().wait();
    assert!(matches!(flushed, Err(Closed::Signing { seq: 3, .. })), "{flushed:?}");
    assert!(matches!(called(test.gate(), &ran), Err(Refused::Closed { .. })));
    drop(test);
    assert_eq!((kept.receipts().len(), kept.unsigned().len()), (2, 8));

    let again = TestGate::on(kept.clone(), |builder| {
        builder.policy(AllowAll::new()).signer(key()).durability(Durability::Journaled)
    });
    let again = again.unwrap();
    assert_eq!(kept.unsigned().len(), 0);
    let body = event(&kept, "gate:recovery");
    assert_eq!(body.get("unsigned_after_seq").and_then(Json::as_count), Some(2));
    assert_eq!(body.get("resumed_after_seq").and_then(Json::as_count), Some(10));
    assert_eq!(called(again.gate(), &ran), Ok(9));
    again.gate().flush().wait().unwrap();
    again.receipts().assert_verified();
}

#[test]
fn a_denial_is_told_once_it_is_journaled() {
    let (latch, kept) = (Latch::new(), MemoryLog::new());
    let signer = FaultySigner::new(key()).at_signature(FIRST_DECISION, Fault::Hold(latch.clone()));
    let test = TestGate::on(kept.clone(), |builder| {
        let policy = Rules::new(|_| Decision::deny(Vec::new(), reason("no")));
        builder.policy(policy).signer(Arc::new(signer)).durability(Durability::Journaled)
    });
    let (test, ran) = (test.unwrap(), Ran::default());
    assert!(matches!(called(test.gate(), &ran), Err(Refused::Denied { .. })));
    assert_eq!((kept.receipts().len(), kept.unsigned().len(), ran.times()), (2, 1, 0));
    latch.open();
}

#[test]
fn the_strong_tier_waits_for_signatures() {
    let opened = TestGate::on(MemoryLog::new(), |builder| {
        builder.policy(AllowAll::new()).tier(Tier::Strong).durability(Durability::Journaled)
    });
    assert!(matches!(opened.unwrap_err(), OpenError::Unawaited));
}

/// Whoever asks for no receipt waits for no signature.
#[test]
fn sessions_steps_and_observations_wait_for_no_signature() {
    for (durability, unsigned) in [(Durability::Journaled, 3), (Durability::Queued, 0)] {
        let (latch, kept) = (Latch::new(), MemoryLog::new());
        let signer = FaultySigner::new(key()).at_signature(FIRST_DECISION, Fault::Hold(latch.clone()));
        let test = TestGate::on(kept.clone(), |builder| {
            builder.policy(AllowAll::new()).signer(Arc::new(signer)).durability(durability)
        });
        let test = test.unwrap();
        let session = test.gate().session("refund").open().wait().unwrap();
        session.step("looked", &7).acknowledged().unwrap().wait().unwrap();
        let observed = test.gate().observe(call("t"), Ending::ok()).unwrap();
        observed.acknowledged().wait().unwrap();
        // All of it would wait for ever for the signer, which is held.
        assert_eq!((kept.receipts().len(), kept.unsigned().len()), (2, unsigned), "{durability:?}");
        latch.open();
        let receipt = test.gate().observe(call("t"), Ending::ok()).unwrap();
        assert_eq!(receipt.wait().unwrap().payload.seq, 6, "whoever asks for the receipt gets it signed");
        test.gate().flush().wait().unwrap();
        assert_eq!((kept.receipts().len(), kept.unsigned().len()), (6, 0));
    }
}
