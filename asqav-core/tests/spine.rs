//! One call through the spine: what each way to end leaves.

use asqav_core::testing::{AllowAll, TestGate};
use asqav_core::{Refused, ToolCall};
use asqav_receipt::payload::Outcome;

fn call(tool: &str) -> ToolCall {
    ToolCall::builder(tool, "test:call").argument("a", &1).build()
}

#[test]
fn a_sync_call_leaves_two_linked_receipts() {
    let test = TestGate::with_policy(AllowAll::new());
    let result = test.gate().run_sync(call("add"), || Ok::<_, Refused>(3));
    assert_eq!(result, Ok(3));
    let receipts = test.receipts();
    receipts.assert_outcomes("add", &[Outcome::Ok]);
    receipts.assert_verified();
}
