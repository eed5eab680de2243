//! Sessions group receipts, and never mix.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where it fails")]

mod common;

use std::collections::HashMap;

use asqav_core::session::SessionStatus;
use asqav_core::testing::{AllowAll, Receipts, TestGate};
use asqav_core::{Refused, carry, current};
use asqav_receipt::digest::Sha3Digest;
use asqav_receipt::json::{Json, Object};
use asqav_receipt::merkle::{Frontier, Sha3Tree};
use asqav_receipt::payload::{Context, Outcome, Phase};
use common::{Rules, call};

fn body(context: &Context) -> &Object {
    match context {
        Context::Event { body, .. } => body,
        other => panic!("{other:?}"),
    }
}

/// Count and root over a session's receipts, computed from the log alone.
fn recount(receipts: &Receipts, session: &str) -> (u64, String) {
    let mut tree = Frontier::<Sha3Tree>::new();
    for entry in receipts.entries() {
        let payload = &entry.payload;
        if payload.session_id.as_ref().is_none_or(|id| id.as_str() != session) {
            continue;
        }
        if payload.action_type.as_str() == "session:close" {
            break;
        }
        tree.push(&entry.canonical);
    }
    (tree.size(), Sha3Digest::from_bytes(tree.root()).to_hex())
}

/// Asserts that each `session:close` tells what the log holds.
fn assert_closes(receipts: &Receipts, wanted: usize) {
    let closes: Vec<_> = receipts.events("session:close").collect();
    assert_eq!(closes.len(), wanted);
    for close in closes {
        let session = close.session_id.as_ref().unwrap().as_str();
        let (count, root) = recount(receipts, session);
        assert_eq!(body(&close.context).get("count").and_then(Json::as_count), Some(count));
        assert_eq!(body(&close.context).get("root").and_then(Json::as_str), Some(&*root));
    }
    receipts.assert_verified();
}

#[tokio::test]
async fn a_session_groups_its_steps_and_calls() {
    let test = TestGate::with_policy(AllowAll::new());
    let session = test.gate().session("refund").open().await.unwrap();
    session.step("fetch", &serde_json::json!({"order": 17})).await.unwrap();
    let inside = session.scope(async {
        test.gate()
            .run(call("in"), || async {
                Ok::<_, Refused>(current().unwrap().session_id.unwrap().to_string())
            })
            .await
    });
    assert_eq!(inside.await.unwrap(), session.id().as_str());
    session.scope_sync(|| test.gate().run_sync(call("in"), || Ok::<_, Refused>(())).unwrap());
    test.gate().run(call("out"), || async { Ok::<_, Refused>(()) }).await.unwrap();
    let id = session.id().clone();
    session.close(SessionStatus::Completed).await.unwrap();

    let receipts = test.receipts();
    assert!(receipts.of("in", Phase::Decision).all(|payload| payload.session_id.as_ref() == Some(&id)));
    assert!(receipts.of("in", Phase::Outcome).all(|payload| payload.session_id.as_ref() == Some(&id)));
    assert!(receipts.of("out", Phase::Decision).all(|payload| payload.session_id.is_none()));
    let step = receipts.payloads().find(|payload| payload.asqav.phase == Phase::Step).unwrap();
    assert_eq!(step.action_type.as_str(), "step:fetch");
    let close = receipts.events("session:close").next().unwrap();
    assert_eq!(body(&close.context).get("status").and_then(Json::as_str), Some("completed"));
    assert_eq!(body(&close.context).get("count").and_then(Json::as_count), Some(6));
    assert_closes(&receipts, 1);
}

#[test]
fn a_dropped_session_is_aborted_and_nothing_joins_a_closed_one() {
    let test = TestGate::new();
    let session = test.gate().session("dropped").open().wait().unwrap();
    drop(session);
    let session = test.gate().session("closed").open().wait().unwrap();
    let permit = session.scope_sync(|| test.gate().admit(call("outlives")).wait().unwrap());
    session.scope_sync(|| {
        let inner = test.gate().session("other").open().wait().unwrap();
        inner.close(SessionStatus::Failed).wait().unwrap();
    });
    let late = session.scope(test.gate().run(call("late"), || async { Ok::<_, Refused>(()) }));
    session.close(SessionStatus::Completed).wait().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert_eq!(runtime.block_on(late), Err(Refused::SessionClosed));
    drop(permit);
    let receipts = test.receipts();
    let statuses: Vec<_> = receipts
        .events("session:close")
        .map(|close| body(&close.context).get("status").and_then(Json::as_str).unwrap().to_owned())
        .collect();
    assert_eq!(statuses, ["aborted", "failed", "completed"]);
    receipts.assert_outcomes("outlives", &[Outcome::Cancelled]);
    receipts.assert_outcomes("late", &[]);
    assert_closes(&receipts, 3);
}

