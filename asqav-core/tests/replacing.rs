//! Policies that come into force, policies that must not, and rules in shadow.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where it fails")]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use asqav_core::Refused;
use asqav_core::gate::{OpenError, ReplaceError};
use asqav_core::policy::{Decision, Policy, PolicyFault, PolicyInput};
use asqav_core::testing::{AllowAll, MemoryLog, TestGate};
use asqav_receipt::digest::Sha256Digest;
use asqav_receipt::id::PolicyId;
use asqav_receipt::payload::{Context, Decision as Wire, Outcome, Payload, Phase, ReceiptType};
use common::{Ran, Rules, call, reason, rule};

/// Allows one tool and nothing else.
struct Only {
    id: PolicyId,
    tool: &'static str,
}

impl Only {
    fn new(tool: &'static str) -> Self {
        Self { id: PolicyId::parse("only").unwrap(), tool }
    }
}

impl Policy for Only {
    fn id(&self) -> &PolicyId {
        &self.id
    }

    fn digest(&self) -> Sha256Digest {
        Sha256Digest::of(self.tool.as_bytes())
    }

    fn decide(&self, input: &PolicyInput<'_>) -> Decision {
        match input.call.tool.as_str() == self.tool {
            true => Decision::allow(vec![rule("only")], Vec::new()),
            false => Decision::deny(Vec::new(), reason("no_rule")),
        }
    }
}

/// Allows everything and does not say that it means to.
struct Careless(PolicyId);

impl Careless {
    fn new() -> Self {
        Self(PolicyId::parse("careless").unwrap())
    }
}

impl Policy for Careless {
    fn id(&self) -> &PolicyId {
        &self.0
    }

    fn digest(&self) -> Sha256Digest {
        Sha256Digest::of(b"careless")
    }

    fn decide(&self, _: &PolicyInput<'_>) -> Decision {
        Decision::allow(Vec::new(), Vec::new())
    }
}

fn runs(test: &TestGate, tool: &str) -> Result<(), Refused> {
    test.gate().run_sync(call(tool), || Ok(()))
}

fn text<'a>(event: &'a Payload, member: &str) -> Option<&'a str> {
    let Context::Event { body, .. } = &event.context else { panic!("no event") };
    body.get(member).map(|value| value.as_str().unwrap())
}

#[test]
fn another_policy_decides_from_its_receipt_on() {
    let test = TestGate::with_policy(Only::new("a"));
    let [old, new] = ["a", "b"].map(|tool| Sha256Digest::of(tool.as_bytes()));
    runs(&test, "a").unwrap();
    runs(&test, "b").unwrap_err();
    assert_eq!(test.gate().policy_digest(), old);
    let permit = test.gate().admit(call("a")).wait().unwrap();
    test.gate().replace_policy(Ok(Only::new("b"))).unwrap().wait().unwrap();
    assert_eq!(test.gate().policy_digest(), new);
    runs(&test, "a").unwrap_err();
    runs(&test, "b").unwrap();
    permit.complete(asqav_core::Ending::ok()).wait().unwrap();

    let receipts = test.receipts();
    let activations: Vec<_> = receipts.events("policy:activate").collect();
    assert_eq!(activations.len(), 2);
    assert_eq!(activations[1].receipt_type, ReceiptType::ConfigurationChange);
    let tagged = [old, new].map(|digest| digest.to_tagged());
    assert_eq!([text(activations[0], "old"), text(activations[0], "new")], [None, Some(&*tagged[0])]);
    assert_eq!(
        [text(activations[1], "old"), text(activations[1], "new")],
        tagged.each_ref().map(|d| Some(&**d))
    );
    assert_eq!(text(activations[1], "self_test"), Some("refused"));
    for decision in receipts.payloads().filter(|payload| payload.asqav.phase == Phase::Decision) {
        let wanted = if decision.seq < activations[1].seq { old } else { new };
        assert_eq!(decision.policy_digest, wanted, "{}", receipts.table());
    }
    let late = receipts.of("a", Phase::Outcome).last().unwrap();
    assert!(late.seq > activations[1].seq);
    assert_eq!(late.policy_digest, old, "an outcome belongs to its decision");
    receipts.assert_verified();
}

#[test]
fn a_bad_policy_changes_nothing_and_leaves_its_denial() {
    let wanted = Sha256Digest::of(b"wanted");
    let faults = [
        (PolicyFault::Missing("x".to_owned()), "policy_missing"),
        (PolicyFault::from(std::io::Error::from(std::io::ErrorKind::NotFound)), "policy_missing"),
        (PolicyFault::from(std::io::Error::other("x")), "policy_unreadable"),
        (PolicyFault::Unparsable("x".to_owned()), "policy_unparsable"),
        (PolicyFault::Example("x".to_owned()), "policy_example_failed"),
        (PolicyFault::pinned(Only::new("b"), wanted).err().unwrap(), "policy_digest_differs"),
    ];
    for (fault, code) in faults {
        let test = TestGate::with_policy(Only::new("a"));
        let failed = test.gate().replace_policy(Err::<Only, _>(fault.clone())).unwrap_err();
        assert!(matches!(failed, ReplaceError::Fault(found) if found == fault));
        runs(&test, "a").unwrap();
        runs(&test, "b").unwrap_err();
        let receipts = test.receipts();
        let rejection = receipts.events("policy:reject").next().unwrap();
        assert_eq!(rejection.reason, Some(reason(code)));
        assert_eq!(rejection.decision, Wire::Deny);
        let kept = Sha256Digest::of(b"a").to_tagged();
        assert_eq!(text(rejection, "kept"), Some(&*kept));
        assert_eq!(receipts.events("policy:activate").count(), 1);
        receipts.assert_verified();

        // The same fault at the start: the gate opens and lets nothing run.
        let unarmed = TestGate::with(|builder| builder.policy_or_deny(Err::<Only, _>(fault)));
        let refused = runs(&unarmed, "a").unwrap_err();
        assert!(matches!(refused, Refused::Denied { reason, .. } if reason.as_str() == code));
        unarmed.receipts().assert_denied("a", code);
        unarmed.gate().replace_policy(Ok(Only::new("a"))).unwrap().wait().unwrap();
        runs(&unarmed, "a").unwrap();
        unarmed.receipts().assert_verified();
    }
    let pinned = PolicyFault::pinned(Only::new("b"), Sha256Digest::of(b"b")).unwrap();
    assert_eq!(pinned.tool, "b");
}

