//! Every way in which a call can end.

use std::cell::RefCell;
use std::future::Future as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Waker};

use asqav::signed;

use super::corpus;
use super::support::{Bench, only, signed, signed_sync};

static RUNS: AtomicUsize = AtomicUsize::new(0);

#[signed(action = "test:counted")]
async fn counted(amount: u32) -> Result<u32, String> {
    RUNS.fetch_add(1, Ordering::SeqCst);
    Ok(amount)
}

#[signed(action = "test:counted_sync")]
fn counted_sync(amount: u32) -> Result<u32, std::io::Error> {
    RUNS.fetch_add(1, Ordering::SeqCst);
    Ok(amount)
}

#[signed(action = "test:counted_by_hand")]
fn counted_by_hand(amount: u32) -> corpus::Soon<'static, u32> {
    RUNS.fetch_add(1, Ordering::SeqCst);
    Box::pin(async move { Ok(amount) })
}

#[tokio::test]
async fn a_denied_body_does_not_run() {
    let bench = Bench::denying();
    asqav::scope(bench.gate.clone(), async {
        let denied = counted(1).await.unwrap_err();
        assert!(denied.starts_with("denied by policy (no_rule), receipt act_"), "{denied}");
        let denied = counted_sync(2).unwrap_err();
        assert_eq!(denied.kind(), std::io::ErrorKind::PermissionDenied);
        assert!(counted_by_hand(3).await.is_err());
        assert_eq!(corpus::lookup("key").await, None);
        assert_eq!(corpus::measured("key"), Err(usize::MAX));
        corpus::announce("");
    })
    .await;
    assert_eq!(RUNS.load(Ordering::SeqCst), 0);
    let calls = bench.calls();
    assert_eq!(calls[0], "test:counted counted amount=1 -> deny");
    assert_eq!(calls[2], "test:counted_by_hand counted_by_hand amount=3 -> deny");
    assert_eq!(calls.len(), 6);
}

#[tokio::test]
async fn a_future_never_polled_leaves_nothing() {
    let bench = Bench::allowing();
    asqav::scope_sync(bench.gate.clone(), || {
        drop(corpus::count(&[1]));
        drop(corpus::elided("x"));
        drop(corpus::later("x"));
        drop(corpus::boxed("x"));
    });
    assert_eq!(only(bench.calls()), "signed::corpus::count count items=[1] -> ok value(1)");
}

#[signed(action = "test:pending", on_deny = drop)]
async fn pending(amount: u32) {
    let _ = amount;
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn a_dropped_future_is_recorded_as_cancelled() {
    let bench = Bench::allowing();
    {
        let mut call = pin!(asqav::scope(bench.gate.clone(), pending(1)));
        let mut admitted = false;
        while !admitted {
            assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            admitted = bench.gate.counters().unwrap().durable >= bench.gate.counters().unwrap().submitted
                && !bench.payloads("protectmcp:decision").is_empty();
        }
        assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    assert_eq!(only(bench.calls()), "test:pending pending amount=1 -> cancelled");
}

#[test]
fn a_panic_is_recorded_and_goes_on() {
    let bench = Bench::allowing();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        asqav::scope_sync(bench.gate.clone(), || corpus::announce(""));
    }));
    assert_eq!(*panicked.unwrap_err().downcast::<&str>().unwrap(), "nothing to announce");
    assert_eq!(only(bench.calls()), r#"signed::corpus::announce announce text="" -> panicked"#);
}

#[signed(action = "test:diverging")]
async fn diverging(why: &str) -> Result<u32, String> {
    panic!("{why}")
}

#[signed(action = "test:diverging")]
fn diverging_sync(why: &str) -> Result<u32, String> {
    panic!("{why}")
}

#[test]
fn a_body_that_never_returns_is_taken_as_it_is() {
    let bench = Bench::allowing();
    let panicked =
        catch_unwind(AssertUnwindSafe(|| asqav::scope_sync(bench.gate.clone(), || diverging_sync("sync"))));
    assert_eq!(panicked.unwrap_err().downcast_ref::<String>().unwrap(), "sync");
    drop(diverging("never polled"));
    assert_eq!(only(bench.calls()), r#"test:diverging diverging_sync why="sync" -> panicked"#);
}

#[signed(action = "test:price")]
fn price(amount: f64) -> Result<u32, String> {
    Err(format!("ran with {amount}"))
}

#[test]
fn an_argument_without_json_is_refused() {
    let (result, call) = signed_sync(|| price(f64::NAN));
    let refused = result.unwrap_err();
    assert!(refused.starts_with("argument `amount` cannot be represented"), "{refused}");
    assert_eq!(call, "test:price price amount=dropped(true) -> deny");
}

thread_local! {
    static DROPPED: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) };
}

/// Tells when it is dropped.
struct Told(&'static str);

impl Drop for Told {
    fn drop(&mut self) {
        DROPPED.with_borrow_mut(|dropped| dropped.push(self.0));
    }
}

struct Owner {
    first: Told,
    second: Told,
}

impl Owner {
    #[signed(action = "test:drops", skip(left, right), result = skip)]
    async fn drops(self, left: Told, right: Told) -> Result<(), String> {
        let _inside = Told("inside");
        let _ = (&right, &left, &self.second);
        tokio::task::yield_now().await;
        Ok(())
    }

    #[signed(action = "test:drops", skip(left, right), result = skip)]
    fn drops_sync(self, left: Told, right: Told) -> Result<(), String> {
        let _inside = Told("inside");
        let _ = (&right, &left, &self.first);
        Ok(())
    }
}

#[tokio::test]
async fn parameters_are_dropped_as_parameters_are() {
    let owner = || Owner { first: Told("first"), second: Told("second") };
    signed(owner().drops(Told("left"), Told("right"))).await.0.unwrap();
    let order = ["inside", "right", "left", "first", "second"];
    assert_eq!(DROPPED.take(), order);
    signed_sync(|| owner().drops_sync(Told("left"), Told("right"))).0.unwrap();
    assert_eq!(DROPPED.take(), order);
}
