//! The kill switch, frozen sessions, and the bound on denial receipts.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where it fails")]

mod common;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use asqav_core::gate::{GateBuilder, Switch};
use asqav_core::policy::{Decision, Rate};
use asqav_core::testing::{AllowAll, Fault, FaultyLog, Latch, MemoryLog, TestGate};
use asqav_core::{Ending, Refused};
use asqav_receipt::json::Json;
use asqav_receipt::payload::{Context, Decision as Wire, Outcome, Payload, Phase, Tier};
use common::{Ran, Rules, call, reason, rule};

fn runs(test: &TestGate, tool: &str) -> Result<(), Refused> {
    test.gate().run_sync(call(tool), || Ok(()))
}

fn body(event: &Payload, member: &str) -> Json {
    let Context::Event { body, .. } = &event.context else { panic!("no event") };
    body.get(member).unwrap().clone()
}

/// Denies the tool `no` and allows every other one.
fn one_forbidden() -> Rules {
    Rules::new(|input| match input.call.tool.as_str() {
        "no" => Decision::deny(vec![rule("no")], reason("denied_by_rule")),
        _ => Decision::allow(vec![rule("yes")], Vec::new()),
    })
}

#[tokio::test]
async fn a_halted_gate_runs_nothing_and_says_so() {
    let test = TestGate::with_policy(AllowAll::new());
    runs(&test, "before").unwrap();
    test.gate().halt("incident-7").await.unwrap();
    let ran = Ran::default();
    let refused = test
        .gate()
        .run(call("halted"), || async {
            ran.mark();
            Ok::<_, Refused>(())
        })
        .await
        .unwrap_err();
    assert!(test.gate().is_halted());
    test.gate().resume().await.unwrap();
    runs(&test, "after").unwrap();

    assert_eq!(ran.times(), 0);
    let receipts = test.receipts();
    receipts.assert_denied("halted", "emergency_halt");
    let denial = receipts.of("halted", Phase::Decision).next().unwrap();
    assert_eq!(refused, Refused::Halted { receipt: denial.action_id });
    assert_eq!(denial.decision, Wire::Deny);
    assert!(denial.controls.halted && denial.controls.policy_matched.is_none(), "no policy was asked");
    let halt = receipts.events("gate:halt").next().unwrap();
    assert_eq!(body(halt, "why").as_str(), Some("incident-7"));
    assert_eq!(receipts.events("gate:resume").count(), 1);
    receipts.assert_outcomes("before", &[Outcome::Ok]);
    receipts.assert_outcomes("after", &[Outcome::Ok]);
    receipts.assert_verified();
}

/// The switch is thrown while the disk is busy with the decision receipt.
#[tokio::test]
async fn a_call_whose_decision_is_durable_is_stopped_before_its_body() {
    for sync in [true, false] {
        let latch = Latch::new();
        let kept = MemoryLog::new();
        // gate:start, policy:activate, the decision.
        let log = FaultyLog::new(kept.clone()).at_receipt(3, Fault::Hold(latch.clone()));
        let test = TestGate::on(kept, |builder| builder.policy(Rules::limited(1)).log(log)).unwrap();
        let gate = test.gate().clone();
        let calling = std::thread::spawn(move || {
            let ran = Ran::default();
            let admit = gate.admit(call("t"));
            let refused = if sync {
                admit.wait().map(|_| ran.mark())
            } else {
                let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                runtime.block_on(admit).map(|_| ran.mark())
            };
            (refused.unwrap_err(), ran.times())
        });
        latch.wait_for_arrival();
        let halted = test.gate().halt("stop it");
        latch.open();
        let (refused, ran) = calling.join().unwrap();
        halted.wait().unwrap();

        assert_eq!(ran, 0);
        let receipts = test.receipts();
        assert_eq!(receipts.of("t", Phase::Decision).next().unwrap().decision, Wire::Allow);
        receipts.assert_outcomes("t", &[Outcome::Abandoned]);
        let outcome = receipts.of("t", Phase::Outcome).next().unwrap();
        assert_eq!(outcome.reason, Some(reason("emergency_halt")), "the receipt says why");
        assert_eq!(outcome.asqav.started_at, None);
        assert_eq!(refused, Refused::Halted { receipt: outcome.action_id });
        let why = body(receipts.events("gate:halt").next().unwrap(), "why");
        assert!(why.as_str().unwrap().starts_with("stop_it~sha256:"), "a text that is no code: {why:?}");
        receipts.assert_verified();

        test.gate().resume().wait().unwrap();
        // The one call that the limit allows was given back.
        runs(&test, "t").unwrap();
    }
}

