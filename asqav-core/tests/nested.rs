//! Signed tools that call signed tools, at the limit of calls in flight.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where it fails")]

mod common;

use asqav_core::testing::TestGate;
use asqav_core::{Gate, Refused, ToolCall, carry};
use asqav_receipt::payload::Outcome;

/// A call of depth 1, 2 or 3 that makes the deeper ones.
fn nested(gate: Gate, depth: usize) -> std::pin::Pin<Box<dyn Future<Output = Result<(), Refused>> + Send>> {
    Box::pin(async move {
        let call = ToolCall::builder(&format!("depth-{depth}"), "test:nested").build();
        let inner = gate.clone();
        gate.run(call, move || async move {
            if depth == 3 {
                return Ok(());
            }
            // Refused at the limit, the outer call goes on.
            let deeper = tokio::spawn(carry(nested(inner, depth + 1))).await.unwrap();
            match deeper {
                Ok(()) | Err(Refused::Overloaded { .. }) => Ok(()),
                Err(other) => Err(other),
            }
        })
        .await
    })
}

/// 10,000 calls in all, at a limit that they reach many times over.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nested_calls_at_the_limit_neither_hang_nor_lose_a_receipt() {
    let test = TestGate::with(|builder| builder.without_policy().max_in_flight(64.try_into().unwrap()));
    let mut admitted = 0;
    let mut refused = 0;
    while admitted < 3_400 {
        let tasks: Vec<_> = (0..100).map(|_| tokio::spawn(nested(test.gate().clone(), 1))).collect();
        for task in tasks {
            match task.await.unwrap() {
                Ok(()) => admitted += 1,
                Err(Refused::Overloaded { .. }) => refused += 1,
                Err(other) => panic!("{other}"),
            }
        }
    }
    assert!(refused > 0, "the limit was reached");
    test.gate().shutdown().await.unwrap();
    let receipts = test.receipts();
    for depth in 1..=3 {
        let tool = format!("depth-{depth}");
        let calls = receipts.of(&tool, asqav_receipt::payload::Phase::Decision).count();
        receipts.assert_outcomes(&tool, &vec![Outcome::Ok; calls]);
    }
    receipts.assert_verified();
}