#[test]
fn a_gate_does_not_arm_unless_a_forbidden_call_is_refused() {
    let log = MemoryLog::new();
    let failed = TestGate::on(log.clone(), |builder| builder.policy(Careless::new())).unwrap_err();
    assert!(matches!(failed, OpenError::Policy(PolicyFault::SelfTest(_))), "{failed}");
    assert_eq!(log.receipts().len(), 0, "nothing was written");

    let test = TestGate::with_policy(Only::new("a"));
    assert!(matches!(
        test.gate().replace_policy(Ok(Careless::new())),
        Err(ReplaceError::Fault(PolicyFault::SelfTest(_)))
    ));
    runs(&test, "b").unwrap_err();
    let receipts = test.receipts();
    let rejection = receipts.events("policy:reject").next().unwrap();
    assert_eq!(rejection.reason, Some(reason("policy_self_test_failed")));

    let meant = TestGate::with_policy(AllowAll::new());
    let receipts = meant.receipts();
    assert_eq!(text(receipts.events("policy:activate").next().unwrap(), "self_test"), Some("skipped"));
}

/// A policy that panics in its self-test, and one that replaces itself while
/// it decides.
#[test]
fn a_policy_may_panic_or_change_the_policy_while_it_is_asked() {
    struct Panics(PolicyId);
    impl Policy for Panics {
        fn id(&self) -> &PolicyId {
            &self.0
        }
        fn digest(&self) -> Sha256Digest {
            Sha256Digest::of(b"panics")
        }
        fn decide(&self, _: &PolicyInput<'_>) -> Decision {
            panic!("at every call")
        }
    }
    let panics = Panics(PolicyId::parse("panics").unwrap());
    let failed = TestGate::on(MemoryLog::new(), |builder| builder.policy(panics)).unwrap_err();
    assert!(matches!(failed, OpenError::Policy(PolicyFault::SelfTest(_))), "{failed}");

    let gate: Arc<std::sync::OnceLock<asqav_core::Gate>> = Arc::default();
    let (own, ran) = (Arc::clone(&gate), Ran::default());
    let test = TestGate::with_policy(Rules::new(move |input| {
        if let (Some(gate), "t") = (own.get(), input.call.tool.as_str()) {
            drop(gate.replace_policy(Ok(Only::new("b"))).unwrap());
        }
        Decision::allow(vec![rule("old")], Vec::new())
    }));
    gate.set(test.gate().clone()).unwrap();
    let refused = test.gate().run_sync(call("t"), || {
        ran.mark();
        Ok::<_, Refused>(())
    });
    assert!(matches!(refused, Err(Refused::Denied { .. })), "the new policy has the last word");
    assert_eq!(ran.times(), 0);
    test.receipts().assert_denied("t", "no_rule");
}

#[test]
fn a_gate_without_a_policy_gets_none() {
    let test = TestGate::new();
    assert!(matches!(test.gate().replace_policy(Ok(Only::new("a"))), Err(ReplaceError::NoPolicy)));
    runs(&test, "t").unwrap();
}

/// Calls from many threads while policies change: each decision is that of the
/// policy whose activation stands before it.
#[test]
fn every_decision_is_by_the_policy_in_force() {
    let test = TestGate::with_policy(Only::new("a"));
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !done.load(Ordering::SeqCst) {
                    assert!(!matches!(runs(&test, "a"), Err(Refused::Closed { .. })));
                }
            });
        }
        for round in 0..20 {
            let policy = Only::new(if round % 2 == 0 { "b" } else { "a" });
            test.gate().replace_policy(Ok(policy)).unwrap().wait().unwrap();
        }
        done.store(true, Ordering::SeqCst);
    });
    let receipts = test.receipts();
    let mut in_force = None;
    let mut decisions = 0;
    for payload in receipts.payloads() {
        if payload.receipt_type == ReceiptType::ConfigurationChange {
            in_force = Some(text(payload, "new").unwrap().to_owned());
        } else if payload.asqav.phase == Phase::Decision {
            assert_eq!(Some(payload.policy_digest.to_tagged()), in_force, "seq {}", payload.seq);
            decisions += 1;
        }
    }
    assert!(decisions > 0);
    receipts.assert_verified();
}

#[test]
fn rules_in_shadow_are_named_and_restrict_nothing() {
    let test = TestGate::with_policy(Rules::new(|_| {
        let mut decision = Decision::allow(vec![rule("yes")], Vec::new());
        decision.shadow = ["s1", "s2", "s3", "s4"].map(rule).to_vec();
        decision
    }));
    runs(&test, "t").unwrap();
    let receipts = test.receipts();
    receipts.assert_outcomes("t", &[Outcome::Ok]);
    let decision = receipts.of("t", Phase::Decision).next().unwrap();
    assert_eq!(decision.decision, Wire::Allow);
    let policy = decision.asqav.policy.as_ref().unwrap();
    assert_eq!(policy.shadow, ["s1", "s2", "s3"].map(rule), "the first three");
    assert_eq!(policy.rules, [rule("yes")]);
    receipts.assert_verified();
}
