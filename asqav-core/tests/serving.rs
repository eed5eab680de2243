//! Which gate serves a call, and who runs in which context.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where it fails")]

mod common;

use std::sync::Mutex;

use asqav_core::context::{carry_sync, scope_sync};
use asqav_core::gate::{Door, run_sync_with};
use asqav_core::testing::TestGate;
use asqav_core::{Ending, Gate, Refused, current, scope};
use asqav_receipt::payload::{Phase, Tier};
use common::call;

/// The process default is one for all tests of this file.
static DEFAULT: Mutex<()> = Mutex::new(());

fn through(door: Door, tool: &str) -> Result<(), Refused> {
    run_sync_with(door, call(tool), || Ok(()), |_| Ending::ok(), Err)
}

fn calls(test: &TestGate, tool: &str) -> usize {
    test.receipts().of(tool, Phase::Decision).count()
}

#[test]
fn named_then_session_then_scope_then_installed_then_none() {
    let _alone = DEFAULT.lock().unwrap();
    let [named, session_gate, scoped, installed] = std::array::from_fn(|_| TestGate::new());
    assert_eq!(through(Door::new(), "none"), Err(Refused::NoGate));
    let guard = installed.gate().install();
    through(Door::new(), "installed").unwrap();
    let session = session_gate.gate().session("s").open().wait().unwrap();
    scope_sync(scoped.gate().clone(), || {
        through(Door::new(), "scoped").unwrap();
        session.scope_sync(|| {
            through(Door::new(), "session").unwrap();
            through(Door::of(named.gate()), "named").unwrap();
        });
        through(Door::new(), "scoped").unwrap();
    });
    through(Door::new().session(&session), "session").unwrap();
    let foreign = through(Door::of(named.gate()).session(&session), "foreign");
    assert_eq!(foreign, Err(Refused::ForeignSession));
    drop(guard);
    assert_eq!(through(Door::new(), "none"), Err(Refused::NoGate));

    assert_eq!(calls(&installed, "installed"), 1);
    assert_eq!(calls(&scoped, "scoped"), 2);
    assert_eq!(calls(&session_gate, "session"), 2);
    assert_eq!(calls(&named, "named"), 1);
    let in_session = named.receipts().of("named", Phase::Decision).next().unwrap().session_id.clone();
    assert_eq!(in_session, None, "another gate's session stands in no receipt");
}

#[test]
fn installations_nest_and_a_dropped_guard_flushes() {
    let _alone = DEFAULT.lock().unwrap();
    let (outer, inner) = (TestGate::new(), TestGate::new());
    let outer_guard = outer.gate().install();
    let inner_guard = inner.gate().install();
    assert_eq!(Gate::installed().unwrap().log_id(), inner.gate().log_id());
    // Nobody waits for these.
    let pending = inner.gate().observe(call("t"), Ending::ok()).unwrap();
    drop(pending);
    drop(inner_guard);
    assert_eq!(inner.log().receipts().len(), 2, "dropping the guard waited");
    assert_eq!(Gate::installed().unwrap().log_id(), outer.gate().log_id());
    drop(outer_guard);
    assert!(Gate::installed().is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sync_tools_work_on_a_runtimes_worker() {
    let test = TestGate::new();
    scope(test.gate().clone(), async {
        through(Door::new(), "outer").unwrap();
        tokio::task::yield_now().await;
        through(Door::new(), "outer").unwrap();
    })
    .await;
    let gate = test.gate().clone();
    tokio::task::spawn_blocking(move || through(Door::of(&gate), "blocking")).await.unwrap().unwrap();
    assert_eq!((calls(&test, "outer"), calls(&test, "blocking")), (2, 1));
}

#[tokio::test]
async fn a_scope_ends_where_its_future_does() {
    let test = TestGate::new();
    let inside = scope(test.gate().clone(), async {
        tokio::task::yield_now().await;
        through(Door::new(), "in")
    });
    let outside = async {
        tokio::task::yield_now().await;
        through(Door::new(), "out")
    };
    let (inside, outside) = tokio::join!(inside, outside);
    assert_eq!((inside, outside), (Ok(()), Err(Refused::NoGate)));
}

#[test]
fn a_call_inside_a_call_names_it_as_its_parent() {
    let test = TestGate::new();
    let gate = test.gate();
    gate.run_sync(call("outer"), || {
        gate.run_sync(call("inner"), || Ok::<_, Refused>(()))?;
        let carried = carry_sync(|| gate.run_sync(call("carried"), || Ok::<_, Refused>(())));
        std::thread::scope(|threads| threads.spawn(carried).join().unwrap())?;
        std::thread::scope(|threads| {
            threads.spawn(|| gate.run_sync(call("spawned"), || Ok::<_, Refused>(()))).join().unwrap()
        })
    })
    .unwrap();
    assert_eq!(current(), None);
    let receipts = test.receipts();
    let decision = |tool| receipts.of(tool, Phase::Decision).next().unwrap();
    let outer = decision("outer").action_id;
    assert_eq!(decision("outer").asqav.parents, []);
    assert_eq!(decision("inner").asqav.parents, [outer]);
    assert_eq!(decision("carried").asqav.parents, [outer]);
    assert_eq!(decision("spawned").asqav.parents, []);
    receipts.assert_verified();
}

#[test]
fn a_calls_tier_can_differ_from_its_gates() {
    let test = TestGate::new();
    through(Door::of(test.gate()).tier(Tier::Strong), "strong").unwrap();
    through(Door::of(test.gate()).tier(Tier::Detectable), "detectable").unwrap();
    let receipts = test.receipts();
    assert!(receipts.of("strong", Phase::Decision).all(|payload| payload.asqav.tier == Tier::Strong));
    assert!(receipts.of("strong", Phase::Outcome).all(|payload| payload.asqav.tier == Tier::Strong));
    let observed: Vec<_> =
        receipts.payloads().filter(|payload| payload.asqav.tier == Tier::Detectable).collect();
    assert_eq!(observed.len(), 1);
    receipts.assert_verified();
}
