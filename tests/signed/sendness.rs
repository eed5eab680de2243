//! A signed function's future is `Send` exactly if it was so before.

use std::cell::Cell;
use std::rc::Rc;

use asqav::signed;

use super::corpus;

/// Tells whether a type is `Send`, by which method is found first.
struct Probe<T>(T);

trait Local {
    fn is_send(&self) -> bool {
        false
    }
}

impl<T> Local for &Probe<T> {}

impl<T: Send> Probe<T> {
    fn is_send(&self) -> bool {
        let _ = &self.0;
        true
    }
}

macro_rules! is_send {
    ($future:expr) => {
        (&Probe($future)).is_send()
    };
}

#[signed(skip(local))]
async fn local_before_the_first_await(local: *const u8, amount: u32) -> Result<u32, String> {
    let _ = local;
    Ok(amount)
}

#[signed]
async fn local_inside(amount: u32) -> Result<u32, String> {
    let counter = Rc::new(Cell::new(amount));
    tokio::task::yield_now().await;
    Ok(counter.get())
}

#[test]
fn send_futures_stay_send() {
    assert!(is_send!(corpus::query("", 1, corpus::Secret::default())));
    assert!(is_send!(corpus::countdown(1)));
    assert!(is_send!(corpus::later("")));
    assert!(is_send!(corpus::boxed("")));
    assert!(is_send!(corpus::lookup("")));
    assert!(is_send!(corpus::Ledger::default().post(1)));
}

#[test]
fn local_futures_stay_local() {
    assert!(!is_send!(corpus::local(Rc::default())));
    assert!(!is_send!(corpus::boxed_local("")));
    assert!(!is_send!(local_before_the_first_await(std::ptr::null(), 1)));
    assert!(!is_send!(local_inside(1)));
}