#[test]
fn a_gate_without_a_policy_and_one_of_the_detectable_tier_halt_as_well() {
    let detectable = TestGate::with(|builder| builder.without_policy().tier(Tier::Detectable));
    for test in [TestGate::new(), detectable] {
        test.gate().halt("h").wait().unwrap();
        assert!(matches!(runs(&test, "t"), Err(Refused::Halted { .. })));
        // What has happened already is still recorded.
        test.gate().observe(call("seen"), Ending::ok()).unwrap().wait().unwrap();
        let receipts = test.receipts();
        receipts.assert_denied("t", "emergency_halt");
        receipts.assert_verified();
    }
}

struct Broken;

impl Switch for Broken {
    fn is_thrown(&self) -> bool {
        panic!("no idea")
    }
}

#[test]
fn a_switch_from_outside_stops_calls_until_it_is_taken_back() {
    let flag = Arc::new(AtomicBool::new(false));
    let test =
        TestGate::with(|builder: GateBuilder| builder.policy(AllowAll::new()).kill_switch(Arc::clone(&flag)));
    runs(&test, "t").unwrap();
    flag.store(true, Ordering::SeqCst);
    assert!(matches!(runs(&test, "t"), Err(Refused::Halted { .. })));
    test.gate().resume().wait().unwrap();
    assert!(matches!(runs(&test, "t"), Err(Refused::Halted { .. })), "`resume` is about `halt` only");
    flag.store(false, Ordering::SeqCst);
    runs(&test, "t").unwrap();

    let broken = TestGate::with(|builder| builder.policy(AllowAll::new()).kill_switch(Broken));
    assert!(matches!(runs(&broken, "t"), Err(Refused::Halted { .. })), "it cannot tell");
    broken.receipts().assert_denied("t", "emergency_halt");
}

#[test]
fn a_session_is_frozen_after_its_denials_and_no_other_one_is() {
    let two = NonZeroU32::new(2).unwrap();
    let test = TestGate::with(|builder| builder.policy(one_forbidden()).freeze_sessions_after(two));
    let [bad, good] = ["bad", "good"].map(|name| test.gate().session(name).open().wait().unwrap());
    let in_bad = |tool: &str| bad.scope_sync(|| runs(&test, tool));
    in_bad("yes").unwrap();
    assert!(matches!(in_bad("no"), Err(Refused::Denied { .. })));
    in_bad("yes").unwrap();
    assert!(matches!(in_bad("no"), Err(Refused::Denied { .. })));
    let frozen = in_bad("late").unwrap_err();
    good.scope_sync(|| runs(&test, "yes")).unwrap();
    runs(&test, "yes").unwrap();

    let receipts = test.receipts();
    receipts.assert_denied("late", "session_frozen");
    let denial = receipts.of("late", Phase::Decision).next().unwrap();
    assert_eq!(frozen, Refused::SessionFrozen { receipt: denial.action_id });
    assert_eq!(denial.session_id.as_ref(), Some(bad.id()));
    receipts.assert_verified();
}

#[test]
fn a_flood_of_denials_is_bounded_and_counted() {
    let three = Rate::new(3, Duration::from_secs(30));
    let test = TestGate::with(|builder| builder.policy(one_forbidden()).denial_receipts(three));
    let refused: Vec<_> = (0..10).map(|_| runs(&test, "no").unwrap_err()).collect();
    assert!(refused[..3].iter().all(|refused| matches!(refused, Refused::Denied { .. })));
    assert!(
        refused[3..]
            .iter()
            .all(|refused| *refused == Refused::TooManyDenials { retry_after: Duration::from_secs(10) }
                && refused.receipt().is_none()),
        "{refused:?}"
    );
    runs(&test, "yes").unwrap();
    assert_eq!(test.receipts().of("no", Phase::Decision).count(), 3);
    assert_eq!(test.receipts().events("gate:denials").count(), 0);

    test.clock().advance(Duration::from_secs(10));
    assert!(matches!(runs(&test, "no"), Err(Refused::Denied { .. })), "there is room for one again");
    for _ in 0..2 {
        assert!(matches!(runs(&test, "no"), Err(Refused::TooManyDenials { .. })));
    }
    test.gate().shutdown().wait().unwrap();
    let receipts = test.receipts();
    let counts: Vec<_> = receipts.events("gate:denials").map(|event| body(event, "count")).collect();
    assert_eq!(counts, [Json::count(7), Json::count(2)], "{}", receipts.table());
    let first = receipts.events("gate:denials").next().unwrap();
    assert_eq!(body(first, "until").as_str(), Some("2026-01-01T00:00:00.000000Z"));
    assert_eq!(receipts.of("no", Phase::Decision).count(), 4);
    receipts.assert_verified();
}
