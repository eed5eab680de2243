//! What happens when receipts cannot be recorded.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where it fails")]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use asqav_core::key::SigningKey;
use asqav_core::refused::Closed;
use asqav_core::sign::{SignError, Signer};
use asqav_core::testing::{AllowAll, Fault, FaultyLog, FaultySigner, MemoryLog, TestGate};
use asqav_core::{Refused, ToolCall};
use asqav_receipt::digest::Sha256Digest;
use asqav_receipt::id::KeyId;
use asqav_receipt::payload::{Outcome, Phase};
use common::{Ran, Rules, call};

/// A gate whose log fails at receipt `seq`.
fn failing_at(seq: u64, fault: Fault) -> TestGate {
    let kept = MemoryLog::new();
    let log = FaultyLog::new(kept.clone()).at_receipt(seq, fault);
    TestGate::on(kept, |builder| builder.policy(AllowAll::new()).log(log)).unwrap()
}

#[tokio::test]
async fn a_result_comes_back_though_its_receipt_cannot_be_written() {
    // gate:start, policy:activate, decision, outcome.
    for fault in [Fault::Refuse, Fault::Unsynced, Fault::Panic] {
        let test = failing_at(4, fault);
        let result = test.gate().run(call("t"), || async { Ok::<_, Refused>("result") }).await;
        assert_eq!(result, Ok("result"));
        assert!(matches!(test.gate().closed(), Some(Closed::Writing { seq: 4, .. })), "{:?}", test.gate());

        let ran = Ran::default();
        let next = test.gate().run_sync(call("next"), || {
            ran.mark();
            Ok::<_, Refused>(())
        });
        assert!(matches!(next, Err(Refused::Closed { .. })));
        assert_eq!(ran.times(), 0, "a closed gate lets nothing run");
    }
}

#[test]
fn a_sync_result_comes_back_as_well() {
    let test = failing_at(4, Fault::Refuse);
    assert_eq!(test.gate().run_sync(call("t"), || Ok::<_, Refused>(9)), Ok(9));
    assert!(test.gate().closed().is_some());
}

#[tokio::test]
async fn a_decision_that_cannot_be_written_lets_nothing_run() {
    for fault in [Fault::Refuse, Fault::Unsynced, Fault::Panic] {
        let test = failing_at(3, fault);
        let ran = Ran::default();
        let result = test
            .gate()
            .run(call("t"), || async {
                ran.mark();
                Ok::<_, Refused>(())
            })
            .await;
        assert!(matches!(result, Err(Refused::Closed { cause: Closed::Writing { seq: 3, .. } })));
        assert_eq!(ran.times(), 0);
    }
}

/// A device that loses bytes of what it signs from the `from`th signature on.
struct Lossy {
    key: SigningKey,
    signed: AtomicUsize,
    from: usize,
}

impl Signer for Lossy {
    fn algorithm(&self) -> &'static str {
        self.key.algorithm()
    }
    fn key_id(&self) -> &KeyId {
        self.key.key_id()
    }
    fn public_key(&self) -> &[u8] {
        self.key.public_key()
    }
    fn thumbprint(&self) -> &Sha256Digest {
        self.key.thumbprint()
    }
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let mut signature = self.key.sign(message)?;
        if self.signed.fetch_add(1, Ordering::SeqCst) >= self.from {
            signature.pop();
        }
        Ok(signature)
    }
}

#[test]
fn a_signature_of_another_length_is_none() {
    // The self-test, gate:start; then the decision.
    let signer = Lossy { key: SigningKey::from_seed(&[7; 32]), signed: AtomicUsize::new(0), from: 2 };
    let log = MemoryLog::new();
    let gate = asqav_core::Gate::builder("a".parse().unwrap(), "i".parse().unwrap());
    let gate = gate.signer(Arc::new(signer)).without_policy().log(log.clone()).open().unwrap();
    let ran = Ran::default();
    let refused = gate.run_sync(call("t"), || {
        ran.mark();
        Ok::<_, Refused>(())
    });
    assert!(matches!(refused, Err(Refused::Closed { cause: Closed::Signing { seq: 2, .. } })), "{refused:?}");
    assert_eq!(ran.times(), 0);
    assert_eq!(log.receipts().len(), 1, "nothing is in the log that its reader refuses");
}

#[test]
fn a_denial_that_cannot_be_written_is_no_denial_but_a_closed_gate() {
    let deny = Rules::new(|_| asqav_core::policy::Decision::deny(Vec::new(), common::reason("no_rule")));
    let kept = MemoryLog::new();
    let log = FaultyLog::new(kept.clone()).at_receipt(3, Fault::Refuse);
    let test = TestGate::on(kept, |builder| builder.policy(deny).log(log)).unwrap();
    let refused = test.gate().run_sync(call("t"), || Ok::<_, Refused>(())).unwrap_err();
    assert!(matches!(refused, Refused::Closed { .. }), "{refused}");
}

