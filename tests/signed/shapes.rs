//! Each shape of function: what it returns is what it returned before, and
//! its call stands in the log with the arguments that it was given.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use super::corpus::{self, Ledger, LocalTool, Page, Range, Secret, Store, Tool};
use super::support::{Bench, signed, signed_sync};

fn secret() -> Secret {
    Secret("4111-1234".to_owned())
}

async fn ledger() -> Ledger {
    let mut ledger = signed_sync(|| Ledger::open("ada".to_owned())).0.unwrap();
    for amount in [5, 7] {
        signed(ledger.post(amount)).await.0.unwrap();
    }
    ledger
}

#[tokio::test]
async fn async_functions() {
    let (result, call) = signed(corpus::query("DE-1", 3, secret())).await;
    assert_eq!(result, Ok(4));
    assert_eq!(call, r#"ledger:query query@1.2 account=value("DE-1") limit=3 token=dropped(true) -> ok 4"#);

    let (result, call) = signed(corpus::query("DE-1", 0, secret())).await;
    assert_eq!(result, Err("nothing of DE-1 for 4111-1234".to_owned()));
    assert!(call.ends_with("token=dropped(true) -> tool_error"), "{call}");

    let (result, call) = signed(corpus::elided("text")).await;
    assert_eq!(result.unwrap(), "text");
    assert_eq!(call, r#"signed::corpus::elided elided text="text" -> ok "text""#);

    let items = [1, 2, 3];
    let (result, call) = signed(corpus::generic(Page(&items), 1)).await;
    assert!(std::ptr::eq(result.unwrap(), &raw const items[1]));
    assert_eq!(call, "signed::corpus::generic generic chosen=1 items=[1,2,3] -> ok 2");

    let (result, call) = signed(corpus::opaque(vec![1, 2])).await;
    assert_eq!(result.unwrap().to_string(), "3");
    assert_eq!(call, "signed::corpus::opaque opaque items=[1,2] -> ok 3");

    assert_eq!(signed(corpus::coerced(true)).await.0.unwrap().to_string(), "1");
    assert_eq!(signed(corpus::coerced(false)).await.0.unwrap().to_string(), "two");

    let (result, call) = signed(corpus::by_macro(1, 2)).await;
    assert_eq!((result, call.as_str()), (Ok(3), "macro:rules by_macro left=1 right=2 -> ok 3"));
}

#[test]
fn sync_functions_need_no_runtime() {
    let (result, call) = signed_sync(|| corpus::double(4));
    assert_eq!((result, call), (Ok(8), format!("double:{} double amount=4 -> ok 8", "a".repeat(89))));

    let (result, call) = signed_sync(|| corpus::opaque_sync("four").map(|_| ()));
    assert_eq!(
        (result, call.as_str()),
        (Ok(()), r#"signed::corpus::opaque_sync opaque_sync text="four" -> ok 4"#)
    );

    let (result, call) = signed_sync(|| corpus::conditional(9));
    assert_eq!((result, call.as_str()), (Ok(9), "signed::corpus::conditional conditional here=9 -> ok 9"));
}

#[tokio::test]
async fn destructured_parameters_are_arguments_by_name() {
    let range = Range { from: 1, to: 2 };
    let (result, call) =
        signed(corpus::taken_apart(range.clone(), ("x", [7, 8, 9]), ("b".to_owned(),), &6, secret())).await;
    assert_eq!(result.unwrap(), "1 3 x 7 b 6");
    let arguments = r#"borrowed="b" copied=6 first="x" from=1 second=7 to=2"#;
    assert_eq!(call, format!(r#"signed::corpus::taken_apart taken_apart {arguments} -> ok "1 3 x 7 b 6""#));

    let (result, call) = signed_sync(|| corpus::taken_apart_sync(range, "raw"));
    assert_eq!(result.unwrap(), "1 3 raw");
    let arguments = r#"from=value(1) to=2 type=value("raw")"#;
    assert_eq!(
        call,
        format!(r#"signed::corpus::taken_apart_sync taken_apart_sync {arguments} -> ok "1 3 raw""#)
    );
}

#[tokio::test]
async fn what_is_redacted_is_not_seen() {
    let (result, call) = signed(corpus::pay(secret(), 5)).await;
    assert_eq!(result, Ok(5));
    assert_eq!(call, r#"signed::corpus::pay pay amount=5 card=value("1234") -> ok 5"#);
}

#[tokio::test]
async fn results_are_committed_recorded_or_skipped() {
    let (result, call) = signed(corpus::login("ada")).await;
    assert_eq!(result.unwrap().0, "ada");
    assert_eq!(call, r#"signed::corpus::login login user="ada" -> ok dropped(true)"#);

    let (result, call) = signed_sync(|| corpus::count(&[1, 2]));
    assert_eq!((result, call.as_str()), (Ok(2), "signed::corpus::count count items=[1,2] -> ok value(2)"));
}

#[tokio::test]
async fn functions_that_return_no_refusal() {
    let (result, call) = signed(corpus::lookup("key")).await;
    assert_eq!((result, call.as_str()), (Some(3), r#"signed::corpus::lookup lookup key="key" -> ok 3"#));

    let ((), call) = signed_sync(|| corpus::announce("hello"));
    assert_eq!(call, r#"signed::corpus::announce announce text="hello" -> ok null"#);

    let (result, call) = signed_sync(|| corpus::measured(""));
    assert_eq!(
        (result, call.as_str()),
        (Err(0), r#"signed::corpus::measured measured text="" -> tool_error"#)
    );
}

#[tokio::test]
async fn futures_by_hand() {
    let (result, call) = signed(corpus::later("four")).await;
    assert_eq!((result, call.as_str()), (Ok(4), r#"signed::corpus::later later text="four" -> ok 4"#));

    let (result, call) = signed(async { corpus::boxed("four").await }).await;
    assert_eq!((result, call.as_str()), (Ok(4), r#"signed::corpus::boxed boxed text="four" -> ok 4"#));

    let (result, call) = signed(async { corpus::boxed_local("four").await }).await;
    assert_eq!(result, Some(4));
    assert_eq!(call, r#"signed::corpus::boxed_local boxed_local text=value("four") -> ok 4"#);
}

#[tokio::test]
async fn recursion_leaves_a_call_for_each_level() {
    let bench = Bench::allowing();
    assert_eq!(asqav::scope(bench.gate.clone(), corpus::countdown(2)).await, Ok(2));
    let expected =
        [2, 1, 0].map(|from| format!("signed::corpus::countdown countdown from={from} -> ok {from}"));
    assert_eq!(bench.calls(), expected);
}

#[tokio::test]
async fn methods() {
    let mut ledger = ledger().await;
    let (result, call) = signed(ledger.owner("audit")).await;
    assert_eq!((result, call.as_str()), (Ok("ada"), r#"ledger:owner owner _reason="audit" -> ok "ada""#));

    let (result, call) = signed(ledger.post(9)).await;
    assert_eq!((result, call.as_str()), (Ok(3), "signed::corpus::post post amount=9 -> ok 3"));

    let (result, call) = signed_sync(|| ledger.entry(0).map(std::mem::take));
    assert_eq!((result, call.as_str()), (Ok(5), "signed::corpus::entry entry at=0 -> ok dropped(true)"));

    let (result, call) = signed(Pin::new(&mut ledger).pinned(1)).await;
    assert_eq!((result, call.as_str()), (Ok(4), "signed::corpus::pinned pinned amount=1 -> ok 4"));

    let (result, call) = signed(ledger.close(2)).await;
    assert_eq!(result.unwrap(), [0, 7, 9, 1, 2]);
    assert_eq!(call, "signed::corpus::close close last=2 -> ok [0,7,9,1,2]");

    let (result, call) = signed(Arc::new(self::ledger().await).shared(1)).await;
    assert_eq!((result, call.as_str()), (Ok(Some(7)), "signed::corpus::shared shared at=1 -> ok 7"));

    let boxed = Box::new(self::ledger().await);
    let (result, call) = signed_sync(|| boxed.boxed());
    assert_eq!((result, call.as_str()), (Ok(2), "signed::corpus::boxed boxed -> ok 2"));
}

#[tokio::test]
async fn methods_of_traits() {
    let ledger = ledger().await;
    let (result, call) = signed(ledger.get("k")).await;
    assert_eq!((result, call.as_str()), (Ok(5), r#"store:get get key="k" -> ok 5"#));

    let (result, call) = signed_sync(|| ledger.size(3));
    assert_eq!((result, call.as_str()), (Ok(3), "signed::corpus::size size scale=3 -> ok 3"));
}

#[tokio::test]
async fn methods_that_async_trait_has_boxed() {
    let tool: Box<dyn Tool> = Box::new(ledger().await);
    let (result, call) = signed(async { tool.call("ab", 2).await }).await;
    assert_eq!(result.unwrap(), "abab");
    assert_eq!(call, r#"tool:call call input="ab" times=value(2) -> ok "abab""#);

    let (result, call) = signed(async { tool.call("ada", 2).await }).await;
    assert_eq!(result, Err("the owner".to_owned()));
    assert_eq!(call, r#"tool:call call input="ada" times=value(2) -> tool_error"#);

    let (result, call) = signed(async { tool.describe("en".to_owned()).await }).await;
    assert_eq!(result.unwrap(), "en!");
    assert_eq!(call, r#"tool:describe describe language="en" -> ok "en!""#);

    let (result, call) = signed(async { tool.cut(Range { from: 1, to: 5 }, ("abc", 2)).await }).await;
    assert_eq!(result, Ok(9));
    let arguments = "first=3 from=value(1) second=value(2) to=5";
    assert_eq!(call, format!("signed::corpus::cut cut {arguments} -> ok 9"));
}

#[tokio::test]
async fn methods_that_async_trait_has_boxed_on_their_thread() {
    let mut ledger = ledger().await;
    let counter = Rc::new(Cell::new(4));
    let (result, call) = signed(async { ledger.bump(Rc::clone(&counter), 3).await }).await;
    assert_eq!((result, counter.get()), (Some(7), 7));
    assert_eq!(call, "signed::corpus::bump bump by=3 counter=dropped(true) -> ok 7");
}

#[tokio::test]
async fn other_attributes_in_both_orders() {
    let (result, call) = signed(corpus::traced_outside(1)).await;
    assert_eq!(
        (result, call.as_str()),
        (Ok(1), "signed::corpus::traced_outside traced_outside amount=1 -> ok 1")
    );
    let (result, call) = signed(corpus::traced_inside(2)).await;
    assert_eq!(
        (result, call.as_str()),
        (Ok(2), "signed::corpus::traced_inside traced_inside amount=2 -> ok 2")
    );
}