#[test]
fn a_child_session_names_its_parent() {
    let test = TestGate::new();
    let parent = test.gate().session("parent").open().wait().unwrap();
    let child = parent.session("child").open().wait().unwrap();
    assert_ne!(parent.id(), child.id());
    child.scope_sync(|| test.gate().run_sync(call("t"), || Ok::<_, Refused>(())).unwrap());
    let (parent_open, child_id) = (parent.opened_by(), child.id().clone());
    drop(child);
    drop(parent);
    let receipts = test.receipts();
    let opens: Vec<_> = receipts.events("session:open").collect();
    assert_eq!(opens[0].asqav.parents, []);
    assert_eq!(opens[1].asqav.parents, [parent_open]);
    assert_eq!(receipts.of("t", Phase::Decision).next().unwrap().session_id.as_ref(), Some(&child_id));
    assert_closes(&receipts, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_four_concurrent_sessions_never_mix() {
    let test = TestGate::with_policy(AllowAll::new());
    let tasks: Vec<_> = (0..64)
        .map(|number| {
            let gate = test.gate().clone();
            tokio::spawn(async move {
                let session = gate.session(&format!("s{number}")).open().await.unwrap();
                let tool = format!("tool-{number}");
                session
                    .scope(async {
                        for _ in 0..3 {
                            let inner = gate.clone();
                            let (outer, nested) = (call(&tool), call(&tool));
                            let body = move || async move {
                                tokio::task::yield_now().await;
                                tokio::spawn(carry(inner.run(nested, || async { Ok::<_, Refused>(()) })))
                                    .await
                                    .unwrap()
                            };
                            gate.run(outer, body).await.unwrap();
                        }
                    })
                    .await;
                session.step("done", &number).await.unwrap();
                let id = session.id().clone();
                session.close(SessionStatus::Completed).await.unwrap();
                (tool, id)
            })
        })
        .collect();
    let mut sessions = HashMap::new();
    for task in tasks {
        let (tool, id) = task.await.unwrap();
        sessions.insert(tool, id);
    }
    let receipts = test.receipts();
    assert_eq!(receipts.entries().len(), 2 + 64 * (1 + 3 * 4 + 1 + 1));
    for payload in receipts.payloads() {
        if let Some(tool) = &payload.tool_name {
            assert_eq!(payload.session_id.as_ref(), sessions.get(tool.as_str()), "{tool}");
        }
    }
    assert_closes(&receipts, 64);
}

#[tokio::test]
async fn a_spawned_task_carries_a_session_only_when_told() {
    let test = TestGate::new();
    let session = test.gate().session("s").open().await.unwrap();
    let run = |tool: &str| {
        let (gate, call) = (test.gate().clone(), call(tool));
        async move { gate.run(call, || async { Ok::<_, Refused>(()) }).await.unwrap() }
    };
    session
        .scope(async {
            tokio::spawn(run("leaked")).await.unwrap();
            tokio::spawn(carry(run("carried"))).await.unwrap();
        })
        .await;
    let receipts = test.receipts();
    let session_of = |tool| receipts.of(tool, Phase::Decision).next().unwrap().session_id.clone();
    assert_eq!(session_of("leaked"), None);
    assert_eq!(session_of("carried").as_ref(), Some(session.id()));
}

#[test]
fn policies_see_the_session() {
    let policy = Rules::new(|input| match input.session {
        Some(_) => asqav_core::policy::Decision::allow(vec![common::rule("in")], Vec::new()),
        None => asqav_core::policy::Decision::deny(Vec::new(), common::reason("no_session")),
    });
    let test = TestGate::with_policy(policy);
    test.gate().run_sync(call("out"), || Ok::<_, Refused>(())).unwrap_err();
    let session = test.gate().session("s").open().wait().unwrap();
    session.scope_sync(|| test.gate().run_sync(call("in"), || Ok::<_, Refused>(())).unwrap());
}

#[test]
fn names_and_steps_that_do_not_fit_are_shown_in_a_short_form() {
    let test = TestGate::new();
    let session = test.gate().session(&"n".repeat(500)).open().wait().unwrap();
    session.step(&"l".repeat(500), &1).wait().unwrap();
    let refused = session.step("nan", &f64::NAN).wait().unwrap_err();
    assert!(matches!(refused, Refused::Unrepresentable { .. }));
    session.close(SessionStatus::Completed).wait().unwrap();
    let receipts = test.receipts();
    let labels: Vec<_> = receipts
        .payloads()
        .filter(|payload| payload.asqav.phase == Phase::Step)
        .map(|payload| payload.action_type.as_str().to_owned())
        .collect();
    assert!(labels[0].starts_with("step:llllllll") && labels[0].contains("~sha256:"), "{labels:?}");
    assert_eq!(labels[1], "step:nan");
    assert_closes(&receipts, 1);
}