#[test]
fn charges_go_back_when_the_decision_is_not_recorded() {
    use asqav_core::limits::{LimitError, Limits, MemoryLimits};
    use asqav_core::policy::Charge;
    use asqav_receipt::time::Timestamp;
    use std::sync::Arc;

    struct Shared(Arc<MemoryLimits>);
    impl Limits for Shared {
        fn take(&self, charges: &[Charge], now: Timestamp) -> Result<(), LimitError> {
            self.0.take(charges, now)
        }
        fn refund(&self, charges: &[Charge], taken_at: Timestamp) {
            self.0.refund(charges, taken_at);
        }
        fn settle(&self, charge: &Charge, actual: u64, taken_at: Timestamp) -> Result<(), LimitError> {
            self.0.settle(charge, actual, taken_at)
        }
    }
    let limits = Arc::new(MemoryLimits::new());
    let kept = MemoryLog::new();
    let open = |log: FaultyLog| {
        let limits = Shared(Arc::clone(&limits));
        TestGate::on(kept.clone(), |builder| builder.policy(Rules::limited(1)).limits(limits).log(log))
            .unwrap()
    };
    let test = open(FaultyLog::new(kept.clone()).at_receipt(3, Fault::Refuse));
    test.gate().run_sync(call("t"), || Ok::<_, Refused>(())).unwrap_err();
    drop(test);
    let test = open(FaultyLog::new(kept.clone()));
    test.gate().run_sync(call("t"), || Ok::<_, Refused>(())).unwrap();
    test.receipts().assert_verified();
}

#[test]
fn a_signer_that_fails_closes_the_gate_before_the_body() {
    use asqav_core::key::SigningKey;
    use std::sync::Arc;

    let kept = MemoryLog::new();
    // One signature for the self-test, two for the start.
    let signer = FaultySigner::new(Arc::new(SigningKey::from_seed(&[7; 32]))).at_signature(4, Fault::Refuse);
    let test =
        TestGate::on(kept, |builder| builder.policy(AllowAll::new()).signer(Arc::new(signer))).unwrap();
    let ran = Ran::default();
    let refused = test
        .gate()
        .run_sync(call("t"), || {
            ran.mark();
            Ok::<_, Refused>(())
        })
        .unwrap_err();
    assert!(matches!(refused, Refused::Closed { cause: Closed::Signing { .. } }), "{refused}");
    assert_eq!(ran.times(), 0);
}

#[test]
fn what_was_open_is_sealed_as_unknown_by_the_next_start() {
    let kept = MemoryLog::new();
    let log = FaultyLog::new(kept.clone()).at_receipt(6, Fault::Refuse);
    let first = TestGate::on(kept.clone(), |builder| builder.policy(AllowAll::new()).log(log)).unwrap();
    let session = first.gate().session("s").open().wait().unwrap();
    let arguments = ToolCall::builder("t", "a:b").argument("x", &1).build();
    let permit = session.scope_sync(|| first.gate().admit(arguments).wait().unwrap());
    // The step is receipt 5 … and receipt 6 closes the gate.
    session.step("one", &1).wait().unwrap();
    session.step("two", &2).wait().unwrap_err();
    drop(permit);
    drop(session);
    drop(first);
    assert!(!kept.is_sealed());

    let second = TestGate::on(kept, |builder| builder.policy(AllowAll::new())).unwrap();
    let receipts = second.receipts();
    let actions: Vec<_> =
        receipts.payloads().map(|payload| payload.action_type.as_str().to_owned()).collect();
    assert_eq!(
        actions,
        [
            "gate:start",
            "policy:activate",
            "session:open",
            "a:b",
            "step:one",
            "gate:recovery",
            "a:b",
            "session:close",
            "gate:start",
            "policy:activate"
        ]
    );
    receipts.assert_outcomes("t", &[Outcome::Unknown]);
    let outcome = receipts.of("t", Phase::Outcome).next().unwrap();
    assert!(outcome.asqav.recovered);
    assert_eq!(outcome.asqav.parents, [receipts.of("t", Phase::Decision).next().unwrap().action_id]);
    let close = receipts.events("session:close").next().unwrap();
    let text = String::from_utf8(close.to_canonical()).unwrap();
    assert!(
        text.contains(r#""session:close":{"count":4,"#) && text.contains(r#""status":"aborted""#),
        "{text}"
    );
    assert!(close.asqav.recovered);
    receipts.assert_verified();
}
